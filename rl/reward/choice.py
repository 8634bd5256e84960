"""Which reward a configuration asks for."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.scoring.judge import Judge
from rl.reward.function import by_function
from rl.reward.grade import Reward
from rl.reward.judge import by_judge, rule_first
from rl.reward.parts import by_parts
from rl.reward.rule import by_rule
from rl.reward.turns import with_turns
from rl.settings.measures import Grader, RewardSettings


def reward_of(settings: RewardSettings) -> Reward:
    """The reward that `settings` name; one serves all runs of a process.

    Raises:
        SettingError: a judge's model or a function cannot be had.
    """
    graders = dict(settings.graders())
    made = {name: _one(name, one, settings.weights) for name, one in graders.items()}
    return assembled(settings, made)


def assembled(settings: RewardSettings, made: Mapping[str, Reward]) -> Reward:
    """The reward of a run, of those that grade it by the dotted name of their settings."""
    reward = made.get("reward")
    if reward is None:
        parts = {name.rpartition(".")[2]: one for name, one in made.items()}
        weights = {name: part.weight for name, part in settings.parts.items()}
        reward = by_parts(parts, weights)
    return with_turns(reward, settings.turns, settings.seconds) if settings.turns else reward


def _one(name: str, settings: Grader, weights: Mapping[str, float]) -> Reward:
    if settings.kind == "rule":
        return by_rule
    if ":" in settings.kind:
        return by_function(settings.kind, settings.seconds, weights, f"{name}.kind")
    judge = by_judge(Judge.of(settings.judge, settings.seconds))
    return judge if settings.kind == "judge" else rule_first(judge)
