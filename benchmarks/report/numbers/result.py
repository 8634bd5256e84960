"""What a run of a benchmark leaves: one `Result` for each trial of each item, missing ones too.

The runner writes results, the report and the comparison read them; neither knows the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

UNMARKED = "finished, but not scored yet"
"""Error of a trial whose answer nobody has marked: neither right nor wrong, and soon to be told."""


@dataclass(frozen=True)
class Result:
    """One trial of one item.

    `score` is 1.0 or 0.0, and None where there is none: the run broke off or never happened. Such a
    trial counts as wrong and is shown as missing, never left out.
    """

    task: str
    item: str
    trial: int
    """Counts from 1."""
    score: float | None
    level: str = ""
    answer: str = ""
    """The answer that was compared."""
    golds: tuple[str, ...] = ()
    rule: str = ""
    """Where the answer was read: answer_tag, boxed, answer_line, last_line, empty."""
    scored_by: str = "rule"
    """`rule`, or `judge` where the rule said no and a judge was asked."""
    f1: float | None = None
    """Word overlap with the best gold; open questions only."""
    official_em: float | None = None
    official_f1: float | None = None
    """As the data set's own script counts; open questions with such a script only."""
    audit: float | None = None
    """What the judge said of an answer that the rule calls right, where it was asked."""
    audit_owed: bool = False
    """Whether it was asked and failed; the next `resume` or `score` asks it again."""
    question: str = ""
    error: str = ""
    """Why there is no score."""
    stopped_by: str = ""
    turns: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """US dollars; None where a model's price is not known."""
    usage: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of the run, by module, tool's model and service."""
    money: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By entry of `usage`: `of`, who was asked, and `dollars`."""
    judging: dict[str, float] = field(default_factory=dict)
    """What the judge was asked for the mark, as an entry of usage."""
    judging_cost: float | None = None
    tools: dict[str, int] = field(default_factory=dict)
    """Tool calls by tool."""
    tool_errors: int = 0
    """Tool calls whose status is not ok."""
    leaks: int = 0
    """Tool calls that found the item itself."""
    hops: int = 0
    """Pages on the way to the answer; 0: not known."""
    least_calls: int = 0
    """Tool calls of an oracle; 0: not known."""
    twin: str = ""
    """The item that this one is without its hazard."""

    @property
    def verdicts(self) -> list[tuple[bool, bool]]:
        """What rule and judge say, where both were asked; else empty."""
        if self.scored_by == "judge":
            return [(False, bool(self.score))]
        return [] if self.audit is None else [(True, bool(self.audit))]

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def natural(name: int | str) -> tuple[str, int, str]:
    """Order of levels and counts: H2 before H10, and names without a number by letter."""
    text = str(name)
    head = text.rstrip().split(" ")[0]
    digits = "".join(filter(str.isdecimal, head))
    return head.removesuffix(digits), int(digits or 0), text


@dataclass(frozen=True)
class Agreement:
    """How far two raters agree over `rows` answers."""

    raters: str
    rows: int
    same: float
    """Share of the rows on which they say the same."""
    kappa: float | None
    """Cohen's, 1 for full agreement and 0 for chance; None where chance alone explains all."""


@dataclass(frozen=True)
class Session:
    """A whole run: what was asked for and every result of it."""

    name: str
    subsets: dict[str, str]
    """Subset by task."""
    expected: dict[str, int]
    """Items by task; each is tried `trials` times."""
    trials: int
    settings: dict[str, Any]
    """Settings of the graph, as given."""
    versions: dict[str, str]
    results: list[Result]
    judge: str = ""
    """Model string of the judge; empty: rules alone."""
    scoring: int = 0
    """Which of the run's scorings the results are of; 0 is its own."""
    baseline: str = ""
    """How a plain call was asked, `direct` or `cot`; empty: the run is of the whole graph."""
    as_is: bool = False
    """Whether it ran unfit or not, and asked nobody first."""
    folder: str = ""
    """Where it is, as it was given; empty: made up."""
    seed: int = 0
    """Trial k samples with seed + k - 1; 0: without a seed."""
    sittings: list[dict[str, Any]] = field(default_factory=list)
    """Of each process that ran trials, or made marks that are shown: `numbers.sittings`."""
    filter_leaks: bool = False
    """Whether what held an item itself was kept from the agent."""
    sources: dict[str, str] = field(default_factory=dict)
    """What tells the data of a task from others, by task; empty: not known."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """When, by which code, on which data, with what in effect."""

    @property
    def plain(self) -> bool:
        """Whether the generator was asked alone: such a run has no turns and no tools."""
        return self.settings.get("outputs") == "base"
