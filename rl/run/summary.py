"""`summary.json` of a run."""

from __future__ import annotations

import time
from collections import Counter
from importlib.metadata import version
from typing import Any

from rl.questions.sets import not_apart
from rl.run.metrics import Recorder
from rl.run.record import TrainingRecord
from rl.run.scoring import best, counting, in_all, of_set
from rl.settings.config import Config


def summarise(config: Config, recorder: Recorder) -> dict[str, Any]:
    """The run in a dozen numbers."""
    steps = recorder.training
    sent, answered = TrainingRecord(recorder.folder / "record").calls()
    heldout = of_set(recorder.evaluations)
    sampled = [e for e in heldout if e["temperature"]]
    greedy = [e for e in heldout if not e["temperature"]]
    counted = counting(sampled) or sampled
    before, after = counted[0], counted[-1]
    choose = config.evaluation.choose
    chosen = best(recorder.evaluations, choose) or before
    highest = recorder.evaluation(chosen["step"], chosen["temperature"]) or before
    reached = [e for e in counting(sampled) if e["success"] >= 0.9]
    told = config.evaluation.model_dump()
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
        "best_step": chosen["step"],
        "best_chosen_on": choose,
        "sets": {name: _of(recorder, name, chosen["step"]) for name in config.sets},
        "warnings": list(filter(None, [not_apart(recorder.folder, told)])),
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


def _of(recorder: Recorder, name: str, best_step: int) -> dict[str, Any]:
    """What an evaluation set came to at first, at last, and at the step of the best planner."""
    found = counting(recorder.evaluations, name)
    moments = {
        "before": found[:1],
        "after": found[-1:],
        "best": [e for e in found if e["step"] == best_step],
    }
    kept = ("step", "n", "runs_each", "success", "interval", "pass_at", "parts")
    return {
        moment: {key: one[key] for key in kept if key in one}
        for moment, entries in moments.items()
        for one in entries
    }
