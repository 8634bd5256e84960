"""Which weights the frozen reference holds."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rl.adapter.stack import rendezvous
from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.update import policy
from rl.preflight.reference import reference
from rl.settings.config import load

NANO = Path(__file__).parents[3] / "rl" / "configs" / "nano.yaml"


@pytest.mark.parametrize("named", [True, False])
def test_the_reference_is_the_named_planner_else_the_one_that_is_trained(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor = tmp_path / "anchor"
    anchor.mkdir()
    args = openrlhf_args(load(NANO, [f"model.reference={anchor}"] if named else []))
    loaded: list[str] = []
    stock = policy.FlowReference.__mro__[1]
    monkeypatch.setattr(
        stock, "init_model_from_pretrained", lambda self, strategy, path: loaded.append(path)
    )
    for name in ("allow_fp32", "prepare"):
        monkeypatch.setattr(policy, name, lambda: None)
    monkeypatch.setattr(rendezvous, "join", lambda: None)
    frozen: Any = object.__new__(policy.FlowReference)
    frozen.init_model_from_pretrained(SimpleNamespace(args=args), "trained")
    assert loaded == [str(anchor) if named else "trained"]


def test_a_reference_of_other_tokens_is_refused(tmp_path: Path) -> None:
    for name, size in (("planner", 300), ("anchor", 400)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({"vocab_size": size}))
    given = [f"model.path={tmp_path / 'planner'}", f"model.reference={tmp_path / 'anchor'}"]
    found = next(reference(load(NANO, given)))
    assert (found.state, "400 token ids, the planner 300" in found.text) == ("failed", True)
    (tmp_path / "anchor" / "config.json").write_text(json.dumps({"vocab_size": 300}))
    assert next(reference(load(NANO, given))).state == "ok"
    assert next(reference(load(NANO, ["model.reference=./nowhere"]))).state == "failed"
