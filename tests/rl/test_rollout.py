"""A rollout is one run of the real graph; what cannot be judged is a failure, never a zero."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from kept import answer, ended
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.tools import tool

from agentflow_graph.context import Context
from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer
from agentflow_graph.models.recorded import RecordedModel
from agentflow_graph.record import Record, RecordError
from agentflow_graph.record.events import Answer
from agentflow_graph.state import ModelCall, State
from rl.reward import Grade
from rl.reward.blame import fault_of
from rl.reward.task import Task
from rl.rollout import (
    Action,
    Trajectory,
    attempt_until_graded,
    finished_runs,
    grade_run,
    rollout,
    run_name,
)
from tools.base import TypedTool
from tools.base_generator import BaseGenerator, Query
from tools.outcomes.result import ToolResult, ok
from tools.services.faults import RemoteFault

TASK = Task("t1", "What is the population of Old Harbor?", ("4821",), "one_hop")
CONTEXT = Context(layout="terse", max_turns=2, repairs=0)
GOOD = "Context: Old Harbor\nSub-Goal: find the facts\nTool Name: look_up"
LIGHT = set(ModelCall.__annotations__)
ASTRAY = "Context: New Hill\nSub-Goal: find the facts\nTool Name: look_up"


@tool
async def look_up(query: str) -> str:
    """Look something up."""
    number = 4821 if query == "Old Harbor" else 12
    return f"{query}: a town with mayor Mira Voss and population {number}."


@pytest.fixture
def agent(tokenizer: PolicyTokenizer) -> Callable[[Any], Agent]:
    def make(client: Any) -> Agent:
        planner = PolicyModel(client=client, tokenizer=tokenizer)
        return build_graph({"planner": planner}, [look_up])

    return make


async def test_the_actions_are_what_the_policy_sampled(agent: Any, policy: Any) -> None:
    client = policy("no plan at all", GOOD)
    run = await rollout(agent(client), TASK, CONTEXT, deadline=20)
    assert (run.reward, run.failure, run.task) == (1.0, "", TASK)
    assert [action.prompt_ids for action in run.actions] == client.asked
    sampled = [
        (action.token_ids, action.logprobs, action.policy_version, action.finish_reason)
        for action in run.actions
    ]
    assert sampled == [
        (given.token_ids, given.logprobs, given.policy_version, given.finish_reason)
        for given in client.given
    ]
    assert len(run.actions) == len(run.state["turns"]) == 2
    assert 0 < run.seconds < 20


async def test_every_repair_is_an_action_too(agent: Any, policy: Any) -> None:
    context = CONTEXT.model_copy(update={"repairs": 1})
    run = await rollout(agent(policy("no plan", GOOD)), TASK, context, deadline=20)
    assert (len(run.actions), len(run.state["turns"]), run.reward) == (2, 1, 1.0)


@pytest.mark.parametrize("reply", [ASTRAY, "no plan at all", ""])
async def test_a_wrong_answer_is_judged_wrong(agent: Any, policy: Any, reply: str) -> None:
    run = await rollout(agent(policy(reply)), TASK, CONTEXT, deadline=20)
    assert (run.reward, run.failure) == (0.0, "")


async def test_a_run_beyond_its_deadline_has_failed(agent: Any, policy: Any) -> None:
    run = await rollout(agent(policy(5.0)), TASK, CONTEXT, deadline=0.2)
    assert (run.reward, run.actions) == (None, [])
    assert (run.fault, run.by_world) == ("world", True)
    assert "s were spent waiting for models: the planner's model" in run.failure
    assert 0.2 <= run.seconds < 2


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ([ModelError("engine gone")], "engine gone"),
        (["no plan at all", ModelError("engine gone")], "engine gone"),
        ([PromptTooLong("no room")], "no room"),  # the question's doing, at the first prompt
    ],
)
async def test_what_is_not_the_planners_doing_fails_the_run(
    agent: Any, policy: Any, replies: list[Any], why: str
) -> None:
    """Also after a first turn that was fine: half a trajectory is not a wrong answer."""
    run = await rollout(agent(policy(*replies)), TASK, CONTEXT, deadline=20)
    assert (run.reward, run.actions, run.fault) == (None, [], "world")
    assert why in run.failure


async def test_a_prompt_that_the_planner_flooded_ends_in_an_answer_and_is_graded(
    agent: Any, policy: Any
) -> None:
    """Else the runs that fill their memory would vanish, and the others be learned from."""
    client = policy("no plan", PromptTooLong("no room"))
    context = CONTEXT.model_copy(update={"max_turns": 3})
    run = await rollout(agent(client), TASK, context, deadline=20)
    assert (run.reward, run.failure, run.fault) == (0.0, "", "policy")
    assert [action.token_ids for action in run.actions] == [client.given[0].token_ids]
    assert "no room" in run.state["error"]


@pytest.mark.parametrize(
    ("replies", "turns", "fault", "reward"),
    [([GOOD], 2, "", 1.0), ([ASTRAY], 2, "", 0.0), (["no plan"], 2, "policy", 0.0)],
)
async def test_who_runs_out_of_turns_is_graded_with_whose_fault_it_is(
    agent: Any, policy: Any, replies: list[Any], turns: int, fault: str, reward: float
) -> None:
    context = CONTEXT.model_copy(update={"max_turns": turns})
    run = await rollout(agent(policy(*replies)), TASK, context, deadline=20)
    assert (run.fault, run.reward, run.failure) == (fault, reward, "")


@tool
async def sleep(query: str) -> str:
    """Take long."""
    await asyncio.sleep(float(query))
    return "well rested"


@pytest.mark.parametrize("deadline", [0.6, 300.0])
async def test_seconds_that_a_tool_took_are_the_planners_and_end_in_an_answer(
    tokenizer: PolicyTokenizer, policy: Any, deadline: float
) -> None:
    """Whether the graph's own budget or the deadline of the rollout is the shorter one."""
    client = policy("Context: 30\nSub-Goal: rest\nTool Name: sleep")
    planner = PolicyModel(client=client, tokenizer=tokenizer)
    graph = build_graph({"planner": planner}, [sleep])
    context = CONTEXT.model_copy(update={"max_seconds": min(deadline, 0.6)})
    run = await rollout(graph, TASK, context, deadline)
    assert (run.reward, run.failure, run.fault) == (0.0, "", "policy")
    assert (run.state["stopped_by"], len(run.actions)) == ("seconds", 1)
    assert run.seconds < 5


async def test_many_turns_of_a_slow_server_that_fill_the_time_are_not_the_planners_fault(
    agent: Any, policy: Any
) -> None:
    """None of them took half of the time: its turns are bounded by `max_turns`, and by that alone.

    A training whose processors somebody else took had such runs told as wrong answers.
    """
    context = CONTEXT.model_copy(update={"max_turns": 500, "max_seconds": 1.0})
    run = await rollout(agent(policy(*[0.3] * 500)), TASK, context, deadline=1.0)
    assert (run.reward, run.fault, run.actions) == (None, "world", [])
    assert len(run.state["turns"]) > 2
    assert "of 1 s, " in run.failure
    assert "were spent waiting for models" in run.failure


class Waiting(GenericFakeChatModel):
    """A chat model whose server is slow from a call on."""

    async def _agenerate(self, *given: Any, **how: Any) -> Any:
        await asyncio.sleep(30)


async def test_a_tool_that_waits_for_a_server_is_not_the_planners_fault(
    tokenizer: PolicyTokenizer, policy: Any
) -> None:
    slow = RecordedModel(inner=Waiting(messages=iter([])), name="slow")
    client = policy("Context: a word\nSub-Goal: find it\nTool Name: base_generator")
    planner = PolicyModel(client=client, tokenizer=tokenizer)
    graph = build_graph({"planner": planner}, [BaseGenerator(model=slow)])
    run = await rollout(graph, TASK, CONTEXT.model_copy(update={"max_turns": 9}), deadline=0.8)
    assert (run.reward, run.fault, run.state["stopped_by"]) == (None, "world", "seconds")
    assert "waiting for models" in run.failure


async def test_a_service_that_is_away_fails_the_run_and_its_word_is_not_remembered(
    tokenizer: PolicyTokenizer, policy: Any, tmp_path: Path
) -> None:
    """The planner reads that it is away and goes on; but that is true of no other moment."""
    away = [True]

    class LookUp(TypedTool):
        name: str = "look_up"
        description: str = "Look something up."
        args_schema: Any = Query

        async def answer(self, query: str) -> ToolResult:
            if away[0]:
                return RemoteFault("the service is out of order", retry=True).result()
            return ok(f"{query}: a town with population 4821.")

    client = policy(GOOD)
    planner = PolicyModel(client=client, tokenizer=tokenizer)
    graph = build_graph({"planner": planner}, [LookUp()])
    record = Record(tmp_path)
    name = run_name("b", TASK, 0, 0)
    first = await rollout(graph, TASK, CONTEXT, 20, run=record.run(name))
    assert (first.reward, first.fault) == (None, "world")
    assert first.failure == "the service of look_up was away: the service is out of order"
    assert [turn["calls"][0]["status"] for turn in first.state["turns"]] == ["unavailable"] * 2
    record.write(first.outcome_event("b", 0))
    asked, away[0] = len(client.asked), False
    later = Record(tmp_path)
    assert finished_runs(later) == {}
    again = await rollout(graph, TASK, CONTEXT, 20, run=later.run(name))
    assert (again.reward, again.failure) == (1.0, "")
    assert len(client.asked) == asked, "what the planner had said is still known"


async def test_what_the_graph_refuses_fails_the_run(agent: Any, policy: Any) -> None:
    run = await rollout(agent(policy(GOOD)), Task("t", " ", ("x",)), CONTEXT, deadline=20)
    assert (run.reward, run.failure.split(":")[0]) == (None, "QuestionError")
    assert run.fault == "world"


CALL = answer(Action([1], [5, 2], [-0.1, -0.2], 3, "stop"))


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ([], "no planner call"),
        ([CALL, {"text": "hello"}], "planner call 2 has no token ids"),
        ([{**CALL, "prompt_ids": []}], "planner call 1 has no token ids"),
        ([{**CALL, "logprobs": [-0.1]}], "2 tokens but 1 log-probabilities"),
        ([{k: v for k, v in CALL.items() if k != "logprobs"}], "2 tokens but 0 log-prob"),
    ],
)
async def test_a_broken_record_is_a_failure(calls: list[Answer], why: str) -> None:
    run = await grade_run(TASK, *ended(TASK, "4821", calls=calls), 1.0)
    assert why in run.failure
    assert (run.reward, run.actions) == (None, [])
    assert not fault_of([CALL])


async def test_a_run_that_ended_in_an_error_is_a_failure_with_its_reason() -> None:
    gone = ended(TASK, "4821", stopped_by="error", error="server gone")
    run = await grade_run(TASK, *gone, 1.0)
    assert (run.reward, run.failure) == (None, "server gone")


@pytest.mark.parametrize(("retries", "runs"), [(0, 1), (1, 2), (2, 3), (9, 3)])
async def test_a_failed_run_is_run_again_until_it_is_judged(retries: int, runs: int) -> None:
    outcomes = [Trajectory(TASK, failure="a"), Trajectory(TASK, failure="b")]
    outcomes += [Trajectory(TASK, reward=0.0)] * 9
    given = iter(outcomes)
    seen: list[tuple[str, int]] = []

    async def run(name: str, made: int) -> Trajectory:
        seen.append((name, made))
        return next(given)

    found = await attempt_until_graded("train-00001", TASK, 4, run, retries)
    assert found == replace(outcomes[runs - 1], attempts=runs)
    assert seen == [(f"train-00001/t1/4/{made}", made) for made in range(runs)]


async def test_a_run_comes_back_from_its_record(agent: Any, policy: Any, tmp_path: Path) -> None:
    record = Record(tmp_path)

    async def recorded(client: Any, number: int, deadline: float) -> Trajectory:
        run = record.run(run_name("b", TASK, number, 0))
        found = await rollout(agent(client), TASK, CONTEXT, deadline, run=run)
        record.write(found.outcome_event("b", number))
        return found

    client = policy("no plan", GOOD)
    good, late = await recorded(client, 0, 20), await recorded(policy(5.0), 1, 0.05)
    known = finished_runs(Record(tmp_path))
    assert list(known) == [("t1", 0)], "what the world failed has not finished"
    again, event = Trajectory.from_record(TASK, *known["t1", 0]), known["t1", 0][0]
    assert (event["task"], event["golds"], event["reward"]) == ("t1", ["4821"], 1.0)
    assert [action.token_ids for action in again.actions] == [c.token_ids for c in client.given]
    assert "messages" not in again.state
    assert set(again.state["turns"][0]["planner"][0]) == LIGHT, "ids and texts are in the record"
    shown = cast(State, {k: value for k, value in good.state.items() if k != "messages"})
    assert again == replace(good, state=shown, seconds=round(good.seconds, 4))
    assert (late.reward, late.fault, late.outcome_event("b", 1)["event"]) == (
        None,
        "world",
        "left_out",
    )
    silent = replace(good, reward=None, failure="judge: off the menu", fault="judge", actions=[])
    silent = replace(silent, grade=Grade(None, "judge", "judge: off the menu", "judge"))
    record.write(silent.outcome_event("b", 0))
    known = finished_runs(Record(tmp_path))
    again = Trajectory.from_record(TASK, *known["t1", 0])
    assert (again.reward, again.fault, again.grade) == (None, "judge", silent.grade)


async def test_a_record_that_cannot_be_written_fails_no_run_but_stops_everything(
    agent: Any, policy: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    run = Record(tmp_path / "file" / "inside").run("t1/0/0")
    client = policy(GOOD)
    with pytest.raises(RecordError, match="cannot be written"):
        await rollout(agent(client), TASK, CONTEXT, 20, run=run)
    assert client.asked == [], "nothing is asked that could not be recorded"
