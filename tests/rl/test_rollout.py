"""A rollout is one run of the real graph; what cannot be judged is a failure, never a zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from kept import answer, ended
from langchain_core.tools import tool

from agentflow_graph.context import Context
from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer
from agentflow_graph.record import Record, RecordError
from agentflow_graph.record.events import Answer
from agentflow_graph.state import ModelCall, State
from rl.reward.task import Task
from rl.rollout import (
    Action,
    Trajectory,
    attempt_until_graded,
    fault_of,
    finished_runs,
    grade_run,
    rollout,
    run_name,
)

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
    assert "within the deadline" in run.failure
    assert 0.2 <= run.seconds < 2


@pytest.mark.parametrize("error", [ModelError("engine gone"), PromptTooLong("no room")])
async def test_a_planner_that_does_not_answer_fails_the_run(
    agent: Any, policy: Any, error: Exception
) -> None:
    """Also after a first turn that was fine: half a trajectory is not a wrong answer."""
    for replies in ([error], ["no plan at all", error]):
        run = await rollout(agent(policy(*replies)), TASK, CONTEXT, deadline=20)
        assert (run.reward, run.actions) == (None, [])
        assert str(error) in run.failure


async def test_what_the_graph_refuses_fails_the_run(agent: Any, policy: Any) -> None:
    run = await rollout(agent(policy(GOOD)), Task("t", " ", ("x",)), CONTEXT, deadline=20)
    assert (run.reward, run.failure.split(":")[0]) == (None, "QuestionError")


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
    assert list(known) == [("t1", 0), ("t1", 1)]
    again, event = Trajectory.from_record(TASK, *known["t1", 0]), known["t1", 0][0]
    assert (event["task"], event["golds"], event["reward"]) == ("t1", ["4821"], 1.0)
    assert [action.token_ids for action in again.actions] == [c.token_ids for c in client.given]
    assert "messages" not in again.state
    assert set(again.state["turns"][0]["planner"][0]) == LIGHT, "ids and texts are in the record"
    shown = cast(State, {k: value for k, value in good.state.items() if k != "messages"})
    assert again == replace(good, state=shown, seconds=round(good.seconds, 4))
    again = Trajectory.from_record(TASK, *known["t1", 1])
    assert again == replace(late, seconds=round(late.seconds, 4))
    assert (again.reward, again.state) == (None, {})
    assert "deadline" in again.failure


async def test_a_record_that_cannot_be_written_fails_no_run_but_stops_everything(
    agent: Any, policy: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    run = Record(tmp_path / "file" / "inside").run("t1/0/0")
    client = policy(GOOD)
    with pytest.raises(RecordError, match="cannot be written"):
        await rollout(agent(client), TASK, CONTEXT, 20, run=run)
    assert client.asked == [], "nothing is asked that could not be recorded"
