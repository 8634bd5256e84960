"""A small benchmark, a planner and a judge that leave a trace of every call."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from instructing import shown
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool

from agentflow_graph.graph import Agent, build_graph
from benchmarks.items.item import Benchmark, Item
from benchmarks.runner.store.folder import Items, Request
from benchmarks.scoring.judge import Judge
from benchmarks.scoring.scorers import Reply, Score, exact

QUIZ, GOLD = "quiz", "something else"
_NUMBER = re.compile(r"number (\d+)")


def noted(path: Path, text: str) -> None:
    """Append a line that survives this process."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def counted(path: Path) -> Counter[str]:
    return Counter(path.read_text().split()) if path.exists() else Counter()


class NotingPlanner(BaseChatModel):
    """Asks `look_up` for the number in the question, and notes the number in `calls`."""

    calls: Path
    delay: float = 0.0
    says: str = ""
    """Before its plan."""
    fails: Callable[[int, int], bool] = lambda number, before: False
    """Of the question's number and of how often it was asked before."""

    @property
    def _llm_type(self) -> str:
        return "noting"

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        found = _NUMBER.search(str(messages[-1].text))
        assert found, messages
        number = found[1]
        before = counted(self.calls)[number]
        noted(self.calls, number)
        await asyncio.sleep(self.delay * (1 + int(number) % 5 / 5))
        if self.fails(int(number), before):
            raise RuntimeError("the model is away")
        plan = f"{self.says}Context: {number}\nSub-Goal: find it\nTool Name: look_up"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(plan))])

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("the graph is async")


class NotingJudgeModel(BaseChatModel):
    """Accepts only beside the gold of `quiz_items`; notes `3` for item 3, `3:control` for a decoy.

    `says` is what it says instead; without a time limit of the judge, `hangs` is for ever.
    """

    calls: Path
    says: str = ""
    hangs: bool = False

    @property
    def _llm_type(self) -> str:
        return "noting"

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        data = shown(str(messages[-1].content))
        found = _NUMBER.search(data["question"])
        assert found
        right = data["right_answers"] == [GOLD]
        noted(self.calls, found[1] if right else f"{found[1]}:control")
        await asyncio.sleep(60 if self.hangs else 0.01)
        said = self.says or f"So it is.\nVERDICT: {'CORRECT' if right else 'INCORRECT'}"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said))])

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("the runner is async")


def noting_judge(calls: Path, name: str = "judge", **how: Any) -> Judge:
    """A judge that notes every question it is asked; one that hangs is given little time."""
    seconds = 0.05 if how.get("hangs") else 60.0
    return Judge(NotingJudgeModel(calls=calls, **how), name, seconds)


@tool
async def look_up(query: str) -> str:
    """Look something up."""
    return f"item {query} has value {int(query) * 10}"


def quiz_agent(calls: Path, **how: Any) -> Agent:
    return build_graph({"planner": NotingPlanner(calls=calls, **how)}, [look_up])


def quiz_items(n: int) -> Items:
    """Every third one has a gold that the rule does not find in the answer."""
    golds = (str(i * 10) if i % 3 else GOLD for i in range(n))
    asked = (f"What is the value of number {i}?" for i in range(n))
    pairs = enumerate(zip(asked, golds, strict=True))
    return {QUIZ: {f"q{i}": Item(f"q{i}", question, (gold,)) for i, (question, gold) in pairs}}


def quiz_request(n: int, **more: Any) -> Request:
    settings = {"max_turns": 1, "layout": "terse", "memory_tokens": 512}
    given = {"trials": 1, "concurrency": 8, "settings": settings, **more}
    return Request("quiz", {QUIZ: "full"}, {QUIZ: n}, **given)


def quiz_benchmark(judged: bool = True) -> Benchmark:
    def score(item: Item, reply: Reply) -> Score:
        return exact(item.golds, reply)

    nothing: Any = None
    return Benchmark(
        name=QUIZ,
        title="Quiz",
        kind="search",
        hub="",
        split="",
        licence="MIT",
        rule="exact",
        official=nothing,
        rule_of=score,
        subsets={},
        judged=judged,
    )
