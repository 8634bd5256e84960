"""A rollout is one run of the real graph; what cannot be judged is a failure, never a zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from langchain_core.tools import tool

from agentflow_graph.context import Context
from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer
from agentflow_graph.state import ModelCall, State, Turn
from rl.rollout import Trajectory, broken, judged, rollout, until_judged
from rl.task import Task

TASK = Task("t1", "What is the population of Old Harbor?", ("4821",), "one_hop")
CONTEXT = Context(layout="terse", max_turns=2, repairs=0)
GOOD = "Context: Old Harbor\nSub-Goal: find the facts\nTool Name: look_up"
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


CALL = ModelCall(
    prompt_ids=[1], token_ids=[5, 2], logprobs=[-0.1, -0.2], policy_version=3, finish_reason="stop"
)


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ([], "no planner call"),
        ([CALL, ModelCall(text="hello")], "planner call 2 has no token ids"),
        ([{**CALL, "prompt_ids": []}], "planner call 1 has no token ids"),
        ([{**CALL, "logprobs": [-0.1]}], "2 tokens but 1 log-probabilities"),
        ([{k: v for k, v in CALL.items() if k != "logprobs"}], "2 tokens but 0 log-prob"),
    ],
)
async def test_a_broken_record_is_a_failure(calls: list[ModelCall], why: str) -> None:
    turn = Turn(index=1, planner=calls, calls=[])
    state = State(turns=[turn], stopped_by="turns", error="", answer="4821")
    run = await judged(TASK, state, 1.0)
    assert why in run.failure
    assert (run.reward, run.actions) == (None, [])
    assert not broken([CALL])


async def test_a_run_that_ended_in_an_error_is_a_failure_with_its_reason() -> None:
    turn = Turn(index=1, planner=[CALL], calls=[])
    state = State(turns=[turn], stopped_by="error", error="server gone", answer="4821")
    run = await judged(TASK, state, 1.0)
    assert (run.reward, run.failure) == (None, "server gone")


@pytest.mark.parametrize(("retries", "runs"), [(0, 1), (1, 2), (2, 3), (9, 3)])
async def test_a_failed_run_is_run_again_until_it_is_judged(retries: int, runs: int) -> None:
    outcomes = [Trajectory(TASK, failure="a"), Trajectory(TASK, failure="b")]
    outcomes += [Trajectory(TASK, reward=0.0)] * 9
    given = iter(outcomes)
    seen: list[Trajectory] = []

    async def run() -> Trajectory:
        seen.append(next(given))
        return seen[-1]

    assert await until_judged(run, retries) is outcomes[runs - 1]
    assert len(seen) == runs


async def test_the_record_of_a_run_is_plain_data(agent: Any, policy: Any) -> None:
    client = policy(GOOD)
    graph = agent(client)
    run = await rollout(graph, TASK, CONTEXT, deadline=20)
    record = orjson.loads(orjson.dumps(run.record()))
    assert record["state"]["turns"][0]["planner"][0]["token_ids"] == client.given[0].token_ids
    assert (record["id"], record["golds"], record["reward"]) == ("t1", ["4821"], 1.0)
    assert "messages" not in record["state"]
    late = await rollout(agent(policy(5.0)), TASK, CONTEXT, deadline=0.05)
    record = orjson.loads(orjson.dumps(late.record()))
    assert (record["reward"], record["state"]) == (None, {})
    assert "deadline" in record["failure"]
