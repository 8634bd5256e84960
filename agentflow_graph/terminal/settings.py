"""The settings of a run on the command line, the same for each command."""

from __future__ import annotations

import argparse
from typing import Any

from agentflow_graph.context import Context, pairs
from agentflow_graph.models.strings import FORMS
from agentflow_graph.nodes.parts.given import MODULES

MODELS = (*MODULES, "tool_model")
"""Settings that name a model each."""


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Let a command take --model and --set."""
    parser.add_argument("--model", metavar="M", help=f"one model for every module: {FORMS}")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")


def given_by(args: argparse.Namespace) -> dict[str, Any]:
    """What was given, by name; --set goes before --model.

    Raises:
        SettingError: something is not of the form NAME=VALUE.
    """
    models: dict[str, Any] = dict.fromkeys(MODELS, args.model) if args.model else {}
    return models | dict(pairs(args.set))


def context_of(args: argparse.Namespace) -> Context:
    """The settings of the run; raises SettingError where one cannot be used."""
    return Context.of(given_by(args))
