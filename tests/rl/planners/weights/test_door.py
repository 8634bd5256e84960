"""The door to weights: every source, what it leaves, and what is said of all that is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import ggufs
import pytest
from langchain_core.messages import HumanMessage
from launched import run_program

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.strings import NANO
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.record import hold
from rl.planners.weights.__main__ import main
from rl.planners.weights.door import fetch
from rl.planners.weights.wheel import sha256_of


def source(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "source.json").read_text())
    return found


def unheard(_: str) -> None:
    pass


# ------------------------------------------------------------ files, folders


def test_a_file_becomes_a_folder_that_says_where_it_is_from(
    gguf: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    assert main([str(gguf), "--out", str(out)]) == 0
    said = capfd.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("tiny.gguf: LlamaForCausalLM, 20 tensors")
    assert lines[-1] == f"{out} is complete"
    assert said.err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    found = source(out)
    assert (found["from"], found["name"], found["licence"]) == ("file", str(gguf), "mit")
    assert found["gguf_sha256"] == sha256_of(gguf)
    assert found["kinds"] == {"F32": 20}
    assert found["parameters"] == sum(w.numel() for w in ggufs.tiny("llama").parameters())
    assert PolicyTokenizer.load(out).render([HumanMessage("Hi")])


def test_a_folder_is_taken_over_with_its_tokenizer_as_it_is(tmp_path: Path) -> None:
    fetch(str(NANO), tmp_path / "made", say=unheard)
    made = tmp_path / "made"
    for name in ("tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"):
        assert (made / name).read_bytes() == (NANO / name).read_bytes()
    assert json.loads((made / "config.json").read_text())["dtype"] == "float32"
    assert trained_under(made) == trained_under(NANO)
    assert source(made)["from"] == "folder"


def test_a_folder_of_ours_keeps_what_it_was_made_of(gguf: Path, tmp_path: Path) -> None:
    fetch(str(gguf), tmp_path / "first", say=unheard)
    fetch(str(tmp_path / "first"), tmp_path / "second", say=unheard)
    assert source(tmp_path / "second")["made_of"] == source(tmp_path / "first")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("smollm3", "there is no such folder or file, and it is no name; name smollm2, OWNER/NAME"),
        ("none/of.gguf", "there is no such folder or file"),
        ("owner/model", "model 'owner/model' cannot be downloaded"),
        ("{here}/text.gguf", "is not a GGUF file: it does not begin with the letters GGUF"),
        ("{here}/none.gguf", "there is no such folder or file"),
        ("{here}", "holds no language model that transformers loads"),
    ],
)
def test_a_name_that_is_none_ends_with_code_2(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "text.gguf").write_text("hello")
    name = name.format(here=tmp_path / "here")
    assert main([name, "--out", str(tmp_path / "out")]) == 2
    assert reason in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_source_is_chosen_for_short_names_alone(
    gguf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(gguf), "--out", str(tmp_path / "out"), "--from", "index"]) == 2
    assert "--from index chooses for smollm2, not for" in capsys.readouterr().err


# --------------------------------------------------------------- whole or not


def test_a_place_that_is_taken_is_left_alone(
    gguf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("mine")
    assert main([str(gguf), "--out", str(tmp_path)]) == 2
    assert "exists; choose another or remove it" in capsys.readouterr().err
    assert (tmp_path / "kept").read_text() == "mine"


INTERRUPTED = """
import sys
from pathlib import Path
from rl.planners.weights import checks
from rl.planners.weights.__main__ import main

def interrupted(*_):
    assert list(Path(sys.argv[2]).parent.rglob("model.safetensors")), "it was at work"
    raise KeyboardInterrupt

checks._loads = interrupted
print(main([sys.argv[1], "--out", sys.argv[2]]))
"""


def test_ctrl_c_leaves_nothing(gguf: Path, tmp_path: Path) -> None:
    """In a process of its own, which goes on and ends as it likes."""
    ended = run_program("-c", INTERRUPTED, str(gguf), str(tmp_path / "out"))
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "130")
    assert ended.stderr.splitlines()[-1] == "interrupted; nothing was left behind"
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_is_taken_over(gguf: Path, tmp_path: Path) -> None:
    left = tmp_path / "out.partial"
    (left / "folder").mkdir(parents=True)
    (left / "model.safetensors.index.json").write_text("{}")
    fetch(str(gguf), tmp_path / "out", say=unheard)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert not names & {"folder", "model.safetensors.index.json", ".lock"}


def test_two_do_not_write_at_once(gguf: Path, tmp_path: Path) -> None:
    held = hold(tmp_path / "out.partial" / ".lock", "")
    with pytest.raises(SettingError, match=r"out\.partial is being made by another process; wait"):
        fetch(str(gguf), tmp_path / "out", say=unheard)
    os.close(held)
    fetch(str(gguf), tmp_path / "out", say=unheard)


def test_a_disk_that_is_full_is_said(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rl.planners.weights.conversion.save_file", full)
    with pytest.raises(SettingError, match=r"No space left on device\); free space, or name"):
        fetch(str(gguf), tmp_path / "out", say=unheard)
    assert list(tmp_path.iterdir()) == []
