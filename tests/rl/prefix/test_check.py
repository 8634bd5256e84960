"""The check for GPU machines, on CPU and tiny: what it prints, and that it can fail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from prefixes import tiny
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from rl.prefix import check, shapes, trial
from rl.prefix.tree import common, size
from rl.prefix.trial import Asked, Blind, Sizes, made

SIZES = {"length": 30, "question": 6, "memory": 9, "last": 2, "reply": 6, "groups": 2, "runs": 2}
LIMITS = {"micro-tokens": 100, "rounds": 1}
SMALL = ["--device=cpu", "--size=tiny", *(f"--{n}={v}" for n, v in (SIZES | LIMITS).items())]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def started(*more: str) -> tuple[int, list[str], dict[str, Any]]:
        code = check.main([*SMALL, *more])
        *lines, last = capsys.readouterr().out.splitlines()
        return code, lines, json.loads(last)

    return started


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_it_finds_the_tree_exact_and_says_how_fast(run: Any, dtype: str) -> None:
    code, lines, found = run("--dtype", dtype)
    assert (code, found["ok"]) == (0, True)
    machine = found["machine"]
    assert (machine["rows"], machine["layers"], machine["layers_whole"]) == (12, 2, 2)
    assert machine["nodes"] <= machine["tree_nodes"] < machine["tokens"] / 2
    assert machine["attention"] == "edges" and machine["checkpointing"]
    assert found["exact"]["fp32"]["log_probs"] < 1e-5 < 1e-2 < found["lost"]
    assert set(found["exact"]) == {"fp32", "bf16", "bf16 padded"}
    assert set(found["speed"]) == {"padded", "shared"}
    assert all(one["both"] > one["forward"] > 0 for one in found["speed"].values())
    assert [line for line in lines if line.startswith(f"{dtype}, seconds")]
    assert [line for line in lines if line.startswith("exact: fp32 within 1e-04")]


def test_a_tree_that_is_lost_fails(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(model: Any, asked: Sequence[Asked]) -> Tensor:
        return trial.shared(Blind(model), asked)

    monkeypatch.setattr(check, "shared", blind)
    code, lines, found = run()
    assert (code, found["ok"]) == (1, False)
    assert [line for line in lines if line.startswith("NOT EXACT")]


def test_a_check_that_sees_nothing_fails(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "lost_distance", lambda *_: 1e-3)
    assert run()[0] == 1


def test_a_model_of_a_folder_with_some_of_its_layers(run: Any, tmp_path: Path) -> None:
    tiny("gemma3").save_pretrained(tmp_path)
    code, _, found = run("--model", str(tmp_path), "--layers", "1", "--no-checkpointing")
    assert code == 0
    machine = found["machine"]
    assert (machine["model"], machine["layers"], machine["layers_whole"]) == (str(tmp_path), 1, 2)


def test_a_model_that_cannot_be_taken_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    GPT2LMHeadModel(GPT2Config(n_embd=8, n_head=2, n_layer=1, vocab_size=9)).save_pretrained(
        tmp_path
    )
    assert check.main([*SMALL, "--model", str(tmp_path)]) == 2
    assert "prefixes cannot be shared: model type 'gpt2'" in capsys.readouterr().err
    assert check.main([*SMALL, "--model", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err


def test_rows_have_the_sizes_of_a_run() -> None:
    sizes = Sizes(groups=2, runs=2, turns=3, length=20, question=5, memory=7, last=2, reply=4)
    rows = made(sizes, 10_000)
    assert [(one.row.group, one.row.trajectory) for one in rows] == [
        (group, 2 * group + run) for group in range(2) for run in range(2) for _ in range(3)
    ]
    for place, (row, reply) in enumerate(rows):
        assert len(row.ids) == 20 + 5 + place % 3 * 7 + 2 + reply
        assert 2 <= reply <= 4
    ids = [one.row.ids for one in rows]
    alike = {"group": common(ids[0], ids[6]), "run": common(ids[0], ids[3])}
    assert alike == {"group": 20, "run": 27}, "also what is said last in a first turn"
    assert common(ids[1], ids[2]) == 32
    assert size(ids) < sum(map(len, ids)) / 2


def test_as_many_layers_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    gib = 2**30
    for free, layers in ((78 * gib, 20), (20 * gib, 1), (400 * gib, 28)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda free=free: (free, 80 * gib))
        config = shapes.configuration(None, "7b", 0, "cuda")
        assert (config.num_hidden_layers, len(config.layer_types)) == (layers, layers)
    assert shapes.configuration(None, "7b", 3, "cuda").num_hidden_layers == 3
    assert shapes.configuration(None, "0.5b", 0, "cpu").num_hidden_layers == 24
