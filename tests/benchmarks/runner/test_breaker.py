"""A run most of whose trials fail pauses, tries, stops, and goes on where it stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from quiz_runs import Quiz

from agentflow_graph.graph import build_graph
from benchmarks.errors import RunStopped, TrialFailed
from benchmarks.runner.breaker import WINDOW, Breaker

N, PAUSES = 40, (0.01, 0.02)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.runner.breaker.PAUSES", PAUSES)


async def test_a_server_that_is_away_stops_the_run_which_resumes(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, n=N)
    outcomes = await quiz.run(fails=lambda number, before: True)
    failed = [one for one in outcomes if isinstance(one, TrialFailed)]
    stopped = [one for one in outcomes if isinstance(one, RunStopped)]
    assert len(failed) == quiz.asked().total() == WINDOW + len(PAUSES)
    assert len(stopped) == N - len(failed)
    assert "more than 50 % of the last 20 trials failed, and 2 tries" in str(stopped[0])
    assert await quiz.run() == ["ok"] * N


async def test_one_that_comes_back_costs_pauses_alone(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, n=N)
    outcomes = await quiz.run(at_once=True, fails=lambda number, before: number < WINDOW + 1)
    assert outcomes.count("ok") == N - WINDOW - 1
    assert not [one for one in outcomes if isinstance(one, RunStopped)]


async def test_few_failures_pause_nothing() -> None:
    breaker = Breaker(0.5, (60.0,))
    async with asyncio.timeout(5):
        for number in range(100):
            async with breaker.turn() as end:
                end.failed = number % 2 == 0


async def test_the_baseline_may_think_step_by_step(tmp_path: Path) -> None:
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage, BaseMessage

    heard: list[str] = []

    class Listening(GenericFakeChatModel):
        def _generate(self, messages: list[BaseMessage], *given: object, **how: object):  # type: ignore[no-untyped-def, override]
            heard.append(str(messages[-1].content))
            return super()._generate(messages)

    model = Listening(messages=iter([AIMessage("10"), AIMessage("10")]))
    for form in ("direct", "cot"):
        settings = {"outputs": "base", "generator": "given"}
        quiz = Quiz(tmp_path / form, n=1, baseline=form, settings=settings)
        agent = build_graph({"planner": model, "generator": model}, [])
        await quiz.run(agent)
    direct, thinking = heard
    assert thinking == f"{direct}\n\nThink step by step before you answer."
