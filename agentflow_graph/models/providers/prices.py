"""What calls cost in US dollars: list prices that ship, the operator's over them, and their sums.

    prices = known_prices()                         # prices.toml, under what AGENTFLOW_PRICES names
    prices.of("openai:gpt-5-mini?reasoning_effort=low")
    prices.of("nano")                               # None: nobody said, which is never 0

A file of prices, also for the benchmarks' `--prices`:

    ["openai:gpt-5-mini"]        # the model string, as in the settings; * stands for anything
    input = 0.25                 # US dollars per million tokens
    output = 2.00
    cached = 0.025               # input that the provider had in its cache; without it as `input`

    ["web_search.tavily"]        # a service that a tool asks
    call = 0.008                 # US dollars per call

A name with its parameters goes before the same without, and `vllm:NAME@URL` before `vllm:NAME`; a
price without is that of all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.table import provider_of
from agentflow_graph.record.artifacts import read_toml

MILLION = 1_000_000
VARIABLE = "AGENTFLOW_PRICES"
SHIPPED = Path(__file__).with_name("prices.toml")
REMEDY = (
    "must be input = ... and output = ... (and cached = ... if you like), US dollars per million "
    "tokens, or call = ..., US dollars per call"
)
_AMOUNTS = ({"input", "output"}, {"input", "output", "cached"}, {"call"})
_ADDRESS = re.compile(r"@https?://[^?]*", re.IGNORECASE)
_ORIGIN = {"date", "source"}
"""Where a price is from, for whoever reads the file."""


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens, and per call."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    """Of input tokens that the provider had in its cache; None: as of any other."""
    call: float = 0.0

    def of(self, spent: Mapping[str, float]) -> float:
        """US dollars of an entry of a run's usage."""
        cached = spent.get("cached_tokens", 0)
        each = self.input if self.cached is None else self.cached
        tokens = (spent["input_tokens"] - cached) * self.input + cached * each
        tokens += spent["output_tokens"] * self.output
        return tokens / MILLION + spent["calls"] * self.call


@dataclass(frozen=True)
class PriceList:
    """Prices by name, in layers: the first that knows a name decides."""

    layers: tuple[Mapping[str, Price], ...]

    def of(self, name: str) -> Price | None:
        """The price of a model string or a service; None where nobody states one."""
        whole = (_plain(name), _plain(name.partition("?")[0]))
        names = [one for each in whole for one in (each, _ADDRESS.sub("", each, count=1))]
        for layer in self._layers:
            # A name of its own goes before any pattern.
            if found := next((layer[one] for one in names if one in layer), None):
                return found
            if found := next(filter(None, (_by_pattern(one, layer) for one in names)), None):
                return found
        return None

    def under(self, prices: Mapping[str, Price]) -> PriceList:
        """The same with `prices` before all others."""
        return PriceList((prices, *self.layers))

    @cached_property
    def _layers(self) -> list[dict[str, Price]]:
        return [{_plain(name): price for name, price in each.items()} for each in self.layers]


def unused(prices: Mapping[str, Price], names: Iterable[str]) -> list[str]:
    """Those of `prices` that are the price of none of the names."""
    asked = set(names)
    return [of for of, price in prices.items() if not any(map(PriceList(({of: price},)).of, asked))]


def known_prices() -> PriceList:
    """The operator's, then those that ship.

    Raises:
        SettingError: the file that AGENTFLOW_PRICES names is wrong, or is not there.
    """
    named = os.environ.get(VARIABLE, "")
    own = {} if not named else read_prices(Path(named))
    return PriceList((own, _shipped()))


def read_prices(path: Path) -> dict[str, Price]:
    """The prices in a TOML file, by name; raises SettingError for anything else."""
    tables = read_toml(path, f"each price {REMEDY}")
    return {name: _price(path, name, table) for name, table in tables.items()}


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Price]:
    return read_prices(SHIPPED)


def _price(path: Path, name: str, table: Any) -> Price:
    amounts = {n: v for n, v in table.items() if n not in _ORIGIN} if _is_table(table) else {}
    if set(amounts) not in _AMOUNTS or not all(map(_is_amount, amounts.values())):
        raise SettingError(f"{path}: the price of {name!r} is wrong; it {REMEDY}")
    return Price(**amounts)


def _is_table(table: Any) -> bool:
    return isinstance(table, dict)


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MILLION


def _plain(name: str) -> str:
    """A name with its provider's usual name: `gemini:x` and `google_genai:x` are one model."""
    kind, colon, rest = name.partition(":")
    return f"{provider_of(kind).name}:{rest}" if colon else name


def _by_pattern(name: str, layer: Mapping[str, Price]) -> Price | None:
    """The price of the longest pattern that fits."""
    patterns = sorted((key for key in layer if "*" in key), key=len, reverse=True)
    return next((layer[key] for key in patterns if _fits(name, key)), None)


def _fits(name: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
