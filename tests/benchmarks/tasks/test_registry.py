"""The registry and its subsets: sizes, lists of fingerprints, what the paper reports."""

import re
from itertools import combinations_with_replacement, pairwise

import pytest

from agentflow_graph.errors import SettingError
from benchmarks.items.data import load
from benchmarks.items.item import Benchmark, Item
from benchmarks.items.subsets import by_fingerprint, fingerprints, first
from benchmarks.tasks.registry import benchmark, registry

PAPER = {"Qwen2.5-7B-Inst", "GPT-4o", "AutoGen", "AgentFlow no RL", "AgentFlow + Flow-GRPO"}
SIZES = {
    # task: agentflow, full of the original's file, full of the data set
    "bamboogle": (125, 125, 125),
    "2wiki": (100, 200, 12_576),
    "hotpotqa": (100, 100, 7_405),
    "musique": (100, 200, 2_417),
    "gaia": (127, 127, 127),
    "aime24": (30, 30, 30),
    "amc23": (40, 40, 40),
    "gameof24": (100, 300, 1_362),
    "gpqa": (100, 300, 448),
    "medqa": (100, 300, 1_273),
}
LISTED = [
    ("2wiki", "agentflow"),
    ("hotpotqa", "agentflow"),
    ("musique", "agentflow"),
    ("medqa", "agentflow"),
    ("gameof24", "agentflow"),
    ("gameof24", "tot-900-1000"),
]


def test_the_tasks() -> None:
    more = ["gaia-files", "gpqa-diamond", "almanac", "almanac-hard"]
    assert list(registry()) == [*SIZES, *more]
    assert all(name == each.name for name, each in registry().items())


@pytest.mark.parametrize("task", SIZES)
def test_subsets_have_the_sizes_of_the_paper_and_of_the_data_sets(task: str) -> None:
    subsets = registry()[task].subsets
    assert {part.size for part in subsets["agentflow"].values()} == {SIZES[task][0]}
    assert subsets["full"]["original"].size == SIZES[task][1]
    assert subsets["full"]["official"].size == SIZES[task][2]


@pytest.mark.parametrize("task", SIZES)
def test_the_papers_figures_and_the_checksum_are_there(task: str) -> None:
    each = registry()[task]
    assert set(each.paper) == PAPER
    assert all(0 < figure < 100 for figure in each.paper.values())
    assert re.fullmatch("[0-9a-f]{64}", each.sha256)


def test_only_gaia_and_gpqa_are_gated_and_have_no_fingerprints() -> None:
    gated = [name for name, each in registry().items() if each.gated]
    assert gated == ["gaia", "gpqa", "gaia-files", "gpqa-diamond"]
    for name in ("gaia", "gpqa"):
        with pytest.raises(KeyError):
            fingerprints(name, "agentflow")


@pytest.mark.parametrize(("task", "name"), LISTED)
def test_lists_are_a_hundred_different_hashes(task: str, name: str) -> None:
    found = fingerprints(task, name)
    assert len(found) == len(set(found)) == 100
    assert all(re.fullmatch("[0-9a-f]{12}", each) for each in found)


def puzzles(of: Benchmark) -> list[Item]:
    """Every four cards; without a search for solutions."""
    cards = combinations_with_replacement(range(1, 14), 4)
    return [of.official({"numbers": list(four), "solutions": ["?"]}) for four in cards]


def test_the_papers_puzzles_are_the_first_in_order() -> None:
    items = by_fingerprint("gameof24", "agentflow").choose(puzzles(registry()["gameof24"]))
    assert len(items) == 100
    assert all(a.numbers < b.numbers for a, b in pairwise(items))
    assert {item.numbers[:2] for item in items} == {(1, 1), (1, 2)}


def test_the_puzzles_of_tree_of_thoughts_all_have_a_solution() -> None:
    game = registry()["gameof24"]
    items = by_fingerprint("gameof24", "tot-900-1000").choose(puzzles(game))
    assert items[0].numbers == (4, 5, 6, 10)
    assert items[-1].numbers == (4, 9, 10, 13)
    solved = [game.official({"Puzzles": " ".join(map(str, item.numbers))}) for item in items]
    assert len(solved) == 100
    assert all(game.score(item, item.golds[0]).value == 1.0 for item in solved)


def test_a_listed_subset_keeps_the_order_of_the_list_and_leaves_out_the_rest() -> None:
    first_two = [f"medqa-{name}" for name in fingerprints("medqa", "agentflow")[:2]]
    items = [Item(name, "?", ("x",)) for name in ["medqa-other", *reversed(first_two)]]
    assert [item.id for item in by_fingerprint("medqa", "agentflow").choose(items)] == first_two
    assert [item.id for item in first(1).choose(items)] == ["medqa-other"]


def test_the_almanac_needs_no_data() -> None:
    items = load(benchmark("almanac"), "full", None)
    assert len(items) == len({item.id for item in items}) == 300
    assert items == load(benchmark("almanac"), "agentflow", None)
    assert {item.level for item in items} == {
        "arithmetic",
        "one_hop",
        "two_hops",
        "fact_arithmetic",
        "two_hops_arithmetic",
    }
    # The planner that ships was trained with bare questions.
    assert all("<answer>" not in item.question for item in items)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(SettingError, match="'bambogle' is unknown.*did you mean 'bamboogle'"):
        benchmark("bambogle")
    with pytest.raises(SettingError, match="no subset 'ful'.*did you mean 'full'"):
        benchmark("medqa").subset("ful")


def test_the_hard_almanac_has_twins_in_clean_articles_and_a_bare_form() -> None:
    hard = benchmark("almanac-hard")
    usual, bare, full = (load(hard, name, None) for name in ("agentflow", "bare", "full"))
    assert (len(usual), len(full)) == (420, 1260) and full[:420] == usual
    assert [each.id for each in bare] == [each.id for each in usual]
    assert all("<answer>" in each.question for each in usual)
    assert all("\n" not in each.question for each in bare)
    by_id = {each.id: each for each in usual}
    twins = [each for each in usual if each.twin]
    assert len(twins) == 70 and {each.level for each in twins} == {"H8 clean", "H9 clean"}
    for twin in twins:
        own = by_id[twin.twin]
        assert (twin.question, twin.golds, twin.hops) == (own.question, own.golds, own.hops)
        assert (own.settings["corpus"], twin.settings["corpus"]) == (
            "almanac-hard",
            "almanac-hard-clean",
        )
