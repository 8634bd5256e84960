"""What is asked and what counts as right: one item of a benchmark, and the benchmark itself.

    bamboogle = registry()["bamboogle"]
    items = load(bamboogle, "agentflow", data=Path("data"))
    bamboogle.score(items[0], "It was <answer>James Madison</answer>").value

Each benchmark is one small file in `benchmarks/tasks/` that ends in a `Benchmark`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agentflow_graph.errors import SettingError, closest
from benchmarks.scoring.official import OfficialRule
from benchmarks.scoring.scorers import SCORERS, Reply, Score, reading

Row = Mapping[str, Any]
Kind = Literal["search", "agentic", "math", "science", "almanac"]
Source = Literal["original", "official"]
"""`original`: the `data.json` that the paper's repository ships; `official`: the data set itself,
from the hub, from files of it, or, for the almanac, made here."""


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
    hops: int = 0
    """Pages on the way to the answer; 0: not known."""
    calls: int = 0
    """Tool calls that an oracle makes; 0: not known."""
    twin: str = ""
    """Id of the item that this one is without its hazard."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the graph, for this item, where the run has others left open."""
    source_id: str = field(default="", compare=False)
    """Its id in the data set itself, for official scripts; empty: not known."""


@dataclass(frozen=True)
class Part:
    """How a subset is taken from one source."""

    size: int
    """How many items it must have."""
    choose: Callable[[Sequence[Item]], Sequence[Item]]


Need = Literal["modules", "search"]
"""`modules`: each of the paper's four modules is a model; `search`: a tool that looks in a real
encyclopedia or on the web. The almanac brings its own rules and its own corpus."""
_NEEDS: dict[Kind, frozenset[Need]] = {
    "search": frozenset({"modules", "search"}),
    "agentic": frozenset({"modules", "search"}),
    "math": frozenset({"modules"}),
    "science": frozenset({"modules"}),
    "almanac": frozenset(),
}

Subset = Mapping[Source, Part]
"""A named choice among a benchmark's items: how it is taken from each source that has it. Where
both are at hand the first is read."""


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
    rule: str
    """Name of the scoring rule, for people."""
    official: Callable[[Row], Item]
    """An item from a row of the data set itself. Raises KeyError, TypeError or ValueError."""
    subsets: Mapping[str, Subset]
    """`agentflow`: the paper's items; `full`: all; others by name."""
    original: Callable[[Row], Item] | None = None
    """An item from a row of the original's `data.json`; None where there is no such file."""
    keep: Callable[[Row], bool] = lambda row: True
    """Which rows can be asked at all, such as those without an attached file."""
    generate: Callable[[], Sequence[Row]] | None = None
    """The rows of a data set that the project makes itself."""
    config: str = ""
    """Configuration of the data set on the hub."""
    sha256: str = ""
    """Checksum of the original's `data.json`."""
    files: tuple[str, ...] = ()
    """Other names under which the data folder may hold the official rows."""
    attachment: Callable[[Row], str] | None = None
    """Where the file of a row is in the data set's repository; empty: the row has none."""
    revision: str = ""
    """Commit of the data set on the hub; empty: the newest, which a run notes."""
    gated: bool = False
    """The hub wants an account that accepted the terms; items must not be passed on."""
    judged: bool = False
    """Open answers: where the rule says no, a judge may be asked."""
    rule_of: Callable[[Item, Reply], Score] | None = None
    """A rule that needs more of an item than its golds; by default `SCORERS[rule]`."""
    official_rule: OfficialRule | None = None
    """Exact match and F1 as the data set's own script counts them; published beside our rule."""
    paper: Mapping[str, float] = field(default_factory=dict)
    """Accuracy in per cent by system, from tables 1 and 2 of arXiv 2510.05592."""

    @property
    def needs(self) -> frozenset[Need]:
        """What an agent must have for a number of this benchmark to mean anything."""
        return _NEEDS[self.kind]

    def score(self, item: Item, reply: Reply) -> Score:
        """The rule: a pure function of the item and the reply, or what was read from it."""
        answer = reading(reply)
        score = (
            self.rule_of(item, answer) if self.rule_of else SCORERS[self.rule](item.golds, answer)
        )
        if self.official_rule is None:
            return score
        em, f1 = self.official_rule(item.golds, answer.text)
        return replace(score, official_em=em, official_f1=f1)

    def subset(self, name: str) -> Subset:
        """The subset of that name.

        Raises:
            SettingError: there is none.
        """
        if name not in self.subsets:
            raise SettingError(
                f"{self.name} has no subset {name!r}{closest(name, self.subsets)}: "
                f"choose among {', '.join(self.subsets)}"
            )
        return self.subsets[name]


PAPER_SYSTEMS = ("Qwen2.5-7B-Inst", "GPT-4o", "AutoGen", "AgentFlow no RL", "AgentFlow + Flow-GRPO")


def reported(*per_cent: float) -> dict[str, float]:
    """The paper's accuracies (arXiv 2510.05592), in the order of PAPER_SYSTEMS."""
    return dict(zip(PAPER_SYSTEMS, per_cent, strict=True))
