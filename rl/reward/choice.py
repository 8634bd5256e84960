"""Which reward a configuration asks for."""

from __future__ import annotations

from benchmarks.scoring.judge import Judge
from rl.reward.function import by_function
from rl.reward.grade import Reward
from rl.reward.judge import by_judge, rule_first
from rl.reward.rule import by_rule
from rl.settings.config import RewardSettings


def reward_of(settings: RewardSettings) -> Reward:
    """The reward that `settings` name; one serves all runs of a process.

    Raises:
        SettingError: the judge's model or the function cannot be had.
    """
    if settings.kind == "rule":
        return by_rule
    if ":" in settings.kind:
        return by_function(settings.kind, settings.seconds)
    judge = by_judge(Judge.of(settings.judge, settings.seconds))
    return judge if settings.kind == "judge" else rule_first(judge)
