"""What is asked and what counts as right: one item of a benchmark, and the benchmark itself.

    bamboogle = registry()["bamboogle"]
    items = load(bamboogle, "agentflow", data=Path("data"))
    bamboogle.score(items[0], "It was <answer>James Madison</answer>").value

Each benchmark is one small file in `benchmarks/tasks/` that ends in a `Benchmark`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.scoring import Score

Row = Mapping[str, Any]
Kind = Literal["search", "agentic", "math", "science", "almanac"]


@dataclass(frozen=True)
class Item:
    """One question. `id` is unique in its benchmark and the same wherever the data came from."""

    id: str
    question: str
    """What the graph is asked: the benchmark's question with its instruction for the answer."""
    golds: tuple[str, ...]
    """Every right answer; at least one."""
    level: str = ""
    choices: tuple[str, ...] = ()
    """Texts of the options A, B, C, ... without their letters; empty for open questions."""
    numbers: tuple[int, ...] = ()
    """Game of 24: the numbers given."""


@dataclass(frozen=True)
class Subset:
    """A named choice among a benchmark's items."""

    size: int
    """How many items it must have; another number is an error of the data."""
    choose: Callable[[Sequence[Item]], Sequence[Item]]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: where its items come from, how an answer is scored, what the paper reports."""

    name: str
    title: str
    kind: Kind
    hub: str
    """Id of the data set on the Hugging Face hub; empty: the project makes the items itself."""
    split: str
    licence: str
    original: Callable[[Row, int], Item]
    """An item from a row of the original's `data.json` and the row's position."""
    official: Callable[[Row, int], Item]
    """An item from a row of the data set on the hub and the row's position."""
    score: Callable[[Item, str], Score]
    """The rule: a pure function of the item and the whole reply."""
    subsets: Mapping[str, Subset]
    """`agentflow`: the paper's items; `full`: all; others by name."""
    config: str = ""
    """Configuration of the data set on the hub."""
    gated: bool = False
    """The hub wants an account that accepted the terms; items must not be passed on."""
    judged: bool = False
    """Open answers: where the rule says no, a judge may be asked."""
    paper: Mapping[str, float] = field(default_factory=dict)
    """Accuracy in per cent by system, from tables 1 and 2 of arXiv 2510.05592."""
