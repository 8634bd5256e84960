"""The questions of the hard world: unique, on their islands, each with its level's difficulty."""

from collections import Counter

import pytest

from benchmarks.almanac.hard import LEVELS, HardQuestion, HardWorld, questions
from benchmarks.almanac.hard.compositions import ALL
from benchmarks.almanac.hard.parsing import parse, recognised
from benchmarks.almanac.hard.programs import answer
from benchmarks.almanac.hard.shortcuts import MOST, shortcuts
from tools.wiki.corpus import default_corpus

WORLD = HardWorld(seed=0)
TRAIN = questions(WORLD, "train", 900, seed=3)
HELDOUT = questions(WORLD, "heldout", 1050, seed=0)


def of(level: str) -> list[HardQuestion]:
    return [question for question in HELDOUT if question.level == level]


def test_ids_and_texts_are_unique_and_levels_balanced() -> None:
    for asked in (TRAIN, HELDOUT):
        assert len({q.id for q in asked}) == len({q.text for q in asked}) == len(asked)
    assert Counter(q.level for q in HELDOUT) == dict.fromkeys(LEVELS, 105)
    assert Counter(q.level for q in TRAIN) == dict.fromkeys(LEVELS[:9], 100)


def test_a_shorter_list_is_the_beginning_of_a_longer_one() -> None:
    assert questions(WORLD, "heldout", 70, seed=0) == HELDOUT[:70]


def test_no_held_out_thing_occurs_in_training() -> None:
    island = WORLD.island("heldout")
    people = [person.name for person in (*island.people, *island.homonyms)]
    places = [town.name for town in island.towns] + [county.name for county in island.counties]
    names = [*people, *places, *(league.name for league in island.leagues)]
    told = "\n".join(f"{q.text} {q.answer} {' '.join(q.hops)}" for q in TRAIN)
    assert [name for name in names if name in told] == []


def test_templates_of_h10_and_their_programs_never_occur_in_training() -> None:
    trained = {recognised(q.text)[0] for q in TRAIN}
    held_out = {recognised(q.text)[0] for q in of("H10")}
    assert len(held_out) == 9 and not held_out & trained
    assert trained | held_out == set(ALL)


def test_every_wording_is_of_one_template_and_is_used() -> None:
    wordings = [wording for template in ALL for wording in template.wordings]
    assert len(wordings) == len(set(wordings))
    for question in (*TRAIN, *HELDOUT):
        assert str(answer(parse(question.text), WORLD).value) == question.answer


def test_levels_hold_what_they_promise() -> None:
    assert {len(q.hops) for q in (*of("H1"), *of("H2"), *of("H3"))} == {4}
    assert all(q.hops[0].split()[-1].islower() for q in of("H4"))
    assert all(any(" census " in hop for hop in q.hops) for q in of("H5"))
    assert [q.answer for q in of("H7")].count("unknown") == 15
    assert all((q.answer == "unknown") <= (q.level == "H7") for q in HELDOUT)
    for question in HELDOUT:
        assert bool(WORLD.orders.keys() & {*question.hops}) == (question.level == "H8")
        assert bool(WORLD.failing & {*question.hops}) == (question.level == "H9")
        assert question.calls == len(question.hops) + 1 + (question.level == "H9")


def test_each_census_stands_beside_a_rumour_that_says_otherwise() -> None:
    text = {each["title"]: str(each["text"]) for each in WORLD.documents()}
    for question in of("H5"):
        census = next(hop for hop in question.hops if " census " in hop)
        rumour = text[census.replace(" census ", " ")]
        assert rumour.startswith("a rumour") and question.answer not in rumour


@pytest.mark.parametrize(
    ("split", "n", "levels", "message"),
    [
        ("train", 1, ["H10"], r"train split has H1, .*H9; H10 is held out as a whole"),
        ("heldout", 1, ["H11"], "heldout split has H1, .*, H10"),
        ("test", 1, [], "choose one of train, heldout"),
        ("train", -1, [], "n=-1"),
        ("heldout", 5_000, ["H3"], "held-out questions of H3: ask for fewer"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    split: str, n: int, levels: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        questions(WORLD, split, n, 0, levels)  # type: ignore[arg-type]


def test_a_long_training_list_begins_anew() -> None:
    asked = questions(WORLD, "train", 2_000, 0, ["H3"])
    assert len({q.id for q in asked}) == 2_000 > len({q.text for q in asked}) > 1_000


async def test_no_shortcut_passes_15_per_cent_of_any_level() -> None:
    found = await shortcuts(WORLD, default_corpus("almanac-hard"), 350)
    assert list(found) == list(LEVELS)
    assert {level: each.most for level, each in found.items() if each.most > MOST} == {}
    # They are readers and no dummies: each finds something somewhere.
    assert max(each.question_alone for each in found.values()) > 0.1
    assert max(each.one_search for each in found.values()) > 0.02
