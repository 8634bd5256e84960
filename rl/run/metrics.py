"""What a run tells of itself: a line per step and evaluation, in a file and on the terminal.

<run>/metrics.jsonl          one line per step and per evaluation
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

import orjson

from agentflow_graph.errors.outside import hidden_json
from agentflow_graph.record.artifacts import write_whole
from rl.rollout import Trajectory
from rl.run.folder import records
from rl.run.left import seconds_left, told
from rl.run.scoring import (
    SCORING_KEYS,
    SPENDING_KEYS,
    best,
    evaluation,
    failures,
    of_set,
    outcome,
    stale,
)
from rl.settings.errors import MoneySpent
from rl.settings.measures import HELDOUT, Evaluation

__all__ = ["Recorder", "best", "evaluation", "outcome", "scalars", "stale"]

LOGGED = {
    "kl": "kl",
    "ppo_kl": "ppo_kl",
    "ppo_clip_ratio": "clip_ratio",
    "actor_grad_norm": "grad_norm",
    "actor_lr": "lr",
    "policy_loss": "policy_loss",
    "entropy_loss": "entropy",
    "vllm_kl": "correction_kl",
    "is_filter_ratio": "correction_share",
    "skipped_updates": "skipped_updates",
    "timing/generation": "rollout_seconds",
    "timing/make_experience": "experience_seconds",
    "timing/ppo_train": "update_seconds",
    "timing/broadcast": "sync_seconds",
}
"""OpenRLHF's names and ours."""


class Recorder:
    """Writes the run folder and the terminal; lives in the driver process.

    Each step and evaluation is recorded once, also if a resumed run makes it again.
    """

    def __init__(
        self, folder: Path, steps: int, every: int = 10, marks: Evaluation | None = None
    ) -> None:
        self.screen: TextIO = sys.stdout
        self.folder = folder
        self.steps = steps
        self.every = every  # steps between evaluations
        self.marks = marks or Evaluation()
        self.engine = ""
        self.done = 0  # steps that are finished
        self.stopped_early: str | None = None
        self.entries = records(folder / "metrics.jsonl")
        self.begun = time.time() - (self.entries[-1]["wall"] if self.entries else 0.0)
        folder.mkdir(parents=True, exist_ok=True)
        whole = b"".join(orjson.dumps(entry) + b"\n" for entry in self.entries)
        write_whole(folder / "metrics.jsonl", whole)  # a kill may have torn the last line

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """The evaluations in the order in which they were made."""
        return [entry for entry in self.entries if entry["kind"] == "evaluation"]

    @property
    def training(self) -> list[dict[str, Any]]:
        """The steps in the order in which they were made."""
        return [entry for entry in self.entries if entry["kind"] == "step"]

    def hold_to_money(self, limit: float) -> None:
        """Nothing more is begun once `limit` US dollars are spent; 0: any.

        Raises:
            MoneySpent: they are; what was asked is on record, and a resume asks only for the rest.
        """
        if limit and self.dollars >= limit:
            raise MoneySpent(
                f"{self.dollars:.2f} of rollout.max_money={limit:g} US dollars are spent, "
                f"after step {self.done}"
            )

    def evaluation(
        self, step: int, temperature: float, name: str = HELDOUT
    ) -> dict[str, Any] | None:
        """The evaluation on a set after `step`, if it was made."""
        found = of_set(self.evaluations, name)
        return {(e["step"], e["temperature"]): e for e in found}.get((step, temperature))

    @property
    def dollars(self) -> float:
        """What steps and evaluations have cost so far, as far as prices are known."""
        return float(sum(entry.get("dollars", 0.0) for entry in self.entries))

    @property
    def sharing(self) -> tuple[bool, str] | None:
        """Whether prefixes are shared, and why; None before the first update."""
        found = [e for e in self.entries if e["kind"] == "sharing"]
        return (found[0]["shared"], found[0]["why"]) if found else None

    def decided_sharing(self, shared: bool, why: str) -> None:
        """Keep, once, whether the update shares prefixes."""
        if self.sharing is None:
            self._write({"kind": "sharing", "shared": shared, "why": why})
            self.say(f"update: {why}")

    def engines_ready(self, version: str) -> None:
        """The rollout engines serve; `version` is vLLM's."""
        self.engine = f"vllm {version}"
        self.say(f"engines, policy and reference are up ({self.engine})")

    def step(
        self, step: int, status: dict[str, Any], trajectories: Sequence[Trajectory] = ()
    ) -> bool:
        """Keep a step's metrics; returns whether they were new."""
        self.done = step
        if any(entry["step"] == step for entry in self.training):
            return False
        named = {
            ours: status[theirs]
            for theirs, ours in LOGGED.items()
            if theirs in status and isfinite(status[theirs])
        }
        known = {key: status[key] for key in status if key in STEP_KEYS}
        broken = sorted(LOGGED[n] for n in LOGGED if n in status and not isfinite(status[n]))
        entry = {"kind": "step", "step": step, **known, **named, "not_finite": broken}
        self._write(entry | {"failures": failures(trajectories)})
        kl = f"{entry['kl']:.3f}" if "kl" in entry else "-"
        self.say(
            f"step {step:3}/{self.steps}  reward {entry['reward']:.3f}  "
            f"turns {entry['turns']:.2f}  groups used {entry['groups_used']:2}  kl {kl}"
            + (f"  late {late}" if (late := entry.get("groups_late")) else "")
            + (f"  failed {entry['failed']}{_named(entry)}" if entry["failed"] else "")
            + _unmoved(entry)
            + (f"  NOT FINITE: {', '.join(broken)}" if broken else "")
            + told(seconds_left(self.entries, self.steps, self.every))
        )
        return True

    def stopped(self, step: int, reason: str) -> None:
        """Training ends before its last step, because of `reason`."""
        self.stopped_early = f"after step {step}: {reason}"
        self.say(f"stopping early {self.stopped_early}")

    def evaluated(
        self,
        step: int,
        temperature: float,
        runs: list[Trajectory],
        seconds: float,
        name: str = HELDOUT,
    ) -> dict[str, float]:
        """Keep an evaluation on a set; returns scalars for loggers, none if it does not count."""
        found = evaluation(temperature, runs, seconds, self.marks)
        entry = {"kind": "evaluation", "step": step, "set": name, **found}
        low, high = entry["interval"]
        self._write(entry)
        how = f"T={temperature}" if temperature else "greedy"
        asked = f"{len({run.task.id for run in runs})} questions"
        self.say(
            f"{'held-out' if name == HELDOUT else name} {entry['success']:.3f} "
            f"[{low:.3f}, {high:.3f}]  {how}, {asked}"
            + (f" x {entry['runs_each']} runs" if entry["runs_each"] > 1 else "")
            + "".join(f"  pass@{k} {v[0]:.3f}" for k, v in entry.get("pass_at", {}).items())
            + (f", {entry['unscored']} of them without a reward" if entry["unscored"] else "")
            + ("" if entry["counts"] else ": too many, it does not count")
        )
        return scalars(entry) if entry["counts"] else {}

    def _write(self, entry: dict[str, Any]) -> None:
        entry["wall"] = round(time.time() - self.begun, 3)
        with (self.folder / "metrics.jsonl").open("ab") as file:
            file.write(hidden_json(orjson.dumps(entry)) + b"\n")
        self.entries.append(entry)

    def say(self, text: str) -> None:
        """One line on the terminal, with the seconds since the start."""
        print(f"[{time.time() - self.begun:6.1f} s] {text}", file=self.screen, flush=True)


def _unmoved(entry: dict[str, Any]) -> str:
    """Why a step changed nothing, for a line on the terminal, and what to do where none scored."""
    if not (why := entry.get("left_out")):
        return ""
    hint = "" if entry["reward"] else " (every reward is 0: ask easier questions)"
    return f"  NOT UPDATED: {why}{hint}"


def _named(entry: dict[str, Any]) -> str:
    """By whose fault, for a line on the terminal."""
    told = [
        f"{entry['faults'][by]} by the {by}" for by in ("world", "judge") if by in entry["faults"]
    ]
    return f" ({', '.join(told)})" if told else ""


def scalars(evaluation: dict[str, Any]) -> dict[str, float]:
    """An evaluation as loggers take it."""
    name = evaluation.get("set", HELDOUT)
    prefix = name if evaluation["temperature"] else f"{name}_greedy"
    passes = {f"{prefix}_pass@{k}": v[0] for k, v in evaluation.get("pass_at", {}).items()}
    parts = {f"{prefix}_part/{part}": v for part, v in evaluation.get("parts", {}).items()}
    levels = {f"{prefix}_{level}": success for level, success in evaluation["levels"].items()}
    return {f"{prefix}_success": evaluation["success"]} | levels | passes | parts


STEP_KEYS = (
    *(
        "runs",
        "failed",
        "faults",
        "groups_unscored",
        "reward",
        "turns",
        "one_turn",
        "tool_errors",
        "tools",
    ),
    *("reply_tokens", "policy_versions", "run_seconds", "groups_used", "groups_dropped"),
    *("groups_late", "groups_carried"),
    *("rows", "cut_off", "policy_version", "staleness_max", "staleness_mean", "retried"),
    *("mismatch_max", "mismatch_mean", "ratio_max", "ratio_mean", "updated", "left_out"),
    *("parts", "turn_reward", *SCORING_KEYS, *SPENDING_KEYS),
)
