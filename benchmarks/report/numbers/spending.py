"""What a run asked of whom and paid for it: by entry of the graph's usage, and of the judge.

    spending(session)["planner"].dollars       # None where a price is not known

Trials that broke off count too. Of a judge it is what the marks cost that are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.numbers.result import Result, Session

JUDGE = "judge"


@dataclass(frozen=True)
class Spending:
    """Sums over all trials."""

    of: str
    """Model strings, or a service."""
    calls: int
    input_tokens: int
    cached_tokens: int
    """Of the input, as far as providers tell them."""
    output_tokens: int
    reasoning_tokens: int
    """Of the output, as far as providers tell them."""
    dollars: float | None
    """None where a price is not known."""


Entry = tuple[dict[str, float], str, float | None]
"""Usage, who was asked, US dollars."""


def spending(session: Session) -> dict[str, Spending]:
    """By module, tool's model, service and judge; those that were not asked are left out."""
    spent: dict[str, list[Entry]] = defaultdict(list)
    for result in session.results:
        for who, entry in _entries(result, session.judge):
            spent[who].append(entry)
    return {who: _sum(entries) for who, entries in spent.items()}


def cost_of(results: Sequence[Result]) -> float | None:
    """US dollars of trials without the judge's; None where a price is not known.

    A trial that broke off before any model was asked has no cost and hides no price.
    """
    paid = [each for each in results if each.score is not None or each.cost is not None]
    costs = [each.cost for each in paid if each.cost is not None]
    return sum(costs) if len(costs) == len(paid) else None


def judge_cost(results: Sequence[Result]) -> float | None:
    """US dollars of the marks that are shown; None where the judge's price is not known."""
    asked = [each.judging_cost for each in results if each.judging.get("calls")]
    known = [cost for cost in asked if cost is not None]
    return sum(known) if len(known) == len(asked) else None


def _entries(result: Result, judge: str) -> Iterator[tuple[str, Entry]]:
    for who, usage in result.usage.items():
        cost = result.money.get(who, {})
        yield who, (usage, cost.get("of", ""), cost.get("dollars"))
    if result.judging.get("calls"):
        yield JUDGE, (result.judging, judge, result.judging_cost)


def _sum(entries: list[Entry]) -> Spending:
    def total(name: str) -> int:
        return int(sum(usage.get(name, 0) for usage, _, _ in entries))

    known = [dollars for _, _, dollars in entries if dollars is not None]
    return Spending(
        of=", ".join(sorted({of for _, of, _ in entries if of})),
        calls=total("calls"),
        input_tokens=total("input_tokens"),
        cached_tokens=total("cached_tokens"),
        output_tokens=total("output_tokens"),
        reasoning_tokens=total("reasoning_tokens"),
        dollars=sum(known) if len(known) == len(entries) else None,
    )
