"""By an LLM judge on any chat model, alone or only where the rule says no.

What is judged is text from the policy under training, which will learn to talk to its judge if
that pays: see `benchmarks.judge` for how the answer is kept apart from the instructions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from rl.reward.grade import Grade, Reward
from rl.reward.rule import by_rule

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.rollout import Task


class Verdict(Protocol):
    """See `benchmarks.judge.Verdict`."""

    @property
    def correct(self) -> bool | None:
        """None: the judge gave no verdict."""

    @property
    def reason(self) -> str:
        """The judge's own words."""

    @property
    def error(self) -> str:
        """Why there is no verdict."""


Ask = Callable[[str, Sequence[str], str], Awaitable[Verdict]]
"""From question, golden answers and reply to a verdict."""


def by_judge(ask: Ask, seconds: float) -> Reward:
    """The verdict of `ask` as 1 or 0; a run without one after `seconds` is unscored."""

    async def reward(task: Task, state: State) -> Grade:
        begun = time.perf_counter()
        value, reason, failure = None, "", ""
        try:
            async with asyncio.timeout(seconds):
                verdict = await ask(task.question, task.answers, state["answer"])
        except TimeoutError:
            failure = f"judge: timeout, no verdict within reward.seconds={seconds:g}"
        except Exception as error:  # a judge that breaks must not take the step with it
            failure = f"judge: {type(error).__name__}: {error}"
        else:
            value = None if verdict.correct is None else float(verdict.correct)
            reason = verdict.reason
            failure = f"judge: {verdict.error}" if value is None else ""
        spent = time.perf_counter() - begun
        return Grade(value, "judge", failure, reason, asked=1, seconds=spent)

    return reward


def rule_first(judge: Reward) -> Reward:
    """The rule's yes stands; its no, or its silence, is put to the judge."""

    async def reward(task: Task, state: State) -> Grade:
        grade = await by_rule(task, state)
        if grade.value:
            return grade
        return await judge(task, state)

    return reward
