"""A benchmark's money on the command line: where it stops, how it goes on, who cost how much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from charging import CALL, charging, model, price_file
from launched import run_program

from benchmarks.__main__ import main

pytestmark = pytest.mark.integration


def test_a_run_stops_at_its_money_and_a_resume_with_more_ends_it(tmp_path: Path) -> None:
    """A trial asks planner, tool and generator: of four, two cost 0.98 dollars."""
    run, prices = str(tmp_path / "run"), str(price_file(tmp_path))
    with charging() as server:
        names = {"planner": "planner", "generator": "generator", "tool_model": "tool"}
        settings = {name: model(server, who) for name, who in names.items()}
        settings |= {"tools": "base_generator", "max_turns": "1"}
        given = [f"--set={name}={value}" for name, value in settings.items()]
        few = ["run", "almanac", "--run", run, "--limit", "4", "--concurrency", "1", "--as-is"]
        begun = [*few, *given, "--prices", prices, "--max-money", "0.9"]
        more = ["resume", run, "--max-money", "5"]
        program = f"from benchmarks.__main__ import main\nprint(main({begun}), main({more}))"
        done = run_program("-c", program)  # both in one, for to import inspect takes long
    assert done.stdout.splitlines()[-1] == "1 0", done.stderr
    assert "0.98 of 0.90 US dollars are spent" in done.stderr
    assert "higher --max-money" in done.stderr and f"benchmarks resume {run}" in done.stderr
    assert len(server.asked) == 4 * 3, "nothing was asked twice"
    assert main(["report", run]) == 0
    found = json.loads((tmp_path / "run" / "report.json").read_text())
    asked = {who: (each["calls"], each["dollars"]) for who, each in found["spending"].items()}
    each = (4, pytest.approx(4 * CALL))
    assert asked == {"planner": each, "base_generator.model": each, "generator": each}
    assert found["tasks"]["almanac"]["effort"]["cost"] == pytest.approx(12 * CALL)
    assert "## Tokens and money" in (tmp_path / "run" / "report.md").read_text()
