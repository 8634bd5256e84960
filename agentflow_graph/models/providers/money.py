"""What a run spent, in US dollars: by entry of its usage, summed, and in words.

money = money_of(usage, {"planner": Rate("openai:gpt-5-mini", Price(0.25, 2.0))})
money["total"]           # None where something was asked that has no price
told(money)              # "$0.0012", "no price for nano"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from agentflow_graph.models.providers.prices import Price
from agentflow_graph.state import Cost, Money, Usage

DIGITS = 9
"""Of US dollars: the price of one token has up to eight."""
NAMED = 2
"""Names without a price that a line tells."""


@dataclass(frozen=True)
class Rate:
    """Who is asked under an entry of usage, and for how much."""

    of: str
    """Model string, or a service."""
    price: Price | None
    """None: not known."""

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return {"of": self.of, "price": asdict(self.price) if self.price else None}

    @classmethod
    def from_record(cls, told: Mapping[str, Any]) -> Self:
        """From plain data."""
        return cls(told["of"], Price(**told["price"]) if told["price"] else None)


def money_of(usage: Usage, rates: Mapping[str, Rate]) -> Money:
    """What `usage` cost, by entry and in all."""
    by: dict[str, Cost] = {}
    for who, spent in usage.items():
        rate = rates.get(who, Rate(who, None))
        dollars = None if rate.price is None else round(rate.price.of(spent), DIGITS)
        by[who] = Cost(of=rate.of, dollars=dollars)
    return Money(total=_total(by), by=by)


def summed(moneys: Iterable[Money]) -> Money:
    """The same over many runs."""
    by: dict[str, Cost] = {}
    for who, cost in (item for money in moneys for item in money["by"].items()):
        before = by.get(who, Cost(of=cost["of"], dollars=0.0))["dollars"]
        lacks = before is None or cost["dollars"] is None
        both = None if lacks else round((before or 0.0) + (cost["dollars"] or 0.0), DIGITS)
        by[who] = Cost(of=cost["of"], dollars=both)
    return Money(total=_total(by), by=by)


def _total(by: Mapping[str, Cost]) -> float | None:
    known = [cost["dollars"] for cost in by.values() if cost["dollars"] is not None]
    return round(sum(known, 0.0), DIGITS) if len(known) == len(by) else None


def known_part(money: Money) -> float:
    """US dollars of what has a price."""
    return round(sum((cost["dollars"] or 0.0 for cost in money["by"].values()), 0.0), DIGITS)


def unpriced(money: Money) -> list[str]:
    """Who was asked and has no price."""
    return sorted({cost["of"] for cost in money["by"].values() if cost["dollars"] is None})


def told(money: Money) -> str:
    """What a run cost, for a line of text."""
    if money["total"] is not None:
        return dollars(money["total"])
    lacks = f"no price for {_listed(unpriced(money))}"
    known = known_part(money)
    return f"{dollars(known)} and {lacks}" if known else lacks


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def dollars(value: float) -> str:
    """An amount: whole cents, and of less than ten cents what is there."""
    if not value or value >= 0.1:
        return f"${value:,.2f}"
    return "$" + f"{max(value, 1e-6):.6f}".rstrip("0")


def without_price(rates: Iterable[Rate]) -> list[str]:
    """Who has no price among those that may be asked."""
    return sorted({rate.of for rate in rates if rate.price is None})
