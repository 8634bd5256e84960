"""Rewards of recorded runs anew, without the judge that gave them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from agentflow_graph.record import Record, RecordedRun, Scope, read
from agentflow_graph.record.run import on_behalf_of
from agentflow_graph.state import State
from rl.reward import reward_of
from rl.reward.task import Task
from rl.run.saved.grades import graded_anew, recalled
from rl.settings.measures import RewardSettings

TASK = Task("q", "Who is the mayor of Old Harbor?", ("Mira Voss",))
STATE = State(question=TASK.question, answer="M. Voss")
JUDGED = RewardSettings(kind="judge", judge="openai:judge")
YES, NO = "They agree.\nVERDICT: CORRECT", "They differ.\nVERDICT: INCORRECT"


def judged(folder: Path, monkeypatch: pytest.MonkeyPatch, *verdicts: str) -> RecordedRun:
    """A run whose answer a judge has graded, as it stands on record."""
    messages = (AIMessage(v, response_metadata={"finish_reason": "stop"}) for v in verdicts)
    with monkeypatch.context() as patch:
        model = GenericFakeChatModel(messages=messages)
        patch.setattr("benchmarks.scoring.judge.chat_model", lambda *_: model)
        reward = reward_of(JUDGED)
    record = Record(folder)
    run = record.run("q/0/0")

    async def grade() -> None:
        with on_behalf_of(Scope(run, 0, "judge")):
            await reward(TASK, STATE)
        await run.end(STATE)

    asyncio.run(grade())
    record.close()
    return read(folder)["q/0/0"]


def anew(run: RecordedRun) -> float | None:
    reward = recalled(JUDGED, trusted=False)
    assert reward is not None
    return asyncio.run(graded_anew(TASK, run, reward)).value


def test_a_judges_verdicts_are_recalled_and_what_follows_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert anew(judged(tmp_path / "yes", monkeypatch, YES, NO)) == 1.0
    assert anew(judged(tmp_path / "both", monkeypatch, YES, YES)) == 0.0, "it accepts anything"
    assert anew(judged(tmp_path / "no", monkeypatch, NO)) == 0.0


def test_a_verdict_that_is_gone_is_not_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = judged(tmp_path, monkeypatch, YES, NO)
    run.calls.pop()
    assert anew(run) is None


def test_a_function_is_called_only_where_it_is_trusted() -> None:
    settings = RewardSettings(kind="os.path:join")
    assert recalled(settings, trusted=False) is None
    assert recalled(settings, trusted=True) is not None
