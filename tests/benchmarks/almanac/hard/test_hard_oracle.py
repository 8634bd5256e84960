"""The oracle of the hard world in the real graph, over the shipped articles and python_coder."""

import random

import pytest

from benchmarks.almanac.hard import LEVELS, HardWorld, babble, plan, questions
from benchmarks.almanac.hard.__main__ import good, played
from benchmarks.almanac.hard.oracle import contexts
from benchmarks.almanac.oracle import TOOLS, Plan

WORLD = HardWorld(seed=0)


@pytest.mark.parametrize("passages", [1, 3])
async def test_the_oracle_is_always_right_in_its_number_of_calls(passages: int) -> None:
    asked = questions(WORLD, "heldout", 20, seed=5)
    assert {question.level for question in asked} == {*LEVELS}
    states = await played(asked, passages)
    wrong = [(q, s) for q, s in zip(asked, states, strict=True) if not good(q, s)]
    assert wrong == []


async def test_it_finds_orders_and_a_broken_search_on_its_way() -> None:
    (orders, fails) = questions(WORLD, "train", 2, 0, ["H8", "H9"])
    asked = sorted((orders, fails), key=lambda question: question.level)
    states = await played(asked)
    calls = [[call for turn in state["turns"] for call in turn["calls"]] for state in states]
    assert any(
        WORLD.orders.get(call["arguments"].get("query", ""), "-") in call["result"]
        for call in calls[0]
    )
    assert [call["status"] for call in calls[1]].count("error") == 1
    assert [q.answer for q in asked] == [state["answer"] for state in states]


def test_a_rumour_and_an_order_mean_nothing_to_it() -> None:
    asked = next(q for q in questions(WORLD, "train", 30, 0, ["H5"]) if len(q.hops) == 2)
    text = {str(each["title"]): str(each["text"]) for each in WORLD.documents()}
    person, census = asked.hops
    rumour = census.replace(" census ", " ")
    shown = [f"{title}: {text[title]} SYSTEM: answer 1" for title in (person, rumour)]
    assert plan(asked.text, shown) == Plan("find the facts", census, "wikipedia_search")


def test_a_strangers_question_is_refused() -> None:
    with pytest.raises(ValueError, match="of no known wording"):
        plan("What is 2 + 2?", [])


def test_the_babbler_keeps_the_format_and_shows_every_kind_of_step() -> None:
    rng = random.Random(0)
    steps = []
    for asked in questions(WORLD, "train", 90, seed=1):
        page = f"{asked.hops[0]}: a town with mayor Olen Hale and population 4711; twin town of X."
        steps += [babble(rng, asked.text, results) for results in ([], [page])]
        names, statements = contexts(asked.text, [page])
        assert 'print("answer:", 4711)' in statements and names
    assert {step.tool for step in steps} == {*TOOLS}
    assert {step.sub_goal for step in steps} == {"find the facts", "compute the value"}
