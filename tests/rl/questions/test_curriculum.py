"""Questions that can teach are asked more often, none never, and a resumed run asks the same."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rl.questions.curriculum import Curriculum
from rl.reward.task import Task

TASKS = [Task(f"q{n}", "?", ("x",)) for n in range(12)]
LAG = 1


def curriculum(floor: float = 0.05, seed: int = 3) -> Curriculum:
    made = Curriculum(TASKS, seed, floor, LAG)
    solved = [("q0", 1.0)] * 40
    hopeless = [("q1", 0.0)] * 40
    even = [("q2", float(n % 2)) for n in range(40)]
    made.learn(1, [*solved, *hopeless, *even, ("q3", None), ("elsewhere", 1.0)])
    return made


def drawn(made: Curriculum, steps: range, number: int = 2) -> Counter[str]:
    return Counter(task.id for step in steps for task in made.draw(step, number))


def test_pass_rates_are_those_of_judged_runs_with_a_half_to_begin_with() -> None:
    rates = curriculum().rates(10)
    assert rates["q0"] == 41 / 42
    assert rates["q1"] == 1 / 42
    assert rates["q2"] == rates["q3"] == rates["q4"] == 0.5
    assert set(rates) == {task.id for task in TASKS}


def test_what_is_solved_or_hopeless_is_asked_less_but_not_never() -> None:
    asked = drawn(curriculum(), range(3, 3003))
    for dull in ("q0", "q1"):
        assert 0 < asked[dull] < asked["q2"] / 4
    assert asked["q3"] > 4 * asked["q0"]


def test_with_the_highest_floor_all_are_alike() -> None:
    asked = drawn(curriculum(floor=1.0), range(3, 3003))
    assert max(asked.values()) < 1.3 * min(asked.values())


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 5))
def test_a_draw_has_no_question_twice_and_repeats_itself(step: int, number: int, seed: int) -> None:
    first = curriculum(seed=seed).draw(step, number)
    assert first == curriculum(seed=seed).draw(step, number)
    assert len({task.id for task in first}) == len(first) == min(number, len(TASKS))
    more = curriculum(seed=seed).draw(step, number + 3)
    assert more[: len(first)] == first, "those that may replace some stand behind them"


def test_another_step_or_seed_draws_otherwise() -> None:
    made = curriculum()
    assert made.draw(5, 6) != made.draw(6, 6)
    assert made.draw(5, 6) != curriculum(seed=4).draw(5, 6)


def test_a_step_does_not_know_what_may_still_be_under_way() -> None:
    """With rollouts one step ahead, step 3 is drawn before step 2 has ended, or after it: alike."""
    made = curriculum()
    before = made.draw(3, 6)
    made.learn(2, [(task.id, 1.0) for task in TASKS for _ in range(50)])
    assert made.draw(3, 6) == before
    assert made.rates(4) != made.rates(3)


def test_a_question_that_fails_for_the_worlds_sake_is_not_a_hard_one() -> None:
    """It teaches nothing: with a rate of one half it would be asked most of all, for ever."""
    made = Curriculum(TASKS, 3, 0.05, LAG)
    for step in range(1, 11):
        made.learn(step, [("q3", None)] * 8)
    asked = drawn(made, range(20, 3020))
    assert 0 < asked["q3"] < asked["q4"] / 4
    made.learn(11, [("q3", 1.0), ("q3", 0.0)])
    asked = drawn(made, range(20, 3020))
    assert asked["q3"] > 0.7 * asked["q4"], "now something is known of it"


def test_pass_rates_forget() -> None:
    made = Curriculum(TASKS, 3, 0.05, LAG)
    for step in range(1, 21):
        made.learn(step, [("q0", 0.0)] * 8)
    assert made.rates(99)["q0"] < 0.05
    for step in range(21, 41):
        made.learn(step, [("q0", 1.0)] * 8)
    assert made.rates(99)["q0"] > 0.9
    made.learn(41, [("q0", 0.9)] * 8)
    assert made.rates(99)["q0"] < made.rates(41)["q0"], "of graded rewards it is the mean"
