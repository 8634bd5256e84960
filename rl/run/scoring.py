"""What some runs came to: their outcomes, who graded them, whose fault the failures were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from agentflow_graph.models.providers.money import known_part, summed
from agentflow_graph.state import Money, Usage, merge_usage
from benchmarks.report.numbers.statistics import bootstrap, pass_at, wilson
from rl.rollout import Trajectory
from rl.settings.measures import HELDOUT, Evaluation

SCORING_KEYS = ("unscored", "judged", "judge_tokens", "scoring_seconds")
"""Names of `scoring`'s figures."""
JUDGE = "judge"
NOTHING: Money = {"total": 0.0, "by": {}}
SPENDING_KEYS = ("usage", "money", "dollars")
"""Names of `spending`'s figures."""
DRAWS = 1_000
"""Of the bootstrap."""


def outcome(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Success, turns, tools and tokens of some runs; those without a reward count as `failed` only.

    `faults` counts by whose fault it was: the policy's are graded, the world's and the judge's have
    no reward. `one_turn` is the share of runs that ended after one turn. `tools` are shares of all
    calls, `tool_errors` the share of calls without a result: an error, a timeout, an unavailable
    tool, or a reply that names none (which `tools` counts as "none"). `reply_tokens` are those of
    one planner reply and `run_seconds` those of one run, each in the mean. `usage`, `money` and
    `dollars` are `spending`'s, of failed runs too.
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
        **spending(trajectories),
        **_in_parts(judged),
    }


def _in_parts(judged: Sequence[Trajectory]) -> dict[str, Any]:
    """Mean of each part of the reward, and of rewards of turns; nothing where there are none."""
    grades = [t.grade for t in judged if t.grade]
    names = dict.fromkeys(name for grade in grades for name in grade.parts)
    values = {name: [grade.parts.get(name) for grade in grades] for name in names}
    parts = {name: mean([v for v in of if v is not None]) for name, of in values.items()}
    turns = [reward for grade in grades for reward in grade.turns]
    told: dict[str, Any] = {"parts": parts} if parts else {}
    return told | ({"turn_reward": mean(turns)} if turns else {})


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
    judged = sum(grade.by == "judge" or grade.asked > 0 for grade in decided)
    return {
        "unscored": len(grades) - len(decided),
        "judged": judged / len(decided) if decided else 0.0,
        "judge_tokens": sum(grade.tokens for grade in grades),
        "scoring_seconds": mean([grade.seconds for grade in grades]),
    }


def spending(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """`usage` and `money` by module, tool's model, service and judge, and the known `dollars`.

    The policy on one's own engines has no price. Of a run that was attempted more than once the
    last attempt counts.
    """
    usage: Usage = {}
    moneys: list[Money] = []
    for run in trajectories:
        usage = merge_usage(usage, run.state.get("usage", {}))
        moneys.append(run.state.get("money", NOTHING))
        if run.grade and run.grade.spent:
            usage = merge_usage(usage, {JUDGE: run.grade.spent})
            moneys.append({"total": None, "by": {JUDGE: run.grade.cost}})
    return _told(usage, moneys)


def in_all(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The same over entries of `metrics.jsonl`; those of earlier versions have nothing of it."""
    usage: Usage = {}
    moneys: list[Money] = []
    for entry in entries:
        usage = merge_usage(usage, entry.get("usage", {}))
        moneys.append(entry.get("money", NOTHING))
    return _told(usage, moneys)


def _told(usage: Usage, moneys: Sequence[Money]) -> dict[str, Any]:
    money = summed(moneys)
    return {"usage": usage, "money": money, "dollars": known_part(money)}


def spending_rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For a table: an entry of usage with who was asked and its dollars."""
    costs = found["money"]["by"]
    unknown = {"of": "", "dollars": None}
    return [
        {"who": who, **spent, **costs.get(who, unknown)} for who, spent in found["usage"].items()
    ]


def evaluation(
    temperature: float,
    runs: Sequence[Trajectory],
    seconds: float,
    marks: Evaluation | None = None,
) -> dict[str, Any]:
    """Success with its 95 % interval, and what the runs were like.

    Success is the mean, over the `n` questions of which a run has a reward, of the mean reward of
    its runs: avg@k of `runs_each` runs. `solved` are runs whose reward is at least
    `marks.solved_at`. `unscored` runs have no reward, through no fault of the policy: where they
    are more than `marks.max_unscored` of all, success is that of another sample of questions, and
    the evaluation does not count (`counts`). `levels` is success by level and `levels_n` the
    questions of each, `seconds` those of the whole evaluation. `pass_at`: see `passes`.
    """
    marks = marks or Evaluation()
    rewards = by_question(runs)
    means = {task: mean(own) for task, own in rewards.items()}
    levels = {t.task.id: t.task.level for t in runs}
    by_level = {
        level: [own for task, own in means.items() if levels[task] == level]
        for level in sorted({levels[task] for task in means})
    }
    scored = sum(map(len, rewards.values()))
    return {
        "temperature": temperature,
        "n": len(means),
        "runs_each": max(Counter(t.task.id for t in runs).values(), default=0),
        "solved": sum(reward >= marks.solved_at for own in rewards.values() for reward in own),
        "success": success(runs),
        "interval": list(interval(list(means.values()))),
        "counts": bool(means) and len(runs) - scored <= marks.max_unscored * len(runs),
        "levels": {level: mean(of_level) for level, of_level in by_level.items()},
        "levels_n": {level: len(of_level) for level, of_level in by_level.items()},
        "seconds": seconds,
        **{k: v for k, v in outcome(runs).items() if k != "reward"},
        "unscored": len(runs) - scored,
        **passes(list(rewards.values()), marks.solved_at),
    }


def by_question(runs: Sequence[Trajectory]) -> dict[str, list[float]]:
    """The rewards of each question's runs; of none, it is not there."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if run.reward is not None:
            found.setdefault(run.task.id, []).append(run.reward)
    return found


def success(runs: Sequence[Trajectory]) -> float:
    """Mean over questions of the mean reward of each."""
    return mean([mean(own) for own in by_question(runs).values()])


def passes(rewards: Sequence[Sequence[float]], solved_at: float) -> dict[str, Any]:
    """pass@k with its 95 % interval, for k of 1, 2, 4, ... and all runs; nothing of single runs.

    A run is right from `solved_at`. Unbiased by question (arXiv 2107.03374), then the mean over
    questions that have as many runs as any: `pass_n`.
    """
    runs = max(map(len, rewards), default=0)
    whole = [own for own in rewards if len(own) == runs]
    if runs < 2:
        return {}
    right = [sum(reward >= solved_at for reward in own) for own in whole]
    found = {}
    for k in sorted({2**power for power in range(runs.bit_length()) if 2**power <= runs} | {runs}):
        chances = [pass_at(k, count, runs) for count in right]
        found[str(k)] = [mean(chances), *interval(chances)]
    return {"pass_at": found, "pass_n": len(whole)}


def interval(rewards: Sequence[float]) -> tuple[float, float]:
    """95 % interval of their mean: Wilson's of right or wrong, of graded ones by bootstrap."""
    if all(reward in (0.0, 1.0) for reward in rewards):
        return wilson(int(sum(rewards)), len(rewards))
    return bootstrap(rewards, draws=DRAWS)


def of_set(evaluations: Sequence[dict[str, Any]], name: str = HELDOUT) -> list[dict[str, Any]]:
    """Those on a set; an evaluation that names none is on `heldout`."""
    return [e for e in evaluations if e.get("set", HELDOUT) == name]


def counting(evaluations: Sequence[dict[str, Any]], name: str = HELDOUT) -> list[dict[str, Any]]:
    """The sampled evaluations on a set in which enough runs have a reward."""
    found = of_set(evaluations, name)
    return [e for e in found if e["temperature"] and e.get("counts", True)]


def best(evaluations: Sequence[dict[str, Any]], name: str = HELDOUT) -> dict[str, Any] | None:
    """The one with the highest success on a set that counts; of equal ones the earliest."""
    return max(counting(evaluations, name), key=lambda e: e["success"], default=None)


def stale(evaluations: Sequence[dict[str, Any]], name: str = HELDOUT) -> int:
    """How many evaluations on a set that count there were since the best one."""
    found = counting(evaluations, name)
    return len(found) - 1 - found.index(max(found, key=lambda e: e["success"])) if found else 0


def mean(values: Sequence[float]) -> float:
    """0 of none."""
    return fmean(values) if values else 0.0
