"""An engine whose core dies at its start is told with the reason, not with "see above"."""

from __future__ import annotations

from pathlib import Path

import pytest
from launched import run_program

from agentflow_graph.models.strings import NANO
from rl.adapter.stack.root_cause import last_said
from rl.settings.errors import brief

LOG = """
INFO 11-27 14:02:25 [vllm.py:1109] Asynchronous scheduling is enabled.
(EngineCore pid=2828) ERROR 11-27 13:59:03 [core.py:1330] Traceback (most recent call last):
(EngineCore pid=2828) ERROR 11-27 13:59:03 [core.py:1330]     from flashinfer import (
(EngineCore pid=2828) ERROR 11-27 13:59:03 [core.py:1330] ModuleNotFoundError: No module named 'f'
(EngineCore pid=2828) Process EngineCore:
(EngineCore pid=2828) torch.cuda.OutOfMemoryError: CUDA out of memory
RuntimeError: Engine core initialization failed. See root cause above.
(EngineCore pid=2828) RuntimeError: failed, see root cause above
"""


def test_the_last_exception_of_a_child_is_found() -> None:
    assert last_said(LOG) == "torch.cuda.OutOfMemoryError: CUDA out of memory"
    assert last_said(LOG[:400]) == "ModuleNotFoundError: No module named 'f'"
    assert last_said("(EngineCore pid=1) INFO all is well\nValueError: the parent's") == ""


def test_of_a_traceback_only_the_end_is_told() -> None:
    error = RuntimeError('died:\n  File "a.py", line 1, in b\n    c()\nValueError: d\n')
    error.add_note("e")
    assert brief(error) == "RuntimeError: ValueError: d; e"
    assert brief(RuntimeError("a\nb")) == "RuntimeError: a\nb"


@pytest.mark.integration
def test_an_engine_that_asks_for_more_memory_than_there_is(tmp_path: Path) -> None:
    words = [f"run={tmp_path / 'run'}", f"model.path={NANO}", "engine.cache_gib=90000"]
    config = ["--config", "rl/configs/nano.yaml", "engine.kind=async", "steps=1"]
    done = run_program("-m", "rl.train", *config, *words)
    assert done.returncode == 1
    assert "a process of the run ended with ValueError: Available memory" in done.stderr
    assert "90000.0 GiB" in done.stderr
    assert "Traceback" not in done.stderr
    assert 'File "' in (tmp_path / "run" / "log.txt").read_text()
