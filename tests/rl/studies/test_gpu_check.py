"""The checks for GPU machines, as far as a machine without one can try them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from agentflow_graph.models.strings import NANO
from rl.settings.config import load
from rl.studies.gpu_check import __main__ as command
from rl.studies.gpu_check.arithmetic import Size, bf16, throughput
from rl.studies.gpu_check.training import CONFIG, STEPS, findings, overrides
from tools.outcomes.finding import skip

SMALL = Size(hidden=64, layers=2, vocabulary=64, rows=2, tokens=24)


def test_without_a_gpu_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert command.main([]) == 2
    shown = capsys.readouterr()
    assert "sees no GPU; nothing was checked" in shown.err
    assert "docs/gpu.md" in shown.err
    assert shown.out == ""


def test_the_bf16_step_learns_and_a_standing_one_is_found_out() -> None:
    right = bf16("cpu", SMALL)
    assert right.state == "ok", right.text
    standing = bf16("cpu", SMALL, lr=0.0)
    assert standing.state == "failed"
    assert standing.remedy


def test_throughput_is_measured_and_judged_against_fp32() -> None:
    assert throughput("cpu", SMALL, faster=0.0).state == "ok"
    slow = throughput("cpu", SMALL, faster=1e6)
    assert slow.state == "failed"
    assert "tokens/s in bf16" in slow.text and "x fp32" in slow.text


def test_a_lost_end_of_a_packed_row_would_show() -> None:
    from rl.adapter.update.packing import leaked_mismatch

    assert leaked_mismatch(NANO, "cpu") > 1.0
    assert leaked_mismatch(NANO, "cpu", lengths=(40,)) < 0.1, "one row has nobody to see"


@pytest.mark.skipif(command.is_installed("flash-attn"), reason="flash-attn is here")
def test_packing_is_skipped_without_flash_attn() -> None:
    finding = command.packing()
    assert (finding.state, "pip install" in finding.remedy) == ("skipped", True)


@pytest.mark.parametrize(("gpus", "place"), [(1, "all"), (2, "reference")])
def test_the_training_run_is_a_configuration_that_loads(gpus: int, place: str) -> None:
    config = load(CONFIG, overrides(Path("runs/x"), gpus))
    assert (config.engine.device, config.model.dtype) == ("gpu", "bf16")
    assert (config.placement.colocate, config.steps) == (place, STEPS)


def metrics(
    gap: float = 1e-3, first: float = 1e-3, success: float = 0.9, **more: Any
) -> list[dict[str, Any]]:
    """A run as it should be, its later gaps as given."""
    step = {
        "kind": "step",
        "failed": 0,
        "runs": 128,
        "turns": 2.0,
        "reply_tokens": 16.0,
        "rows": 200,
        "updated": 1,
        "rollout_seconds": 2.0,
        "update_seconds": 1.0,
    }
    steps = [
        step | {"mismatch_mean": gap if i else first, "policy_versions": [i]} | more
        for i in range(STEPS)
    ]
    held = [{"kind": "evaluation", "temperature": 0.7, "success": success}] * 2
    return [held[0], *steps, held[1]]


def states(lines: list[dict[str, Any]]) -> dict[str, str]:
    return {finding.part: finding.state for finding in findings(lines, "NCCL")}


def test_a_sound_run_passes_with_its_speed() -> None:
    found = {finding.part: finding for finding in findings(metrics(), "NCCL")}
    assert {finding.state for finding in found.values()} == {"ok"}
    assert found["speed"].text.startswith("rollouts 2,048 planner tokens/s")
    assert "updates 200.0 rows/s" in found["speed"].text


@pytest.mark.parametrize(
    ("lines", "name", "state"),
    [
        (metrics(gap=0.3), "sync by NCCL", "failed"),
        (metrics(gap=0.02, first=1e-4), "sync by NCCL", "failed"),
        (metrics(policy_versions=[0, 1]), "sync by NCCL", "failed"),
        (metrics(updated=0), "sync by NCCL", "skipped"),
        (metrics(failed=3), "training", "failed"),
        # So it was where no program could be run: nothing failed, and nothing was lost.
        (metrics(success=0.4), "training", "failed"),
        (metrics()[:4], "training", "failed"),
        (metrics(rollout_seconds=0.0), "speed", "failed"),
    ],
)
def test_a_run_that_is_not_sound(lines: list[dict[str, Any]], name: str, state: str) -> None:
    assert states(lines)[name] == state


def test_the_command_prints_each_finding_and_fails_if_one_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for rate, code in ((0.0, 1), (1e-3, 0)):
        found = [bf16("cpu", SMALL, lr=rate), skip("training", "--quick", "run it")]
        monkeypatch.setattr(command, "checks", lambda *_, found=found: iter(found))
        assert command.main(["--quick"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "FAILED",
        "skipped",
        "ok",
        "skipped",
    ]
    assert command.main(["--quick", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 2
