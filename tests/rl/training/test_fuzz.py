"""Malformed planner replies: no crash, nothing executed, each one a typed record."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
from launched import run_program
from mutations import MUTATIONS, RECORDED, malformed

from agentflow_graph.replies.plan import parse_plan

TOOLS = ("python_coder", "wikipedia_search", "base_generator")


@pytest.mark.parametrize("recorded", RECORDED)
def test_the_seeds_are_plans(recorded: str) -> None:
    assert parse_plan(recorded, TOOLS).tool in TOOLS


def test_the_texts_are_the_same_every_time_and_no_two_alike() -> None:
    once, again = (list(islice(malformed(7), 2_000)) for _ in range(2))
    assert once == again
    assert len(set(once)) > 0.9 * len(once)
    assert len({text[:40] for text in once}) > 500
    assert len(MUTATIONS) == 15


def fuzzed(replies: int, seed: int) -> None:
    """The program itself holds each turn's record against what the tools were called with."""
    done = run_program("tests/rl/programs/fuzzed.py", str(replies), str(seed))
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["heard"] == []
    assert found["control"] >= 2, "the hook must hear a compiled text and a written file"
    assert found["replies"] - found["planned"] >= replies
    assert found["planned"] > replies / 10, "some broken replies are plans still: tools were called"


def test_malformed_replies_do_nothing_and_are_recorded() -> None:
    fuzzed(300, seed=7)


@pytest.mark.integration
def test_so_do_ten_thousand() -> None:
    with ThreadPoolExecutor(2) as pool:  # a program takes one core
        list(pool.map(fuzzed, (5_000, 5_000), (7, 1007)))
