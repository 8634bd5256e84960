"""The benchmarks on the command line: `python -m benchmarks COMMAND`.

Each command is a module with `add(subparsers)`. It makes its parser and sets the default `call` to
a function of the parsed arguments that returns the exit code. The module imports what is heavy
inside that function, so that `list` and `check` need neither inspect_ai nor a model.

Exit codes: 0 done, 1 the command found fault or the disk is full, 2 a setting or a file is wrong or
a folder cannot be written, 130 interrupted.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from agentflow_graph.errors import AgentFlowError, NotWritten
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.record.artifacts import FULL
from benchmarks.tasks.registry import program
from tools.outcomes.extras import explained
from tools.outcomes.interrupts import end, ended

COMMANDS = (
    "benchmarks.commands.listing",
    "benchmarks.commands.check",
    "benchmarks.commands.run",
    "benchmarks.commands.resume",
    "benchmarks.commands.add",
    "benchmarks.commands.score",
    "benchmarks.commands.view",
    "benchmarks.commands.report",
    "benchmarks.commands.compare",
    "benchmarks.commands.published.study",
    "benchmarks.commands.published.paper",
    "benchmarks.commands.published.overlap",
    "benchmarks.commands.published.predictions",
)


PATIENCE = 3.0
"""Seconds after Ctrl-C: what is recorded is safe, and `resume` makes inspect's logs anew."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and call the command; returns the exit code."""
    guard_output()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    args = _parser().parse_args(arguments)
    return ended(lambda: _called(args), patience=PATIENCE)


def _called(args: argparse.Namespace) -> int:
    try:
        return int(args.call(args))
    except ModuleNotFoundError as error:
        print(f"error: {explained(error, 'bench')}", file=sys.stderr)
        return 2
    except NotWritten as error:
        print(f"error: {error}", file=sys.stderr)
        why = error.__cause__
        return 1 if isinstance(why, OSError) and why.errno in FULL else 2
    except AgentFlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(), description="Ten benchmarks and two almanacs, scored by rule."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        import_module(name).add(subparsers)
    return parser


if __name__ == "__main__":
    end(main())
