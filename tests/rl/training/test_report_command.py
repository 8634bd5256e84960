"""`python -m rl report`: the page written again, or why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from rl.report import main
from rl.run.report import write_report


def test_the_command_line_writes_the_page_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics.jsonl").touch()
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    assert (tmp_path / "report.html").exists()


def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingError, match="no metrics.jsonl"):
        write_report(tmp_path)
    assert main([str(tmp_path)]) == 2
    assert "no metrics.jsonl; give the folder of a training run" in capsys.readouterr().err
