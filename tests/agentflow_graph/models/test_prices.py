"""The table of prices: who goes before whom, and what is said of a file that is wrong."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.money import Rate, dollars, money_of, told
from agentflow_graph.models.providers.prices import (
    SHIPPED,
    Price,
    PriceList,
    known_prices,
    read_prices,
    unused,
)

SPENT = {"calls": 1, "input_tokens": 1_000_000, "output_tokens": 500_000, "seconds": 1.0}


def written(path: Path, text: str) -> Path:
    (path / "prices.toml").write_text(text)
    return path / "prices.toml"


def test_each_price_that_ships_says_of_when_and_from_where_it_is() -> None:
    entries = tomllib.loads(SHIPPED.read_text())
    assert len(read_prices(SHIPPED)) == len(entries) > 50
    for name, entry in entries.items():
        assert date.fromisoformat(entry["date"]) >= date(2026, 11, 1), name
        assert entry["source"].startswith("https://"), name


def test_list_prices_are_found_by_the_model_string() -> None:
    known = known_prices()
    mini = Price(0.25, 2.0, 0.025)
    assert known.of("openai:gpt-5-mini") == known.of("openai:gpt-5-mini?temperature=1") == mini
    assert known.of("gemini:gemini-2.5-flash") == known.of("google_genai:gemini-2.5-flash")
    assert known.of("google_search.gemini-2.5-flash") == Price(call=0.035)


@pytest.mark.parametrize("name", ["nano", "local:x", "vllm:gpt-5-mini@http://h:1", "openai:new"])
def test_nobody_is_free_unless_somebody_says_so(name: str) -> None:
    assert known_prices().of(name) is None


def test_the_operators_file_goes_before_what_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '["openai:*"]\ninput = 1\noutput = 2\n["openai:gpt-5-*"]\ninput = 3\noutput = 4\n'
    own = written(tmp_path, text + '["nano"]\ninput = 0\noutput = 0\n')
    monkeypatch.setenv("AGENTFLOW_PRICES", str(own))
    known = known_prices()
    assert known.of("openai:gpt-5-mini") == Price(3, 4), "the longest pattern"
    assert (known.of("openai:o9"), known.of("nano")) == (Price(1, 2), Price())
    assert known.of("anthropic:claude-haiku-4-5") == Price(1, 5, 0.1), "as it ships"
    assert known.under({"nano": Price(7, 7)}).of("nano") == Price(7, 7)


def test_a_price_with_parameters_is_for_that_use_alone() -> None:
    known = PriceList(({"m:x?a=1": Price(1, 1), "m:x": Price(2, 2)},))
    assert (known.of("m:x?a=1"), known.of("m:x?a=2")) == (Price(1, 1), Price(2, 2))


def test_a_served_model_has_the_price_of_its_name_at_any_address() -> None:
    plain, here, any_one = Price(1, 1), Price(2, 2), Price(3, 3)
    given = {"vllm:a": plain, "vllm:a@http://one:1": here, "vllm:*": any_one}
    prices = PriceList((given,))
    assert prices.of("vllm:a@http://one:1") == prices.of("vllm:a@http://one:1?rate=2") == here
    assert prices.of("vllm:a@http://two:2/v1") == plain
    assert prices.of("vllm:a@https://two:2,https://three:3?temperature=0.6") == plain
    assert prices.of("vllm:b@http://one:1") == any_one
    assert PriceList(({"vllm:a": plain},)).of("vllm:ab@http://one:1") is None
    assert PriceList(({"x:a": plain},)).of("x:a@20240620") is None, "that is a name, no address"


def test_prices_that_are_nobodys_are_found() -> None:
    given = {"vllm:a": Price(1, 1), "openai:*": Price(1, 1), "nano": Price(), "x": Price(call=1)}
    assert unused(given, ["vllm:a@http://one:1", "openai:gpt-5?seed=1"]) == ["nano", "x"]
    assert unused({}, ["nano"]) == []


def test_money_is_said_in_few_words() -> None:
    known, unknown = Rate("m:x", Price(0.25, 2)), Rate("nano", None)
    assert told(money_of({}, {})) == "$0.00"
    assert told(money_of({"planner": SPENT}, {"planner": known})) == "$1.25"
    assert told(money_of({"planner": SPENT}, {"planner": unknown})) == "no price for nano"
    both = money_of({"planner": SPENT, "x": SPENT}, {"planner": known, "x": unknown})
    assert told(both) == "$1.25 and no price for nano" and both["total"] is None
    assert [dollars(value) for value in (0.0, 0.012, 0.0000001, 1234.5)] == [
        "$0.00",
        "$0.012",
        "$0.000001",
        "$1,234.50",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = [", "is not TOML"),
        ("x = 3", "must be input"),
        ("[x]\ninput = 1", "must be input"),
        ("[x]\ninput = 1\noutput = -1", "must be input"),
        ("[x]\ninput = 1\noutput = nan", "must be input"),
        ("[x]\ninput = true\noutput = 1", "must be input"),
        ("[x]\ninput = 1\noutput = 1\ncall = 1", "the price of 'x' is wrong"),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, text: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, text)
    monkeypatch.setenv("AGENTFLOW_PRICES", str(path))
    with pytest.raises(SettingError, match=why):
        known_prices()


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"absent\.toml cannot be read"):
        read_prices(tmp_path / "absent.toml")
