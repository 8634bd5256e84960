"""A curriculum by pass rate: questions that are neither hopeless nor solved are asked more often.

A question with pass rate p is drawn with weight p (1 - p), the variance of its reward, which is
what its group can teach; but never with less than a floor, so that none is given up. Before it was
asked p counts as a half (Laplace's rule of succession). Of graded rewards p is the mean.

The policy changes, so p forgets: each time a question is asked, what was known of it before counts
less. A question whose runs end without a reward is not a hard one; nothing is known of it, so its
weight halves with every such time until one of its runs has a reward.

Which questions a step asks depends on the seed, the step and the outcomes of the steps before it,
less those that may still be under way: so a resumed run draws the same.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from rl.reward.task import Task

EVEN = 0.25
"""The weight of a question that half of the runs solve, the most there is."""

MEMORY = 0.8
"""What the outcomes of a question still count when it was asked once more."""


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
        self._outcomes: dict[int, dict[str, list[float]]] = {}

    def learn(self, step: int, outcomes: Iterable[tuple[str, float | None]]) -> None:
        """Question and reward of a step's runs; those without a reward say nothing of the rate."""
        known: dict[str, list[float]] = {}
        for name, reward in outcomes:
            known.setdefault(name, []).extend([] if reward is None else [reward])
        self._outcomes[step] = known

    def rates(self, step: int) -> dict[str, float]:
        """Estimated pass rate of each question, as far as `step` may know it."""
        return {name: rate for name, (rate, _) in self._known(step).items()}

    def _known(self, step: int) -> dict[str, tuple[float, int]]:
        """By question: its rate, and how often it was asked in vain since it had a reward."""
        passed: dict[str, float] = defaultdict(float)
        asked: dict[str, float] = defaultdict(float)
        vain: Counter[str] = Counter()
        for earlier in sorted(n for n in self._outcomes if n < step - self._lag):
            for name, rewards in self._outcomes[earlier].items():
                if not rewards:
                    vain[name] += 1
                    continue
                passed[name] = MEMORY * passed[name] + sum(rewards)
                asked[name] = MEMORY * asked[name] + len(rewards)
                vain[name] = 0
        return {t.id: ((passed[t.id] + 1) / (asked[t.id] + 2), vain[t.id]) for t in self._tasks}

    def draw(self, step: int, number: int) -> list[Task]:
        """`number` different questions for `step`, all there are if there are fewer.

        Weighted sampling without replacement by exponential keys: Efraimidis and Spirakis, 2006.
        """
        rng = random.Random(f"curriculum {self._seed} {step}")
        known = self._known(step)

        def key(task: Task) -> float:
            rate, vain = known[task.id]
            return rng.expovariate(max(self._floor, rate * (1 - rate) / 2**vain))

        return sorted(self._tasks, key=key)[:number]
