"""Every prompt against a snapshot, so that a change of wording is seen and meant.

To renew them after a change that is meant:

    RENEW_SNAPSHOTS=1 python -m pytest tests/agentflow_graph/test_prompts.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage

from agentflow_graph.prompts import texts
from agentflow_graph.state import Turn

HERE = Path(__file__).parent / "snapshots"
QUESTION = "What is the population of Old Harbor?"
CARDS = {"look_up": "look_up: Looks up.\n  arguments:\n    query (string)", "add": "add: Adds."}
MEMORY = "Step 1\n  Sub-goal: find\n  Tool: look_up(x)\n  Result: nothing\n"
TURN = Turn(index=1, sub_goal="find", tool="look_up", context="Old Harbor")
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
PROMPTS = {
    **{
        f"planner-{layout}": texts.planner(layout, QUESTION, "Easy.", CARDS, MEMORY, 9)
        for layout in ("terse", "static_first", "paper")
    },
    "planner-first-turn": texts.planner("static_first", QUESTION, "", CARDS, "", 10),
    "planner-terse-first-turn": texts.planner("terse", QUESTION, "", CARDS, "", 10),
    "analysis": texts.analysis(QUESTION, CARDS),
    "executor": texts.executor(QUESTION, TURN, "Looks up.", SCHEMA),
    "verifier": texts.verifier(QUESTION, "Easy.", MEMORY),
    "direct": texts.direct(QUESTION, MEMORY),
    "final": texts.final(QUESTION, MEMORY),
    "base": texts.base(QUESTION),
    "repair": texts.repair(texts.base(QUESTION), "what?", "the reply has no tool"),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_prompt_equals_its_snapshot(name: str) -> None:
    text = written(PROMPTS[name])
    path = HERE / f"{name}.txt"
    if os.environ.get("RENEW_SNAPSHOTS"):
        path.write_text(text)
    assert path.read_text() == text


def test_no_snapshot_is_left_over() -> None:
    assert {path.stem for path in HERE.glob("*.txt")} == set(PROMPTS)


def test_what_changes_every_turn_comes_last() -> None:
    first = written(texts.planner("static_first", QUESTION, "Easy.", CARDS, MEMORY, 9))
    later = written(texts.planner("static_first", QUESTION, "Easy.", CARDS, MEMORY * 2, 8))
    shared = os.path.commonprefix([first, later])
    assert MEMORY in shared


def written(messages: list[BaseMessage]) -> str:
    return "".join(f"--- {message.type}\n{message.text}\n" for message in messages)
