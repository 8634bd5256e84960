"""From the options of a command to settings of the graph: the paper's agent, or a baseline.

    settings_of(args)       # --model M: all four modules are M, with every tool

What `--set` names wins over a profile, but not over an option that sets the same field.
"""

from __future__ import annotations

import argparse
from typing import Any

from agentflow_graph.context import pairs
from agentflow_graph.errors import SettingError

MODULES = ("planner", "executor", "verifier", "generator")
"""The paper's modules; each of them is a model there."""


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """Settings of the graph that are not defaults.

    Raises:
        SettingError: a setting is given twice, or is not of the form NAME=VALUE.
    """
    given = _options(args)
    for name, value in pairs(args.set):
        if name in given or (name == "seed" and args.seed):
            raise SettingError(f"{name} is set twice: by --set {name}={value} and by an option")
        given[name] = value
    settings = _profile(args) | given
    if args.baseline and args.temperature is not None and "generator" in settings:
        settings["generator"] = warmed(settings["generator"], args.temperature)
    return settings


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """What options of their own set."""
    options = {
        "max_seconds": args.max_seconds,
        "max_tokens": args.max_tokens,
        "outputs": "base" if args.baseline else None,
        "temperature": None if args.baseline else args.temperature,
    }
    return {name: value for name, value in options.items() if value is not None}


def _profile(args: argparse.Namespace) -> dict[str, Any]:
    """What `--model` stands for."""
    if not args.model:
        return {}
    if args.baseline:
        return {"generator": args.model}
    return dict.fromkeys(MODULES, args.model) | {"tool_model": args.model, "tools": "all"}


def warmed(spec: str, temperature: float) -> str:
    """A model string with a temperature; SettingError where it has one already."""
    if "temperature=" in spec.partition("?")[2]:
        raise SettingError(f"temperature is set twice: in {spec!r} and by --temperature")
    return f"{spec}{'&' if '?' in spec else '?'}temperature={temperature:g}"
