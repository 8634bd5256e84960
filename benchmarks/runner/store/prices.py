"""What a run costs in US dollars, from prices that the user states; none are built in.

    ["openai:gpt-5-mini"]      # the model string, as in the settings
    input = 0.25               # US dollars per million tokens
    output = 2.00

Models that run in this process (`nano`, `local:DIR`) cost nothing. A price without parameters
(`?reasoning_effort=low`) is that of the model with any. What a tool asks costs the price of
`tool_model`; that of a model which the file of tools names is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentflow_graph.context import Context, is_rule
from agentflow_graph.errors import SettingError
from agentflow_graph.nodes.resources import MODULES
from agentflow_graph.record.artifacts import read_toml
from agentflow_graph.state import Usage

MILLION = 1_000_000
REMEDY = "must be input = ... and output = ..., US dollars per million tokens"


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float


Prices = Mapping[str, Price]


def read_prices(path: Path) -> dict[str, Price]:
    """The prices in a TOML file, by model string; raises SettingError for anything else."""
    tables = read_toml(path, f"each price {REMEDY}")
    return {name: _price(name, table) for name, table in tables.items()}


def _price(name: str, table: Any) -> Price:
    ok = isinstance(table, dict) and set(table) == {"input", "output"}
    if not ok or not all(_amount(value) for value in table.values()):
        raise SettingError(f"price of {name!r} is wrong; it {REMEDY}")
    return Price(**table)


def _amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MILLION


def cost(usage: Usage, context: Context, prices: Prices) -> float | None:
    """US dollars for `usage`; None where a model that was asked has no price."""
    total = 0.0
    for module, spent in usage.items():
        price = _of(_spec_of(module, context), prices)
        if price is None:
            return None
        total += spent["input_tokens"] * price.input + spent["output_tokens"] * price.output
    return total / MILLION


def _spec_of(who: str, context: Context) -> str:
    """The model string behind an entry of a run's usage, a module's or a tool's."""
    return str(getattr(context, who)) if who in MODULES else context.tool_model


def unpriced(context: Context, prices: Prices) -> list[str]:
    """Models of `context` whose price is not known."""
    return sorted({spec for spec in _models(context) if _of(spec, prices) is None})


def _models(context: Context) -> Iterator[str]:
    for module in MODULES:
        spec: str = getattr(context, module)
        if spec != "off" and not is_rule(module, spec):
            yield spec
    if context.tool_model:
        yield context.tool_model


def _of(spec: str, prices: Prices) -> Price | None:
    if spec == "nano" or spec.startswith("local:"):
        return Price(0.0, 0.0)
    return prices.get(spec) or prices.get(spec.partition("?")[0])
