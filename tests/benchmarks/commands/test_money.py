"""A benchmark's money on the command line: it stops there, goes on from there, and says who cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from charging import CALL, charging, model, price_file

from benchmarks.__main__ import main

pytestmark = pytest.mark.integration


def test_a_run_stops_at_its_money_and_a_resume_with_more_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trial asks planner, tool and generator: of four, two cost 0.98 dollars."""
    run, prices = str(tmp_path / "run"), str(price_file(tmp_path))
    with charging() as server:
        names = {"planner": "planner", "generator": "generator", "tool_model": "tool"}
        settings = {name: model(server, who) for name, who in names.items()}
        settings |= {"tools": "base_generator", "max_turns": "1"}
        given = [f"--set={name}={value}" for name, value in settings.items()]
        few = ["run", "almanac", "--run", run, "--limit", "4", "--concurrency", "1", "--as-is"]
        assert main([*few, *given, "--prices", prices, "--max-money", "0.9"]) == 1
        said = capsys.readouterr().err
        assert "0.98 of 0.90 US dollars are spent" in said
        assert "higher --max-money" in said and f"benchmarks resume {run}" in said
        assert main(["resume", run, "--max-money", "5"]) == 0
        assert len(server.asked) == 4 * 3, "nothing was asked twice"
    assert main(["report", run]) == 0
    found = json.loads((tmp_path / "run" / "report.json").read_text())
    asked = {who: (each["calls"], each["dollars"]) for who, each in found["spending"].items()}
    each = (4, pytest.approx(4 * CALL))
    assert asked == {"planner": each, "base_generator.model": each, "generator": each}
    assert found["tasks"]["almanac"]["effort"]["cost"] == pytest.approx(12 * CALL)
    assert "## Tokens and money" in (tmp_path / "run" / "report.md").read_text()
