"""Rollouts whose models answer over HTTP, with every fault that a server can have.

The planner speaks to a vLLM server in token ids, the executor to a chat server; both are servers of
this machine. A fault fails the run with its reason, or is told to the planner; never a reward of 0.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from answering import Answering, Reply, Request
from langchain_core.tools import tool

from agentflow_graph.context import Context
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models.clients import ServerPolicy
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer
from agentflow_graph.models.strings import chat_model
from rl.reward.task import Task
from rl.rollout import Trajectory, rollout

pytestmark = pytest.mark.integration

TASK = Task("t1", "What is the population of Old Harbor?", ("4821",))
GOOD = "Context: Old Harbor\nSub-Goal: find the facts\nTool Name: look_up"


@tool
async def look_up(query: str) -> str:
    """Look something up."""
    return f"{query}: a town with population 4821."


@pytest.fixture
def planned(tokenizer: PolicyTokenizer) -> Callable[..., Reply]:
    """What a vLLM server would answer."""

    def make(text: str, finish: str = "stop") -> Reply:
        ids = tokenizer.encode(text)
        ids += [tokenizer.eos_id] if finish == "stop" else []
        choice = {
            "token_ids": ids,
            "logprobs": {"token_logprobs": [-0.5] * len(ids)},
            "finish_reason": finish,
        }
        return Reply(body={"choices": [choice]})

    return make


@pytest.fixture
def run(tokenizer: PolicyTokenizer) -> Callable[..., Any]:
    async def once(
        url: str, executor: str = "", seconds: float = 10.0, patience: float = 1.0
    ) -> Trajectory:
        client = ServerPolicy(url, tokenizer.eos_id, timeout=patience)
        models: dict[str, Any] = {"planner": PolicyModel(client=client, tokenizer=tokenizer)}
        if executor:
            models["executor"] = chat_model(f"vllm:m@{executor}/v1", 0.0, 64, 0)
        agent: Agent = build_graph(models, [look_up])
        context = Context(layout="terse", max_turns=2, repairs=0)
        return await rollout(agent, TASK, context, deadline=seconds)

    return once


def models_first(reply: Reply) -> Callable[[Request], Reply]:
    """The server's list of models, then `reply` to whatever is asked of them."""

    def answer(request: Request) -> Reply:
        if request.path.endswith("/models"):
            return Reply(body={"data": [{"id": "m", "max_model_len": 512}]})
        return reply

    return answer


@contextmanager
def resetting() -> Iterator[str]:
    """A server that takes the request and resets the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.recv(10)
                linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


FAULTS = {
    "429": Reply(429, "slow down"),
    "500": Reply(500, "boom"),
    "503": Reply(503, "restarting"),
    "slow": Reply(body={}, delay=2.5),
    "garbage": Reply(body="<html>not what you asked for"),
    "another JSON": Reply(body={"something": "else"}),
    "cut JSON": Reply(body='{"choices": [{"token_ids": [1, 2'),
    "nothing": Reply(body=""),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_planner_whose_server_fails_fails_the_run_with_its_reason(
    fault: str, run: Any
) -> None:
    with Answering(models_first(FAULTS[fault])) as server:
        result = await run(server.url)
    assert (result.reward, result.actions) == (None, [])
    assert "planner" in result.failure or server.url in result.failure
    assert result.state["stopped_by"] == "error"


async def test_a_planner_whose_connection_is_reset_fails_the_run(run: Any) -> None:
    with resetting() as url:
        result = await run(url)
    assert (result.reward, result.actions) == (None, [])
    assert url in result.failure


@pytest.mark.parametrize(
    ("text", "finish"), [("", "stop"), ("\ufffd\x00 {{{", "stop"), (GOOD[:30], "length")]
)
async def test_an_empty_garbled_or_cut_plan_is_a_turn_without_a_tool(
    text: str, finish: str, run: Any, planned: Any
) -> None:
    """What the policy said is the policy's doing: it counts, as wrong, and is trained on."""
    with Answering(models_first(planned(text, finish))) as server:
        result = await run(server.url)
    assert (result.reward, result.failure) == (0.0, "")
    assert [action.finish_reason for action in result.actions] == [finish] * 2
    calls = [call for turn in result.state["turns"] for call in turn["calls"]]
    assert [(call["tool"], call["status"]) for call in calls] == [("", "error")] * 2


CHAT = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}


def said(text: str) -> Reply:
    message = {"role": "assistant", "content": text}
    return Reply(body={**CHAT, "choices": [{"index": 0, "message": message}]})


@pytest.mark.parametrize("fault", ["429", "500", "garbage", "another JSON", "cut JSON", "nothing"])
async def test_an_executor_whose_server_fails_never_costs_a_reward_of_zero(
    fault: str, run: Any, planned: Any
) -> None:
    reply = FAULTS[fault]
    quick = Reply(reply.status, reply.body, {"Retry-After": "0"})
    with Answering(models_first(planned(GOOD))) as planner, Answering([quick]) as executor:
        result = await run(planner.url, executor.url, seconds=30.0)
    assert result.reward is None
    assert "executor" in result.failure


async def test_arguments_that_are_no_arguments_are_told_to_the_planner(
    run: Any, planned: Any
) -> None:
    with Answering(models_first(planned(GOOD))) as planner, Answering([said("no idea")]) as other:
        result = await run(planner.url, other.url)
    assert result.failure == ""
    assert [call["status"] for t in result.state["turns"] for call in t["calls"]] == ["error"] * 2


async def test_many_identical_prompts_at_once_get_an_answer_each(run: Any, planned: Any) -> None:
    """A group asks the same at the same moment: nothing merges or mixes their runs."""
    towns = [f"{'Old ' * n}Harbor" for n in range(16)]
    texts = [f"Context: {town}\nSub-Goal: find\nTool Name: look_up" for town in towns]
    given = iter(texts * 2)
    lock = threading.Lock()

    def answer(request: Request) -> Reply:
        if request.path.endswith("/models"):
            return Reply(body={"data": [{"id": "m", "max_model_len": 512}]})
        with lock:
            reply: Reply = planned(next(given))
        return reply

    with Answering(answer) as server:
        runs = await asyncio.gather(*(run(server.url, patience=9) for _ in texts))
    assert [r.failure for r in runs] == [""] * 16
    firsts = [r.state["turns"][0]["context"] for r in runs]
    assert sorted(firsts) == sorted(towns)
    for r in runs:
        for turn in r.state["turns"]:
            assert json.dumps(turn["context"])[1:-1] in turn["calls"][0]["result"]


async def test_a_rollout_slower_than_its_deadline_has_failed_and_the_rest_has_not(
    run: Any, planned: Any
) -> None:
    slow = Answering(models_first(Reply(body={}, delay=0.9)))
    with slow, Answering(models_first(planned(GOOD))) as quick:
        late, *others = await asyncio.gather(
            run(slow.url, seconds=0.5), run(quick.url), run(quick.url)
        )
    assert "waiting for models" in late.failure
    assert late.fault == "world"
    assert [r.reward for r in others] == [1.0, 1.0]
