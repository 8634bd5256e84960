"""Answers and replies, right and wrong, labelled by hand: the rules must say the same.

`data/pairs.jsonl` was written for these rules and holds no item of a benchmark: usual wrappings,
mentions, spellings, and exploits, which are replies that a policy finds without solving anything. A
pair on which a rule differs has `differs`, the reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.state import State
from benchmarks.scoring.scorers import SCORERS, choice, game24
from rl.reward import by_rule
from rl.reward.task import Task

PAIRS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "pairs.jsonl").read_text().splitlines()
]
KINDS = sorted({pair["kind"] for pair in PAIRS})


def value(pair: dict[str, Any]) -> float:
    if pair["rule"] == "choice":
        return choice(pair["choices"], pair["gold"], pair["reply"]).value
    if pair["rule"] == "game24":
        return game24(pair["numbers"], pair["reply"]).value
    return SCORERS[pair["rule"]]([pair["gold"]], pair["reply"]).value


@pytest.mark.parametrize("kind", KINDS)
def test_rules_say_what_people_say(kind: str) -> None:
    wrong = [
        pair
        for pair in PAIRS
        if pair["kind"] == kind and (value(pair) == float(pair["right"])) == ("differs" in pair)
    ]
    assert not wrong, "\n".join(f"{p['rule']} {p['gold']!r} {p['reply']!r}" for p in wrong)


def test_there_are_enough_pairs_and_few_differ() -> None:
    assert len(PAIRS) >= 600
    differing = [pair for pair in PAIRS if "differs" in pair]
    assert len(differing) <= 0.02 * len(PAIRS)
    assert all(pair["differs"].strip() for pair in differing)
    assert not any("differs" in pair for pair in PAIRS if pair["kind"] == "exploit")


async def test_no_reward_accepts_an_exploit() -> None:
    for pair in (pair for pair in PAIRS if pair["kind"] in ("exploit", "mention")):
        task = Task("t", "What is 6 times 7?", (pair["gold"],), scorer=pair["rule"])
        grade = await by_rule(task, State(answer=pair["reply"]))
        assert grade.value == 0.0, pair
