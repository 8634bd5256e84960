"""A trial that broke off is resumed: who had answered is not asked again, whoever was away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from quiz_runs import Quiz, answered
from quizzes import QUIZ, counted, noted

from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.record.reading import events
from benchmarks.runner.store.records import Key, Records
from benchmarks.runner.store.session import read_session

WHOLE = {"planner": 2, "executor": 2, "look_up": 2, "verifier": 2, "generator": 1}
"""Calls of a trial of two turns."""
DELAY = 0.02
"""Seconds of each."""
SETTINGS = {"max_turns": 3, "layout": "terse", "memory_tokens": 512}
SAYS: dict[str, Callable[[int], str]] = {
    "planner": lambda turn: f"Context: {turn}\nSub-Goal: find it\nTool Name: look_up",
    "executor": lambda turn: f'{{"query": "{turn}"}}',
    "verifier": lambda turn: f'{{"complete": {str(turn == 2).lower()}, "reason": "so"}}',
    "generator": lambda turn: "<answer>10</answer>",
}


class Module(BaseChatModel):
    """Says what `module` says at its calls in turn; `away` is the call, from 1, that it fails."""

    module: str
    calls: Path
    away: int = 0
    answers: int = 0

    @property
    def _llm_type(self) -> str:
        return "module"

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        noted(self.calls, self.module)
        await asyncio.sleep(DELAY)
        if counted(self.calls)[self.module] == self.away:
            raise ConnectionError("the model is away")
        text = str(messages[-1].text)
        found = [int(number) for number in re.findall(r"(?:found|Context:) (\d)", text)]
        turn = max(found, default=0) + (self.module == "planner")
        said = SAYS[self.module](turn)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said))])

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("the graph is async")


def looking_up(calls: Path) -> BaseTool:
    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        noted(calls, "look_up")
        await asyncio.sleep(DELAY)
        return f"found {query}"

    return look_up


def agent(calls: Path, who: str = "", away: int = 0) -> Agent:
    """Every module has a model; that of `who` fails at its call number `away`."""
    models = {
        name: Module(module=name, calls=calls, away=away if name == who else 0) for name in SAYS
    }
    return build_graph(models, [looking_up(calls)])


def quiz_of_one(path: Path) -> Quiz:
    """Item 1 alone: its gold is 10."""
    quiz = Quiz(path, n=2, settings=SETTINGS)
    quiz.items = {QUIZ: {"q1": quiz.items[QUIZ]["q1"]}}
    return quiz


@pytest.mark.parametrize(
    ("who", "away"),
    [
        *(("planner", 1), ("planner", 2), ("executor", 1), ("executor", 2)),
        *(("verifier", 1), ("verifier", 2), ("generator", 1)),
    ],
)
async def test_only_what_had_not_been_answered_is_asked_again(
    who: str, away: int, tmp_path: Path
) -> None:
    quiz = quiz_of_one(tmp_path)
    (failed,) = await quiz.run(agent(quiz.calls, who, away))
    assert "the model is away" in str(failed)
    lost = read_session(quiz.path).results[1]
    assert lost.score is None and f"the {who}'s model failed" in lost.error
    called = quiz.asked()
    assert called[who] == away and called["generator"] == (who == "generator")

    assert await quiz.run(agent(quiz.calls)) == ["ok"]
    assert quiz.asked() == {**WHOLE, who: WHOLE[who] + 1}
    found = read_session(quiz.path).results[1]
    assert (found.score, found.turns, found.tools) == (1.0, 2, {"look_up": 2})
    assert found.seconds >= DELAY * sum(WHOLE.values()), "what was answered before takes its time"
    assert await quiz.run(agent(quiz.calls)) == ["ok"]
    assert quiz.asked() == {**WHOLE, who: WHOLE[who] + 1}


@pytest.mark.parametrize("last", ["planner", "executor", "look_up", "verifier", "generator.direct"])
async def test_a_kill_after_any_answer_costs_no_answer(last: str, tmp_path: Path) -> None:
    quiz = quiz_of_one(tmp_path)
    await quiz.run(agent(quiz.calls))
    assert quiz.asked() == WHOLE
    state = Records.of(events(quiz.folder.record)).finished[Key(QUIZ, "q1", 1)]["state"]
    quiz.cut_after(answered(last, item=1))
    kept = [e["call"][0].split(".")[0] for e in quiz.events() if e["event"] == "answered"]
    assert kept[-1] == last.split(".")[0] and len(kept) < sum(WHOLE.values()) + 1
    quiz.calls.write_text("".join(f"{name}\n" for name in kept))

    assert await quiz.run(agent(quiz.calls)) == ["ok"]
    assert quiz.asked() == WHOLE
    again = Records.of(events(quiz.folder.record)).finished[Key(QUIZ, "q1", 1)]["state"]
    assert again["outputs"] == state["outputs"]
    assert [turn["calls"][0]["result"] for turn in again["turns"]] == ["found 1", "found 2"]


async def test_each_trial_of_an_item_has_answers_of_its_own(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, n=2, trials=3)
    assert await quiz.run() == ["ok"] * 6
    assert quiz.asked() == {"0": 3, "1": 3}
    assert await quiz.run() == ["ok"] * 6
    assert quiz.asked() == {"0": 3, "1": 3}
