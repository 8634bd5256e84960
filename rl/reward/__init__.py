"""The outcome reward of a run, by rule, judge or a function of one's own; knows no rollout.

    reward = reward_of(config.reward)              # once, at the start: a wrong setting is refused
    grade = await reward(task, state)              # for each finished run
    grade.value, grade.by, grade.failure

No shaping by default: no bonus for format, length, turns or tools (arXiv 2510.05592, eq. 5). A
reward that cannot be had is a `Grade` with a `failure` and no value; it is never a 0.
"""

from rl.reward.choice import reward_of
from rl.reward.grade import Grade, Reward
from rl.reward.rule import by_rule

__all__ = ["Grade", "Reward", "by_rule", "reward_of"]
