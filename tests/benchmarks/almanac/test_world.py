"""The generated world: its splits, its documents, and the corpus file that ships with the tools."""

from pathlib import Path

import pytest
from lines import read_jsonl

from benchmarks.almanac.jsonl import write_jsonl
from benchmarks.almanac.world import SPLITS, Split, World

SHIPPED_CORPUS = Path(__file__).parents[3] / "tools" / "wiki" / "almanac.jsonl"


def names(world: World, split: Split) -> set[str]:
    people = {person.name for person in world.people(split)}
    return people | {town.name for town in world.towns(split)}


def test_same_seed_same_world() -> None:
    assert World(seed=3).documents() == World(seed=3).documents()
    assert World(seed=3).documents() != World(seed=4).documents()


@pytest.mark.parametrize("size", [40, 101, 240, 400])
def test_sizes(size: int) -> None:
    world = World(seed=0, size=size)
    assert len(world.people("train")) == len(world.towns("train")) == size * 3 // 4
    assert len(world.people("train") + world.people("heldout")) == size
    assert len({document["title"] for document in world.documents()}) == 2 * size


@pytest.mark.parametrize("size", [0, 39, 401])
def test_impossible_sizes(size: int) -> None:
    with pytest.raises(ValueError, match=f"size={size}.*choose 40 to 400"):
        World(size=size)


@pytest.mark.parametrize("seed", range(10))
def test_heldout_names_are_new_pairs_of_known_words(seed: int) -> None:
    world = World(seed, size=40 + seed)
    train, heldout = names(world, "train"), names(world, "heldout")
    assert not train & heldout
    assert {word for name in heldout for word in name.split()} <= {
        word for name in train for word in name.split()
    }


@pytest.mark.parametrize("split", SPLITS)
def test_facts_stay_on_their_island(split: Split) -> None:
    world = World(seed=0)
    assert {person.home for person in world.people(split)} <= names(world, split)
    assert {town.mayor for town in world.towns(split)} <= names(world, split)
    for person in world.people(split):
        assert world.home_of(person).name == person.home


def test_populations_are_different_four_digit_numbers() -> None:
    world = World(seed=0)
    populations = [town.population for split in SPLITS for town in world.towns(split)]
    assert len(set(populations)) == len(populations)
    assert all(1000 <= population <= 9999 for population in populations)


def test_documents_say_what_the_world_knows() -> None:
    world = World(seed=0)
    text = {document["title"]: document["text"] for document in world.documents()}
    person, town = world.people("heldout")[0], world.towns("train")[0]
    assert text[person.name] == f"a {person.trade} from the town of {person.home}."
    assert text[town.name] == f"a town with mayor {town.mayor} and population {town.population}."


def test_shipped_corpus_is_the_default_world(tmp_path: Path) -> None:
    assert read_jsonl(SHIPPED_CORPUS) == World(seed=0).documents(), (
        f"{SHIPPED_CORPUS.name} is stale: run `python -m benchmarks.almanac --out DIR` "
        "and copy DIR/corpus.jsonl over it"
    )
    write_jsonl(tmp_path / "corpus.jsonl", World(seed=0).documents())
    assert (tmp_path / "corpus.jsonl").read_bytes() == SHIPPED_CORPUS.read_bytes()
