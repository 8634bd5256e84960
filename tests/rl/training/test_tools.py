"""A training does not begin with a tool that its questions need and that cannot work here."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentflow_graph.models.strings import NANO
from rl.settings.config import load
from rl.train import check, main
from tools.sandbox import choose

CONFIG = Path("rl/configs/nano.yaml")


@pytest.fixture
def no_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing can be shut in: a GPU image without bubblewrap, say."""
    monkeypatch.setenv("AGENTFLOW_PYTHON_CODER_BACKEND", "bubblewrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    # Another test of this process may have found one before.
    monkeypatch.setattr(choose, "get_sandbox", choose.get_sandbox.__wrapped__)


def test_a_world_whose_questions_need_a_tool_that_cannot_work_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], no_sandbox: None
) -> None:
    """The planner would be taught not to calculate, and its success would only look low."""
    words = [f"model.path={NANO}", f"run={tmp_path / 'run'}", "steps=1"]
    assert main(["--config", str(CONFIG), *words]) == 2
    said = capsys.readouterr().err
    assert "tool python_coder: python code cannot run here: bubblewrap" in said
    assert "apt install bubblewrap" in said
    assert "the questions need it" in said
    assert not (tmp_path / "run").exists()


def test_who_leaves_that_tool_out_or_asks_own_questions_is_not_held_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], no_sandbox: None
) -> None:
    where = [f"model.path={NANO}", f"run={tmp_path / 'run'}"]
    check(load(CONFIG, [*where, "agent.tools=wikipedia_search"]))
    assert capsys.readouterr().err == ""
    own = tmp_path / "own.jsonl"
    own.write_text('{"question": "2 + 2?", "answer": "4"}\n')
    check(load(CONFIG, [*where, f"data.train={own}", f"data.heldout={own}"]))
    assert "warning: tool python_coder: python code cannot run" in capsys.readouterr().err
