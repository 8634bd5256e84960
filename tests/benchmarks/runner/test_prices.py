"""What a run costs, and what is said of a price file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from benchmarks.runner.store.prices import Price, cost, read_prices, unpriced

MINI, BIG = "openai:mini", "openai:big"
SPENT = {"calls": 1.0, "input_tokens": 1_000_000, "output_tokens": 500_000, "seconds": 1.0}


def written(path: Path, text: str) -> Path:
    (path / "prices.toml").write_text(text)
    return path / "prices.toml"


def test_tokens_are_charged_to_the_model_of_their_module(tmp_path: Path) -> None:
    file = written(tmp_path, '["openai:mini"]\ninput = 0.25\noutput = 2\n')
    prices = {**read_prices(file), BIG: Price(10, 30)}
    context = Context(planner=MINI, generator=BIG)
    assert cost({"planner": SPENT}, context, prices) == pytest.approx(1.25)
    assert cost({"planner": SPENT, "generator": SPENT}, context, prices) == pytest.approx(26.25)


def test_a_model_without_a_price_makes_the_cost_unknown() -> None:
    assert cost({"planner": SPENT}, Context(planner=MINI), {}) is None
    assert unpriced(Context(planner=MINI, tool_model=BIG), {BIG: Price(1, 1)}) == [MINI]


def test_models_of_this_process_are_free() -> None:
    assert cost({"planner": SPENT}, Context(), {}) == 0.0
    assert unpriced(Context(planner="local:x"), {}) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = [", "is not TOML"),
        ("x = 3", "must be input"),
        ("[x]\ninput = 1", "must be input"),
        ("[x]\ninput = 1\noutput = -1", "must be input"),
        ("[x]\ninput = 1\noutput = nan", "must be input"),
        ("[x]\ninput = true\noutput = 1", "must be input"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        read_prices(written(tmp_path, text))


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"absent\.toml cannot be read"):
        read_prices(tmp_path / "absent.toml")
