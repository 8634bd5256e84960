"""Numbers on the command line, and options that several commands have."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any

from agentflow_graph.errors.former import MAX_COST

ANY_JUDGE = "compare also what different judges have marked"
SCORING = "number of the scoring; default: the one completed last (0 is the run's own)"


class FormerOption(argparse.Action):
    """An option by its former name: it works, and says its new one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the value."""
        print(f"warning: {self.const}", file=sys.stderr)
        setattr(namespace, self.dest, values)


def add_money_limit(
    parser: argparse.ArgumentParser, about: str, usual: float | None = None
) -> None:
    """`--max-money`; `usual` is what it is where it is not given."""
    how: dict[str, Any] = {"dest": "max_cost", "type": above_zero, "default": usual}
    parser.add_argument("--max-money", metavar="USD", help=about, **how)
    how |= {"action": FormerOption, "const": MAX_COST, "help": argparse.SUPPRESS}
    parser.add_argument(MAX_COST.name, **how)


def count(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def at_least_zero(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def port(text: str) -> int:
    """A port that a server may have: 1 to 65535."""
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port of 1 to 65535")
    return int(text)


def above_zero(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def from_zero(text: str) -> float:
    """A finite number of 0 or more."""
    return 0.0 if text.strip("0.") == "" and "0" in text else above_zero(text)


def share(text: str) -> float:
    """A number above 0 and up to 1."""
    if (number := above_zero(text)) > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share above 0 and up to 1")
    return number
