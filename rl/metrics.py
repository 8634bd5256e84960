"""What a run leaves of itself: metrics, rollouts and a line per step on the terminal.

<run>/metrics.jsonl          one line per step and per evaluation
<run>/rollouts/step-*.jsonl  every finished trajectory, written as its group comes back
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, TextIO

import orjson

from benchmarks.statistics import wilson
from rl.reward import SCORING_KEYS, scoring
from rl.rollout import Trajectory

LOGGED = {
    "kl": "kl",
    "ppo_kl": "ppo_kl",
    "ppo_clip_ratio": "clip_ratio",
    "actor_grad_norm": "grad_norm",
    "actor_lr": "lr",
    "policy_loss": "policy_loss",
    "timing/generation": "rollout_seconds",
    "timing/make_experience": "experience_seconds",
    "timing/ppo_train": "update_seconds",
    "timing/broadcast": "sync_seconds",
}
"""OpenRLHF's names and ours."""


REASONS = 200
"""Reasons for failed runs that are counted each by itself."""


def outcome(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Success, turns, tools and tokens of some runs; failed ones count in `failed` only.

    `one_turn` is the share of runs that ended after one turn. `tools` are shares of all calls,
    `tool_errors` the share of calls without a result: an error, a timeout, an unavailable tool, or
    a reply that names none (which `tools` counts as "none"). `reply_tokens` are those of one
    planner reply and `run_seconds` those of one run, each in the mean.
    """
    judged = [t for t in trajectories if t.reward is not None]
    calls = [c for t in judged for turn in t.state["turns"] for c in turn["calls"]]
    tools = Counter(call["tool"] or "none" for call in calls)
    actions = [action for t in judged for action in t.actions]
    return {
        "runs": len(judged),
        "failed": len(trajectories) - len(judged),
        "reward": _mean([t.reward or 0.0 for t in judged]),
        "turns": _mean([float(len(t.state["turns"])) for t in judged]),
        "one_turn": _mean([float(len(t.state["turns"]) == 1) for t in judged]),
        "tool_errors": _mean([float(call["status"] != "ok") for call in calls]),
        "tools": {name: count / len(calls) for name, count in sorted(tools.items())},
        "reply_tokens": _mean([float(len(a.token_ids)) for a in actions]),
        "policy_versions": sorted({a.policy_version for a in actions}),
        "run_seconds": _mean([t.seconds for t in judged]),
        **scoring(trajectories),
    }


def evaluation(temperature: float, runs: Sequence[Trajectory], seconds: float) -> dict[str, Any]:
    """Held-out success with its 95 % interval, and what the runs were like.

    A failed run counts as not solved, but for one that its judge left unscored: that one is not in
    `n`, since nobody knows whether it was right. The figures beside success are those of judged
    runs. `levels` is success by level and `levels_n` the questions of each, `seconds` those of the
    whole evaluation.
    """
    known = [t for t in runs if t.grade is None or not t.grade.failure]
    solved = sum(bool(t.reward) for t in known)
    by_level = {
        level: [t.reward or 0.0 for t in known if t.task.level == level]
        for level in sorted({t.task.level for t in known})
    }
    return {
        "temperature": temperature,
        "n": len(known),
        "solved": solved,
        "success": solved / len(known) if known else 0.0,
        "interval": list(wilson(solved, len(known))),
        "levels": {level: _mean(rewards) for level, rewards in by_level.items()},
        "levels_n": {level: len(rewards) for level, rewards in by_level.items()},
        "seconds": seconds,
        **{k: v for k, v in outcome(runs).items() if k != "reward"},
    }


def best(evaluations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sampled evaluation with the highest success; of equal ones the earliest."""
    return max((e for e in evaluations if e["temperature"]), key=lambda e: e["success"])


def stale(evaluations: Sequence[dict[str, Any]]) -> int:
    """How many sampled evaluations there were since the best one."""
    sampled = [e for e in evaluations if e["temperature"]]
    return len(sampled) - 1 - sampled.index(best(sampled))


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0


class Recorder:
    """Writes the run folder and the terminal; lives in the driver process."""

    def __init__(self, folder: Path, steps: int) -> None:
        self.screen: TextIO = sys.stdout
        self.folder = folder
        self.steps = steps
        self.begun = time.time()
        self.engine = ""
        self.versions: set[int] = set()
        self.failed = 0
        self.evaluations: list[dict[str, Any]] = []
        self.failures: Counter[str] = Counter()
        self.done = 0
        """Steps that are finished."""
        self.stopped_early: str | None = None
        self._step = 1
        (folder / "rollouts").mkdir(parents=True, exist_ok=True)

    def engines_ready(self, version: str) -> None:
        """The rollout engines serve; `version` is vLLM's."""
        self.engine = f"vllm {version}"
        self.say(f"engines, policy and reference are up ({self.engine})")

    def group(self, trajectories: list[Trajectory]) -> None:
        """Keep a finished group of training rollouts."""
        path = self.folder / "rollouts" / f"step-{self._step:05d}.jsonl"
        with path.open("ab") as file:
            for trajectory in trajectories:
                file.write(line(trajectory))
        for trajectory in trajectories:
            self.versions.update(action.policy_version for action in trajectory.actions)
            if trajectory.failure:
                self.failed += 1
                self._count(trajectory.failure)

    def _count(self, reason: str) -> None:
        """A judge's or a server's words differ every time: a long run must not keep them all."""
        known = reason in self.failures or len(self.failures) < REASONS
        self.failures[reason if known else "other reasons"] += 1

    def step(self, step: int, status: dict[str, Any]) -> None:
        """Keep a step's metrics."""
        named = {ours: status[theirs] for theirs, ours in LOGGED.items() if theirs in status}
        known = {key: status[key] for key in status if key in STEP_KEYS}
        entry = {"kind": "step", "step": step, **known, **named}
        self._write(entry)
        self.done, self._step = step, step + 1
        kl = f"{entry['kl']:.3f}" if "kl" in entry else "-"
        self.say(
            f"step {step:3}/{self.steps}  reward {entry['reward']:.3f}  "
            f"turns {entry['turns']:.2f}  groups used {entry['groups_used']:2}  kl {kl}"
            + (f"  failed {entry['failed']}" if entry["failed"] else "")
        )

    def stopped(self, step: int, reason: str) -> None:
        """Training ends before its last step, because of `reason`."""
        self.stopped_early = f"after step {step}: {reason}"
        self.say(f"stopping early {self.stopped_early}")

    def evaluated(
        self, step: int, temperature: float, runs: list[Trajectory], seconds: float
    ) -> dict[str, float]:
        """Keep an evaluation; a failed run counts as not solved. Returns scalars for loggers."""
        entry = {"kind": "evaluation", "step": step, **evaluation(temperature, runs, seconds)}
        low, high = entry["interval"]
        self._write(entry)
        self.evaluations.append(entry)
        self._examples(step, temperature, runs)
        how = f"T={temperature}" if temperature else "greedy"
        self.say(
            f"held-out {entry['success']:.3f} [{low:.3f}, {high:.3f}]  {how}, {len(runs)} questions"
        )
        prefix = "heldout" if temperature else "heldout_greedy"
        return {f"{prefix}_success": entry["success"]} | {
            f"{prefix}_{level}": success for level, success in entry["levels"].items()
        }

    def _examples(self, step: int, temperature: float, runs: list[Trajectory]) -> None:
        if not temperature:
            return
        path = self.folder / "rollouts" / f"heldout-{step:05d}.jsonl"
        path.write_bytes(b"".join(line(run) for run in runs))

    def _write(self, entry: dict[str, Any]) -> None:
        entry["wall"] = round(time.time() - self.begun, 3)
        with (self.folder / "metrics.jsonl").open("ab") as file:
            file.write(orjson.dumps(entry) + b"\n")

    def say(self, text: str) -> None:
        """One line on the terminal, with the seconds since the start."""
        print(f"[{time.time() - self.begun:6.1f} s] {text}", file=self.screen, flush=True)


def line(run: Trajectory) -> bytes:
    """The run as a line of JSON. A tool's arguments may hold anything that a model can write."""
    try:
        return orjson.dumps(run.record()) + b"\n"
    except TypeError:
        return orjson.dumps(_storable(run.record())) + b"\n"


def _storable(value: Any) -> Any:
    """`value` without numbers beyond 64 bits and without half characters: JSON has neither."""
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value


STEP_KEYS = (
    "runs",
    "failed",
    "reward",
    "turns",
    "one_turn",
    "tool_errors",
    "tools",
    "reply_tokens",
    "policy_versions",
    "run_seconds",
    "groups_used",
    "groups_dropped",
    "rows",
    "gap_max",
    "gap_mean",
    "updated",
    *SCORING_KEYS,
)
