"""A curriculum by pass rate: questions that are neither hopeless nor solved are asked more often.

A question with pass rate p is drawn with weight p (1 - p), the variance of its reward, which is
what its group can teach; but never with less than a floor, so that none is given up. Before it was
asked p counts as a half (Laplace's rule of succession).

Which questions a step asks depends on the seed, the step and the outcomes of the steps before it,
less those that may still be under way: so a resumed run draws the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence

from rl.reward.task import Task

EVEN = 0.25
"""The weight of a question that half of the runs solve, the most there is."""


class Curriculum:
    """Draws the questions of a step from all of them."""

    def __init__(self, tasks: Sequence[Task], seed: int, floor: float, lag: int) -> None:
        """See the module.

        Args:
            tasks: all questions.
            seed: the run's.
            floor: smallest weight, as a share of the largest possible one.
            lag: steps before a step whose outcomes it must not wait for.
        """
        self._tasks = tasks
        self._seed = seed
        self._floor = floor * EVEN
        self._lag = lag
        self._outcomes: dict[int, list[tuple[str, float]]] = {}

    def learn(self, step: int, outcomes: Iterable[tuple[str, float | None]]) -> None:
        """Question and reward of a step's runs; those without a reward say nothing."""
        known = [(name, reward) for name, reward in outcomes if reward is not None]
        self._outcomes[step] = known

    def rates(self, step: int) -> dict[str, float]:
        """Estimated pass rate of each question, as far as `step` may know it."""
        passed: Counter[str] = Counter()
        asked: Counter[str] = Counter()
        for earlier, outcomes in self._outcomes.items():
            if earlier < step - self._lag:
                asked.update(name for name, _ in outcomes)
                passed.update(name for name, reward in outcomes if reward > 0)
        return {t.id: (passed[t.id] + 1) / (asked[t.id] + 2) for t in self._tasks}

    def draw(self, step: int, number: int) -> list[Task]:
        """`number` different questions for `step`, all there are if there are fewer.

        Weighted sampling without replacement by exponential keys: Efraimidis and Spirakis, 2006.
        """
        rng = random.Random(f"curriculum {self._seed} {step}")
        rates = self.rates(step)

        def key(task: Task) -> float:
            rate = rates[task.id]
            return rng.expovariate(max(self._floor, rate * (1 - rate)))

        return sorted(self._tasks, key=key)[:number]
