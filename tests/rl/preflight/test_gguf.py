"""What a dry run says of weights that the start would convert or fetch: nothing of it is done."""

from __future__ import annotations

from pathlib import Path

import ggufs
import pytest

from rl.planners.weights.door import fetch
from rl.preflight.planner import Planner, planner
from rl.settings.config import load
from tools.outcomes.finding import Finding

CONFIGS = Path(__file__).parents[3] / "rl" / "configs"


def look(path: str, home: Path, *overrides: str) -> tuple[list[Finding], Planner]:
    given = [f"model.path={path}", f"run={home / 'run'}", "rollout.window=96", *overrides]
    known = Planner()
    return list(planner(load(CONFIGS / "nano.yaml", given), known)), known


@pytest.mark.parametrize("architecture", ggufs.ARCHITECTURES)
def test_a_gguf_file_is_looked_at_and_not_converted(architecture: str, tmp_path: Path) -> None:
    model = ggufs.tiny(architecture)
    path = ggufs.write(tmp_path / "m.gguf", model)
    seen, known = look(str(path), tmp_path)
    assert [(f.part, f.state) for f in seen] == [
        ("planner", "ok"),
        ("tokenizer", "ok"),
        ("window", "ok"),
    ]
    assert type(model).__name__ in seen[0].text and str(tmp_path / "weights") in seen[0].text
    assert known.shape and known.shape.parameters == model.num_parameters()
    assert list(tmp_path.iterdir()) == [path]


def test_its_window_is_looked_at_too(tmp_path: Path) -> None:
    path = ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen2"))
    seen, _ = look(str(path), tmp_path, "rollout.window=200")
    assert (seen[-1].part, seen[-1].state) == ("window", "failed")


def test_what_cannot_be_converted_fails(tmp_path: Path) -> None:
    model = ggufs.tiny("llama")
    for changes, reason in (
        ({"general__architecture": "phi3"}, "architecture 'phi3'"),
        ({"tokenizer__ggml__model": "llama"}, "only byte-level BPE is converted"),
        ({"tokenizer__chat_template": None}, "no text 'tokenizer.chat_template'"),
    ):
        seen, _ = look(str(ggufs.write(tmp_path / "m.gguf", model, **changes)), tmp_path)
        assert (seen[-1].part, seen[-1].state) == ("planner", "failed")
        assert reason in seen[-1].text
    (tmp_path / "m.gguf").write_bytes((tmp_path / "m.gguf").read_bytes()[:5000])
    for name, reason in (("m", "damaged or cut short"), ("none", "No such file")):
        seen, _ = look(str(tmp_path / f"{name}.gguf"), tmp_path)
        assert seen[0].state == "failed" and reason in seen[0].text


def test_a_short_name_is_known_by_size_until_it_is_fetched(tmp_path: Path) -> None:
    seen, known = look("smollm2", tmp_path)
    assert [f.state for f in seen] == ["warning", "ok", "ok"]
    made = tmp_path / "weights" / "smollm2"
    assert f"`python -m rl weights smollm2 --out {made}`" in seen[0].remedy
    assert known.shape and (known.shape.parameters, known.folder) == (134_515_008, None)
    fetch(str(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("llama"))), made, say=lambda _: None)
    seen, known = look("smollm2", tmp_path)
    assert known.folder == made
    assert {f.state for f in seen} == {"ok"}
