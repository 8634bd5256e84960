"""The hard world: its articles, its two islands, its hazards, and that they can be read back."""

import json
from pathlib import Path

import pytest

from benchmarks.almanac.hard import HardWorld
from benchmarks.almanac.hard.missing import Missing
from benchmarks.almanac.hard.pages import article, read
from benchmarks.almanac.jsonl import write_jsonl
from benchmarks.almanac.world import SPLITS
from tools.wiki.corpus import SHIPPED

WORLD = HardWorld(seed=0)


def test_one_seed_is_one_world_and_another_is_another() -> None:
    assert HardWorld(0).documents() == WORLD.documents() != HardWorld(1).documents()


def test_the_shipped_articles_are_the_default_world(tmp_path: Path) -> None:
    shipped, _ = SHIPPED["almanac-hard"]
    write_jsonl(tmp_path / "corpus.jsonl", WORLD.documents())
    assert (tmp_path / "corpus.jsonl").read_bytes() == shipped.read_bytes(), (
        f"{shipped.name} is stale: run `python -m benchmarks.almanac.hard export --out DIR` "
        "and copy DIR/corpus.jsonl over it"
    )


def test_what_an_article_says_can_be_read_back_but_for_rumours() -> None:
    for split in SPLITS:
        island = WORLD.island(split)
        for page in island.pages:
            title, text = article(page)
            told = None if "a rumour, unconfirmed" in text else page
            assert read(f"{title}: {text}") == told


def test_no_title_is_that_of_two_articles() -> None:
    titles = [document["title"] for document in WORLD.documents()]
    assert len(titles) == len(set(titles)) == 3160


def test_the_islands_share_nothing_but_single_words() -> None:
    train, heldout = (WORLD.island(split) for split in SPLITS)
    for split, other in ((train, heldout), (heldout, train)):
        own = json.dumps([article(page) for page in split.pages])
        people = [person.name for person in (*other.people, *other.homonyms)]
        places = [town.name for town in other.towns] + [each.name for each in other.counties]
        names = [*people, *places, *(league.name for league in other.leagues)]
        assert [name for name in names if name in own] == []


def test_a_hazard_tells_its_facts_and_a_clean_text() -> None:
    documents = {document["title"]: document for document in WORLD.documents()}
    assert len(WORLD.orders) == len(WORLD.failing) == 80
    assert not WORLD.failing & WORLD.orders.keys()
    for town, order in WORLD.orders.items():
        assert documents[town]["text"] == f"{documents[town]['clean']} {order}"
        assert read(f"{town}: {documents[town]['text']}") == WORLD.town(town)
        assert WORLD.town(town).mayor not in order
    assert {title for title, each in documents.items() if "fails" in each} == WORLD.failing


def test_people_of_one_name_have_different_trades() -> None:
    people = WORLD.island("train").homonyms
    assert len(people) == 180 and len({p.name for p in people}) == 60
    assert len({(p.name, p.trade) for p in people}) == 180
    assert WORLD.person(people[4].name, people[4].trade) == people[4]


def test_a_census_that_was_not_is_missing() -> None:
    town = WORLD.island("train").towns[0].name
    with pytest.raises(Missing, match=f"no page for '{town} census 1066'"):
        WORLD.census(town, 1066)
