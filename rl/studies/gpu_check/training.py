"""One training run of the nano planner on GPUs, and what its metrics must show.

Each step's rollouts are sampled by weights that were just synced, and the trainer computes their
log-probabilities again: were the served weights not the trained ones, the two would part as soon as
training moves. So `mismatch_mean` of later steps is compared with that of the first step, before
any update.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentflow_graph.errors.outside import shown
from agentflow_graph.models.strings import NANO
from rl.run.folder import records
from tools.outcomes.finding import Finding, failure, ok, skip, verdict

STEPS = 6
CONFIG = Path(__file__).parents[2] / "configs" / "nano.yaml"
MISMATCH = 0.05
"""Largest mean |log p(engine) - log p(trainer)| that bf16 explains."""
SOLVES = 0.8
"""Least share of held-out questions that the planner that ships solves; 0.95 on a CPU."""
GROWTH = 5.0
"""How much larger than before the first update a step's mismatch may be."""


def overrides(run: Path, gpus: int) -> list[str]:
    """Settings for as many GPUs as there are: from two on, weights go by NCCL, else by CUDA IPC."""
    place = "all" if gpus == 1 else "reference"
    return [
        f"run={run}",
        f"model.path={NANO}",
        "model.warm_start=false",
        "model.dtype=bf16",
        "engine.device=gpu",
        "engine.gpu_utilization=0.3",
        # At 1 an engine that reports what it did not sample from would not show.
        "rollout.temperature=0.8",
        f"placement.colocate={place}",
        f"steps={STEPS}",
        "evaluation.every=3",
        "data.heldout_n=100",
    ]


def training(run: Path, gpus: int, seconds: float = 900.0) -> list[Finding]:
    """Run it in a process of its own; returns what its metrics show."""
    words = [sys.executable, "-m", "rl.train", "--config", str(CONFIG), *overrides(run, gpus)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return [failure("training", f"no end after {seconds:.0f} s", f"see {run}/log.txt")]
    if done.returncode:
        text = f"exit code {done.returncode}: {shown(done.stderr).strip()[-300:]}"
        return [failure("training", text, f"see {run}/log.txt")]
    entries = records(run / "metrics.jsonl")
    return findings(entries, "NCCL" if gpus > 1 else "CUDA IPC")


def findings(metrics: Sequence[dict[str, Any]], way: str) -> list[Finding]:
    """Findings from the lines of metrics.jsonl; `way` is how the weights went to the engine."""
    steps = [entry for entry in metrics if entry["kind"] == "step"]
    held = [entry for entry in metrics if entry["kind"] == "evaluation" and entry["temperature"]]
    if len(steps) < STEPS or len(held) < 2:
        text = f"{len(steps)} of {STEPS} steps, {len(held)} evaluations"
        return [failure("training", text, "see log.txt of the run")]
    return [_trained(steps, held), _served(steps, way), _speed(steps)]


def _trained(steps: list[dict[str, Any]], held: list[dict[str, Any]]) -> Finding:
    failed = sum(step["failed"] for step in steps)
    before, after = held[0]["success"], held[-1]["success"]
    text = f"held-out {before:.3f} -> {after:.3f} in {len(steps)} steps, {failed} failed runs"
    # The planner that ships is trained already: it must not lose what it knows.
    right = failed == 0 and before >= SOLVES and after >= before - 0.1
    remedy = (
        f"the planner that ships solves {SOLVES:g} and more, before and after: see record/ and "
        "log.txt of the run: do its tools work, are replies cut, or log-probabilities off?"
    )
    return verdict("training", right, text, remedy)


def _served(steps: list[dict[str, Any]], way: str) -> Finding:
    updated = [step for step in steps if step.get("updated")]
    if len(updated) < 2:
        text = "fewer than two steps had groups with spread, so no update was followed by another"
        return skip(f"sync by {way}", text, "run again with another seed=N")
    first, later = updated[0]["mismatch_mean"], max(step["mismatch_mean"] for step in updated[1:])
    versions = [step["policy_versions"] for step in steps]
    counted = all(len(each) == 1 for each in versions) and versions == sorted(versions)
    text = f"mean |dlogp| engine to trainer {first:.5f} before, at most {later:.5f} after updates"
    right = counted and later < MISMATCH and later <= GROWTH * first + 1e-3
    remedy = "the engine serves other weights than were trained: look at FlowPolicy.broadcast"
    return verdict(f"sync by {way}", right, text, remedy)


def _speed(steps: list[dict[str, Any]]) -> Finding:
    tokens = sum(step["runs"] * step["turns"] * step["reply_tokens"] for step in steps)
    rows = sum(step["rows"] for step in steps)
    rollout = sum(step.get("rollout_seconds", 0.0) for step in steps)
    update = sum(step.get("update_seconds", 0.0) for step in steps)
    if not rollout or not update:
        return failure("speed", "no seconds in metrics.jsonl", "see log.txt of the run")
    text = (
        f"rollouts {tokens / rollout:,.0f} planner tokens/s with tools, "
        f"updates {rows / update:,.1f} rows/s"
    )
    return ok("speed", text)
