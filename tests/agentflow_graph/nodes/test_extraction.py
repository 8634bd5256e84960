"""Answers read off the memory by rule."""

from __future__ import annotations

import pytest

from agentflow_graph.nodes.parts.rules import best_effort, extract
from agentflow_graph.state import ToolCall, Turn


def turns(*results: str, status: str = "ok") -> list[Turn]:
    return [
        Turn(
            index=n,
            calls=[ToolCall(tool="t", arguments={}, status=status, result=r, seconds=0.0)],  # type: ignore[typeddict-item]
        )
        for n, r in enumerate(results, start=1)
    ]


HOME = "Mira Voss: a painter from the town of Old Harbor."
TOWN = "Old Harbor: a town with mayor Luis Osman and population 4821."


@pytest.mark.parametrize(
    ("question", "results", "answer"),
    [
        ("What is the population of Old Harbor?", [TOWN], "4821"),
        ("Who is the mayor of Old Harbor?", [TOWN], "Luis Osman"),
        ("Who is the mayor of the town where Mira Voss lives?", [HOME], None),
        ("Who is the mayor of the town where Mira Voss lives?", [HOME, TOWN], "Luis Osman"),
        ("In which town does Mira Voss live?", [HOME], "Old Harbor"),
        ("What is 4738 * 37?", ["175306"], "175306"),
        ("What is 4738 * 37?", ["about 175306"], None),
        ("What is the population of Old Harbor minus 21?", [TOWN], None),
        ("What is the population of Old Harbor minus 21?", [TOWN, "4800\n"], "4800"),
        ("What temperature is it?", ["The temperature is 11, and 1,250, too"], "11"),
        ("Tell me.", ["anything"], None),
        ("Which (odd[ is it?", ["odd 3"], None),
    ],
)
def test_extract(question: str, results: list[str], answer: str | None) -> None:
    assert extract(question, turns(*results)) == answer


def test_failed_calls_hold_no_answer() -> None:
    found = turns(TOWN, status="error")
    assert extract("What is the population of Old Harbor?", found) is None
    assert best_effort("What is the population of Old Harbor?", found) == "unknown"


def test_best_effort_falls_back_to_the_latest_result() -> None:
    assert best_effort("Tell me.", turns("a", "b")) == "b"
    assert best_effort("Tell me.", []) == "unknown"
