"""docs/settings.md: every setting, as the code has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rl.settings.table import PAGE, main, page


def test_the_page_is_the_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == page()
    assert PAGE.read_text() == page(), "make it again: python -m rl settings --write"


@pytest.mark.parametrize(
    "row",
    [
        "| `optimizer.lr` | float above 0 | 0.001 | Learning rate | yes |",
        "| `rollout.group_size` | int from 2 | 8 | Trajectories per question, G |",
        "| `agent.executor` | text | direct |",
        "| `agent.max_seconds` | float above 0 | rollout.deadline |",
    ],
)
def test_a_row_says_name_type_default_meaning_and_whether_a_resume_may_change_it(row: str) -> None:
    lines = [line for line in page().splitlines() if line.startswith(row)]
    assert len(lines) == 1
    rule = {"optimizer.lr": "yes", "rollout.group_size": "no", "agent.executor": "address"}
    rule |= {"agent.max_seconds": "no"}
    assert lines[0].endswith(f"| {rule[lines[0].split('`')[1]]} |")


def test_it_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rl.settings.table.PAGE", tmp_path / "settings.md")
    assert main(["--write"]) == 0
    assert (tmp_path / "settings.md").read_text() == page()
