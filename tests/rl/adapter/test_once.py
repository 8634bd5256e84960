"""A worker that is thrown away in the middle: the next one asks only what was not answered.

That holds for the planner, for frozen modules, for a tool and the model inside it, and for the
judge, wherever the first worker was cut off.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool

from agentflow_graph.context import Context
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling
from agentflow_graph.models.recorded import RecordedModel
from agentflow_graph.models.strings import NANO
from rl.adapter.workers.worker import Batch, GraphWorker, Limits
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.record import TrainingRecord, rows
from rl.settings.config import RewardSettings

TASK = Task("t", "Who is the mayor of Old Harbor?", ("Mira Voss",))
CONTEXT = Context(
    layout="terse", max_turns=5, repairs=0, passages=1, executor="executor", verifier="verifier"
)
TURN = ["planner", "executor", "tool", "tool model", "tool end", "verifier"]
WHOLE = [*TURN, *TURN, "judge", "judge"]
"""Who is asked in a run: the verifier goes on once, the judge's yes is put to the test."""
IN_TOOL = ("tool model", "tool end")


class Asked:
    """Who was asked, in order; from one moment on nobody is answered."""

    def __init__(self, dies_at: int = 10**9) -> None:
        self.dies_at = dies_at
        self.log: list[str] = []
        self.lost: Counter[str] = Counter()
        self.dead = asyncio.Event()

    async def __call__(self, who: str) -> None:
        self.log.append(who)
        await asyncio.sleep(0)
        if len(self.log) > self.dies_at:
            self.lost[who] += 1
            self.dead.set()
            await asyncio.Event().wait()


class Frozen(BaseChatModel):
    """A frozen model, or the judge's: says what its part asks for."""

    who: str
    asked: Any

    @property
    def _llm_type(self) -> str:
        return "frozen"

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        await self.asked(self.who)
        message = AIMessage(self._reply(str(messages[-1].content)))
        message.usage_metadata = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _reply(self, prompt: str) -> str:
        if self.who == "executor":
            return '{"query": "Old Harbor"}'
        if self.who == "verifier":
            complete = prompt.count("Mira Voss") > 1
            return f'{{"complete": {str(complete).lower()}, "reason": "so it seems"}}'
        if self.who == "judge":
            return f"As shown.\nVERDICT: {'' if prompt.count('Mira Voss') > 1 else 'IN'}CORRECT"
        return "Old Harbor: a town with mayor Mira Voss."

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError("asked in coroutines only")


def tool_of(asked: Asked) -> BaseTool:
    model = RecordedModel(inner=Frozen(who="tool model", asked=asked), name="frozen")

    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        await asked("tool")
        found = await model.ainvoke(query)
        await asked("tool end")
        return str(found.text)

    return look_up


class Engine:
    """Answers with a plan in tokens that are never the same twice."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.plan = PolicyTokenizer.load(NANO).encode("Sub-Goal: look\nTool Name: look_up")
        self.given: list[list[int]] = []
        self.generate_ids = SimpleNamespace(remote=self._answer)

    async def _answer(self, prompt_ids: list[int], sampling: Sampling, eos: int) -> Completion:
        await self.asked("planner")
        noise = [random.randrange(5, 200) for _ in range(8)]
        context = PolicyTokenizer.load(NANO).encode("Context: Old Harbor\nJustification: ")
        ids = [*context, *noise, *PolicyTokenizer.load(NANO).encode("\n"), *self.plan, eos]
        self.given.append(ids)
        return Completion(ids, [-random.random() for _ in ids], "stop", 3)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Asked], Any]:
    """A new worker, and its engine, on the same record; all that it asks is told to `asked`."""

    def make(asked: Asked) -> tuple[GraphWorker, Engine]:
        def model(spec: str, *_: Any) -> BaseChatModel:
            return Frozen(who=spec, asked=asked)

        monkeypatch.setattr("agentflow_graph.nodes.parts.modules.chat_model", model)
        monkeypatch.setattr("benchmarks.scoring.judge.chat_model", model)
        monkeypatch.setattr("rl.adapter.workers.worker.load_tools", lambda *_: [tool_of(asked)])
        engine = Engine(asked)
        limits = Limits(deadline=60, grace=1, retries=0, in_flight=256, window=2048)
        reward = RewardSettings(kind="judge", judge="judge")
        record = TrainingRecord(tmp_path / "record")
        made = GraphWorker([engine], str(NANO), CONTEXT, limits, record, reward)
        return made, engine

    return make


async def until_dead(worker: GraphWorker, asked: Asked, batch: Batch) -> None:
    """Let a worker work until nobody is answered, and throw it away."""
    cut_off = asyncio.create_task(worker.run_group(TASK, batch))
    await asyncio.wait_for(asked.dead.wait(), 60)
    await asyncio.sleep(0.05)
    cut_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut_off


def one_outcome(runs: list[Trajectory]) -> tuple[Any, ...]:
    """What every run must come to, however often it was cut off."""
    (found,) = {
        (run.failure, run.reward, run.grade.tokens, len(run.actions), run.state["answer"])
        for run in runs
        if run.grade
    }
    return found


WANTED = ("", 1.0, 14, 2, "Mira Voss")


@pytest.mark.parametrize("moment", range(len(WHOLE) + 1), ids=[*WHOLE, "nobody"])
async def test_only_what_was_under_way_is_asked_again(
    worker: Any, tmp_path: Path, moment: int
) -> None:
    batch = Batch("train-00001", 1, Sampling(1.0, 64))
    first, second = Asked(moment), Asked()
    thrown_away, before = worker(first)
    if moment == len(WHOLE):
        await thrown_away.run_group(TASK, batch)
    else:
        await until_dead(thrown_away, first, batch)
    assert first.log == WHOLE[: moment + 1]
    resumed, after = worker(second)
    runs = await resumed.run_group(TASK, batch)
    again = ["tool"] if moment < len(WHOLE) and WHOLE[moment] in IN_TOOL else []
    assert second.log == again + WHOLE[moment:]
    assert one_outcome(runs) == WANTED
    ids = [action.token_ids for action in runs[0].actions]
    assert ids == before.given + after.given, "the first worker's as far as it came"
    (row,) = rows(tmp_path / "record")
    told = [call["token_ids"] for turn in row["state"]["turns"] for call in turn["planner"]]
    assert told == ids


@pytest.mark.parametrize("moment", [1, 7, 18, 29, 41, 53])
async def test_many_runs_at_once_ask_nothing_twice(worker: Any, moment: int) -> None:
    batch = Batch("train-00001", 4, Sampling(1.0, 64))
    first, second = Asked(moment), Asked()
    thrown_away, before = worker(first)
    await until_dead(thrown_away, first, batch)
    resumed, after = worker(second)
    runs = await resumed.run_group(TASK, batch)
    assert one_outcome(runs) == WANTED
    for who in ("planner", "executor", "tool model", "verifier", "judge"):
        answered = first.log.count(who) - first.lost[who]
        assert answered + second.log.count(who) == 4 * WHOLE.count(who), who
    given = sorted(before.given + after.given)
    assert sorted(action.token_ids for run in runs for action in run.actions) == given
