"""`summary.json` of a run."""

from __future__ import annotations

import time
from collections import Counter
from importlib.metadata import version
from typing import Any

from rl.run.metrics import Recorder
from rl.run.record import TrainingRecord
from rl.run.scoring import best, counting, in_all
from rl.settings.config import Config


def summarise(config: Config, recorder: Recorder) -> dict[str, Any]:
    """The run in a dozen numbers."""
    steps = recorder.training
    sent, answered = TrainingRecord(recorder.folder / "record").calls()
    sampled = [e for e in recorder.evaluations if e["temperature"]]
    greedy = [e for e in recorder.evaluations if not e["temperature"]]
    counted = counting(sampled) or sampled
    before, after, highest = counted[0], counted[-1], best(sampled) or counted[0]
    reached = [e for e in counting(sampled) if e["success"] >= 0.9]
    faults = sum((Counter(entry.get("faults", {})) for entry in steps), Counter())
    return {
        "heldout_n": after["n"],
        "heldout_temperature": after["temperature"],
        "heldout_before": before["success"],
        "heldout_before_interval": before["interval"],
        "heldout_after": after["success"],
        "heldout_after_interval": after["interval"],
        "heldout_greedy": [e["success"] for e in (greedy[:1] + greedy[-1:])],
        "levels_after": after["levels"],
        "heldout_counts": bool(counting(sampled)),
        "heldout_left_out": len(sampled) - len(counting(sampled)),
        "heldout_best": highest["success"],
        "best_step": highest["step"],
        "best_model": "best" if config.evaluation.best else None,
        "train_seconds": round(time.time() - recorder.begun, 1),
        "seconds_to_090": reached[0]["wall"] if reached else None,
        "steps": recorder.done,
        "stopped_early": recorder.stopped_early,
        "seed": config.seed,
        "rollout_engine": recorder.engine,
        "trainer": f"openrlhf {version('openrlhf')}",
        "policy_versions_seen": len({v for e in steps for v in e["policy_versions"]}),
        "model_calls": sent,
        "model_calls_lost": sent - answered,
        **in_all(recorder.entries),
        "failed_rollouts": sum(entry["failed"] for entry in steps),
        "faults": dict(faults),
        "failures": dict(sum((Counter(e["failures"]) for e in steps), Counter()).most_common(5)),
    }
