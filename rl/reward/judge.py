"""By an LLM judge on any chat model, alone or only where the rule says no.

What is judged is text from the policy under training, which will learn to talk to its judge if
that pays: see `benchmarks.scoring.judge` for how the answer is kept apart from the instructions.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agentflow_graph.errors import Fault
from agentflow_graph.models.providers.prices import known_prices
from agentflow_graph.state import Cost
from benchmarks.scoring.judge import AWAY, Judge
from rl.reward.grade import Grade, Reward
from rl.reward.rule import by_rule

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.reward.task import Task


def by_judge(judge: Judge) -> Reward:
    """The verdict of `judge` as 1 or 0; a run without one within the judge's time is unscored.

    A judge that is away is the world's fault: it can be asked again.
    """
    price = known_prices().of(judge.name)

    async def reward(task: Task, state: State) -> Grade:
        begun = time.perf_counter()
        try:
            verdict = await judge(task.question, task.answers, state["answer"])
        except ValueError as error:  # a gold answer that nobody could meet
            return Grade(None, "judge", f"judge: {error}", "judge")
        unscored = verdict.correct is None
        fault: Fault = "world" if verdict.error in AWAY else "judge"
        return Grade(
            None if verdict.correct is None else float(verdict.correct),
            "judge",
            f"judge: {verdict.error}: {verdict.reason}" if unscored else "",
            fault if unscored else "",
            "" if unscored else verdict.reason,
            asked=1,
            spent=verdict.spent,
            cost=Cost(of=judge.name, dollars=price.of(verdict.spent) if price else None),
            tokens=verdict.input_tokens + verdict.output_tokens,
            seconds=time.perf_counter() - begun,
        )

    return reward


def rule_first(judge: Reward) -> Reward:
    """The rule's yes stands; its no, or its silence, is put to the judge."""

    async def reward(task: Task, state: State) -> Grade:
        grade = await by_rule(task, state)
        if grade.value:
            return grade
        return await judge(task, state)

    return reward
