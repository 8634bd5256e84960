"""What the ablations found, pooled over seeds, held against what was hoped for, and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from arm_results import measured, results

from rl.studies.ablations.arms import ARMS
from rl.studies.ablations.findings import checks, collect, pool
from rl.studies.ablations.report import write_report

# ------------------------------------------------------------------- findings


def test_seeds_are_pooled_and_kept_apart() -> None:
    found = pool([{"evaluations": measured(90)}, {"evaluations": measured(96)}])
    sampled = found["3/sampled"]
    assert (sampled["mean"], sampled["seeds"], sampled["n"]) == (0.93, [0.9, 0.96], 200)
    assert sampled["interval"] == pytest.approx([0.886, 0.958], abs=1e-3), "Wilson, 186 of 200"
    assert sampled["levels"] == {"easy": 1.0, "hard": pytest.approx(0.86)}
    assert set(found) == {"3/sampled", "3/greedy"}


RISING = [40, 80, 96, 95]


@pytest.mark.parametrize(
    ("frozen", "online", "errors", "failing"),
    [
        ([10, 20, 30, 35], RISING, (0.5, 0.1), []),
        ([10, 20, 46, 50], RISING, (0.5, 0.1), [0]),
        ([10, 20, 30, 35], [40, 80, 89, 89], (0.5, 0.1), [1]),
        ([10, 20, 44, 35], [40, 41, 50, 50], (0.5, 0.1), [1, 2]),
        ([10, 20, 30, 35], [40, 97, 96, 95], (0.5, 0.1), [3]),
        ([10, 20, 30, 35], [40, 80, 96, 60], (0.5, 0.1), [3]),
        ([10, 20, 30, 35], RISING, (0.1, 0.1), [4]),
    ],
)
def test_each_check_can_fail_and_only_it(
    frozen: list[int], online: list[int], errors: tuple[float, float], failing: list[int]
) -> None:
    found = [held for _, held in checks(results(frozen, online, errors))]
    assert [number for number, held in enumerate(found) if not held] == failing


def test_checks_of_arms_that_are_not_there_are_open() -> None:
    empty: dict[str, Any] = {"pooled": {}, "runs": []}
    assert [held for _, held in checks(empty)] == [None] * 5


def test_nothing_done_is_no_result(tmp_path: Path) -> None:
    found = collect(tmp_path, [7], ARMS, [])
    assert (found["runs"], found["pooled"]) == ([], {})
    write_report(tmp_path, found)
    assert not (tmp_path / "report.md").exists()


# --------------------------------------------------------------------- report


def test_the_report_has_the_figures_and_the_plots(tmp_path: Path) -> None:
    write_report(tmp_path, results([10, 20, 30, 35], RISING, (0.5, 0.1)))
    page = (tmp_path / "report.md").read_text()
    assert (
        "| **online**: Flow-GRPO | 256 live runs | 0.960 [0.902, 0.984] | 0.960 | 0.960 |" in page
    )
    assert "| online | 5 | 0.950 [0.888, 0.978] | 0.950 | 2.00 |" in page
    assert "| online | 7 | 0.500 | 0.100 |" in page
    assert page.count("| yes |") == 5
    assert "not measured" not in page
    assert "`python -m rl ablations`, 2026-11-20." in page
    for name in ("curves.png", "budgets.png", "tool_errors.png"):
        assert f"({name})" in page
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_arms_that_are_not_measured_greedily_are_reported(tmp_path: Path) -> None:
    found = results([10, 20, 30, 35], RISING, (0.5, 0.1))
    for arm in found["pooled"].values():
        del arm["3/greedy"]
    write_report(tmp_path, found)
    page = (tmp_path / "report.md").read_text()
    assert "| **online**: Flow-GRPO | 256 live runs | 0.960 [0.902, 0.984] | 0.960 | - |" in page
