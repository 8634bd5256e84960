"""What some runs came to: their outcomes, who graded them, whose fault the failures were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from benchmarks.report.numbers.statistics import bootstrap, wilson
from rl.rollout import Trajectory
from rl.settings.measures import Evaluation

SCORING_KEYS = ("unscored", "judged", "judge_tokens", "scoring_seconds")
"""Names of `scoring`'s figures."""
DRAWS = 1_000
"""Of the bootstrap."""


def outcome(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Success, turns, tools and tokens of some runs; those without a reward count as `failed` only.

    `faults` counts by whose fault it was: the policy's are graded, the world's and the judge's have
    no reward. `one_turn` is the share of runs that ended after one turn. `tools` are shares of all
    calls, `tool_errors` the share of calls without a result: an error, a timeout, an unavailable
    tool, or a reply that names none (which `tools` counts as "none"). `reply_tokens` are those of
    one planner reply and `run_seconds` those of one run, each in the mean.
    """
    judged = [t for t in trajectories if t.reward is not None]
    calls = [c for t in judged for turn in t.state["turns"] for c in turn["calls"]]
    tools = Counter(call["tool"] or "none" for call in calls)
    actions = [action for t in judged for action in t.actions]
    return {
        "runs": len(judged),
        "failed": len(trajectories) - len(judged),
        "faults": faults(trajectories),
        "retried": sum(t.attempts - 1 for t in trajectories),
        "reward": mean([t.reward or 0.0 for t in judged]),
        "turns": mean([float(len(t.state["turns"])) for t in judged]),
        "one_turn": mean([float(len(t.state["turns"]) == 1) for t in judged]),
        "tool_errors": mean([float(call["status"] != "ok") for call in calls]),
        "tools": {name: count / len(calls) for name, count in sorted(tools.items())},
        "reply_tokens": mean([float(len(a.token_ids)) for a in actions]),
        "policy_versions": sorted({a.policy_version for a in actions}),
        "run_seconds": mean([t.seconds for t in judged]),
        **scoring(trajectories),
    }


def faults(trajectories: Sequence[Trajectory]) -> dict[str, int]:
    """How many runs failed by whose fault; nobody is named who failed none."""
    counts = Counter("world" if t.by_world else t.fault for t in trajectories)
    return {fault: counts[fault] for fault in ("policy", "world", "judge") if counts[fault]}


def failures(trajectories: Sequence[Trajectory], most: int = 5) -> dict[str, int]:
    """The commonest reasons of failed runs and how often each came; the rest are counted as one."""
    reasons = Counter(run.failure for run in trajectories if run.failure)
    named = dict(reasons.most_common(most))
    rest = reasons.total() - sum(named.values())
    return named | {"other reasons": rest} if rest else named


def scoring(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """What grading some runs came to.

    `unscored` counts finished runs without a reward; `judged` is the share of the others that a
    judge decided; `judge_tokens` are those of all its calls; `scoring_seconds` is a run's mean.
    """
    grades = [t.grade for t in trajectories if t.grade]
    decided = [grade for grade in grades if not grade.failure]
    judged = sum(grade.by == "judge" for grade in decided)
    return {
        "unscored": len(grades) - len(decided),
        "judged": judged / len(decided) if decided else 0.0,
        "judge_tokens": sum(grade.tokens for grade in grades),
        "scoring_seconds": mean([grade.seconds for grade in grades]),
    }


def evaluation(
    temperature: float,
    runs: Sequence[Trajectory],
    seconds: float,
    marks: Evaluation | None = None,
) -> dict[str, Any]:
    """Held-out success with its 95 % interval, and what the runs were like.

    Success is the mean reward of the `n` runs that have one; `solved` are those whose reward is at
    least `marks.solved_at`. `unscored` runs have none, through no fault of the policy: where they
    are more than `marks.max_unscored` of all, success is that of another sample of questions, and
    the evaluation does not count (`counts`). `levels` is success by level and `levels_n` the
    questions of each, `seconds` those of the whole evaluation.
    """
    marks = marks or Evaluation()
    rewards = [t.reward for t in runs if t.reward is not None]
    by_level = {
        level: [t.reward for t in runs if t.reward is not None and t.task.level == level]
        for level in sorted({t.task.level for t in runs if t.reward is not None})
    }
    unscored = len(runs) - len(rewards)
    return {
        "temperature": temperature,
        "n": len(rewards),
        "solved": sum(reward >= marks.solved_at for reward in rewards),
        "success": mean(rewards),
        "interval": list(interval(rewards)),
        "counts": bool(rewards) and unscored <= marks.max_unscored * len(runs),
        "levels": {level: mean(of_level) for level, of_level in by_level.items()},
        "levels_n": {level: len(of_level) for level, of_level in by_level.items()},
        "seconds": seconds,
        **{k: v for k, v in outcome(runs).items() if k != "reward"},
        "unscored": unscored,
    }


def interval(rewards: Sequence[float]) -> tuple[float, float]:
    """95 % interval of their mean: Wilson's of right or wrong, of graded ones by bootstrap."""
    if all(reward in (0.0, 1.0) for reward in rewards):
        return wilson(int(sum(rewards)), len(rewards))
    return bootstrap(rewards, draws=DRAWS)


def counting(evaluations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sampled evaluations in which enough runs have a reward."""
    return [e for e in evaluations if e["temperature"] and e.get("counts", True)]


def best(evaluations: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The one with the highest success among those that count; of equal ones the earliest."""
    return max(counting(evaluations), key=lambda e: e["success"], default=None)


def stale(evaluations: Sequence[dict[str, Any]]) -> int:
    """How many evaluations that count there were since the best one."""
    found = counting(evaluations)
    return len(found) - 1 - found.index(max(found, key=lambda e: e["success"])) if found else 0


def mean(values: Sequence[float]) -> float:
    """0 of none."""
    return fmean(values) if values else 0.0
