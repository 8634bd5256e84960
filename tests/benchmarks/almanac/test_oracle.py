"""The scripted planners, driven by a simulator of the two tools that is a few lines long."""

import operator
import random
import re
from collections import Counter
from collections.abc import Callable

import pytest

from benchmarks.almanac.oracle import TOOLS, Plan, babble, contexts, plan
from benchmarks.almanac.questions import Question, questions
from benchmarks.almanac.world import World

WORLD = World(seed=0)
TEXTS = {document["title"]: document["text"] for document in WORLD.documents()}
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
MAX_TURNS = 3

PERSON = "Mira Voss: a painter from the town of Old Harbor."
TOWN = "Old Harbor: a town with mayor Luis Osman and population 4821."
OTHER_TOWN = "New Hill: a town with mayor Vera Holt and population 1111."
TWO_HOPS = "Who is the mayor of the town where Mira Voss lives?"
THREE_STEPS = "What is the population of the town where Mira Voss lives + 73?"
FACT = "What is the population of Old Harbor - 73?"


def use_tool(step: Plan) -> str:
    if step.tool == "wikipedia_search":
        found = TEXTS.get(step.context)
        return f"{step.context}: {found}" if found else "no page found"
    expression = re.fullmatch(r"(\d+) ([-+*]) (\d+)", step.context)
    if step.tool == "python_coder" and expression:
        return str(OPERATORS[expression[2]](int(expression[1]), int(expression[3])))
    return "error"


def read_answer(question_text: str, result: str) -> str | None:
    """The answer in a tool's result, if it is of the kind that the question asks for."""
    if re.search(r"[-+*] \d+\?$", question_text):
        return result if re.fullmatch(r"-?\d+", result) else None
    kind = "mayor" if "mayor" in question_text else "population"
    kind = "from the town of" if question_text.startswith("In which town") else kind
    found = re.search(rf"{kind} (\d+|\w+ \w+)", result)
    return found[1] if found else None


def run(
    question: Question, planner: Callable[[str, list[str]], Plan], max_turns: int = MAX_TURNS
) -> tuple[str | None, int]:
    results: list[str] = []
    for turn in range(1, max_turns + 1):
        results.append(use_tool(planner(question.text, results)))
        answer = read_answer(question.text, results[-1])
        if answer is not None:
            return answer, turn
    return None, max_turns


def test_oracle_solves_every_heldout_question_within_three_turns() -> None:
    turns: dict[str, set[int]] = {}
    for question in questions(WORLD, "heldout", 1000, seed=0):
        answer, used = run(question, plan)
        assert answer == question.answer, question
        turns.setdefault(question.level, set()).add(used)
    assert turns == {
        "arithmetic": {1},
        "one_hop": {1},
        "two_hops": {2},
        "fact_arithmetic": {2},
        "two_hops_arithmetic": {3},
    }


def test_babble_leaves_much_to_learn() -> None:
    rng = random.Random(0)
    drawn = questions(WORLD, "heldout", 500, seed=0)
    solved = sum(run(q, lambda text, seen: babble(rng, text, seen))[0] == q.answer for q in drawn)
    assert 0.1 < solved / len(drawn) < 0.6


def test_babble_always_parses() -> None:
    """One line for each field, a real tool, a context that is in sight, and its sub-goal."""
    rng = random.Random(1)
    tools: Counter[str] = Counter()
    for question in questions(WORLD, "train", 1000, seed=0):
        results: list[str] = []
        for _ in range(MAX_TURNS):
            step = babble(rng, question.text, results)
            entities, expressions = contexts(question.text, results)
            tools[step.tool] += 1
            reply = f"Context: {step.context}\nSub-Goal: {step.sub_goal}\nTool Name: {step.tool}"
            assert re.fullmatch(r"Context: .+\nSub-Goal: .+\nTool Name: \w+", reply)
            if step.context in expressions:
                assert step.sub_goal == "compute the value"
            else:
                assert step.context in entities
                assert step.sub_goal == "find the facts"
            results.append(use_tool(step))
    assert set(tools) == set(TOOLS)
    assert all(count / tools.total() == pytest.approx(1 / 3, abs=0.03) for count in tools.values())


def test_babble_draws_every_context() -> None:
    rng = random.Random(2)
    drawn = Counter(babble(rng, FACT, [TOWN, OTHER_TOWN]).context for _ in range(3000))
    entities = ("Old Harbor", "Luis Osman", "New Hill", "Vera Holt")
    expressions = ("4821 - 73", "1111 - 73")
    assert set(drawn) == {*entities, *expressions}
    assert all(drawn[name] == pytest.approx(3000 / 2 / 4, abs=80) for name in entities)
    assert all(drawn[sum_] == pytest.approx(3000 / 2 / 2, abs=100) for sum_ in expressions)


@pytest.mark.parametrize(
    ("question_text", "results", "step"),
    [
        ("What is 47 * 3?", [], Plan("compute the value", "47 * 3", "python_coder")),
        (TWO_HOPS, [], Plan("find the facts", "Mira Voss", "wikipedia_search")),
        (TWO_HOPS, [PERSON], Plan("find the facts", "Old Harbor", "wikipedia_search")),
        (FACT, [TOWN], Plan("compute the value", "4821 - 73", "python_coder")),
        (THREE_STEPS, [PERSON, TOWN], Plan("compute the value", "4821 + 73", "python_coder")),
        # Facts about another town, before its person is known and after, lead nowhere.
        (THREE_STEPS, [TOWN], Plan("find the facts", "Mira Voss", "wikipedia_search")),
        (FACT, [OTHER_TOWN], Plan("find the facts", "Old Harbor", "wikipedia_search")),
        # A failed call is tried again.
        (TWO_HOPS, ["error: timeout"], Plan("find the facts", "Mira Voss", "wikipedia_search")),
        # Several pages in one result.
        (
            THREE_STEPS,
            [f"{OTHER_TOWN}\n{PERSON}\n{TOWN}"],
            Plan("compute the value", "4821 + 73", "python_coder"),
        ),
    ],
)
def test_next_step(question_text: str, results: list[str], step: Plan) -> None:
    assert plan(question_text, results) == step


def test_contexts_are_what_is_in_sight() -> None:
    assert contexts("What is 47 * 3?", ["141"]) == ([], ["47 * 3"])
    assert contexts(TWO_HOPS, [PERSON, PERSON, TOWN]) == (
        ["Mira Voss", "Old Harbor", "Luis Osman"],
        [],
    )
    assert contexts(FACT, []) == (["Old Harbor"], [])
    assert contexts(FACT, [TOWN, "4748"]) == (["Old Harbor", "Luis Osman"], ["4821 - 73"])


def test_foreign_questions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'Why\?'.*only know questions from"):
        plan("Why?", [])
    with pytest.raises(ValueError, match=r"'Why\?'.*only know questions from"):
        babble(random.Random(0), "Why?", [])
    assert contexts("Why?", []) == ([], [])
