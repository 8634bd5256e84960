"""A policy behind a server of this machine: keys, names, restarts, windows, and other servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from answering import Answering, Reply, Request

from agentflow_graph import Context, build_graph
from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.strings import NANO, chat_model

pytestmark = pytest.mark.integration
KEY = "test-key-0123456789"
BUSY = Reply(503, "busy", {"Retry-After": "0"})
TEXT = "Context: 6*7\nSub-Goal: compute\nTool Name: python_coder"


def sampled(**beside: Any) -> Reply:
    tokenizer = PolicyTokenizer.load(NANO)
    ids = [*tokenizer.encode(TEXT), tokenizer.eos_id]
    told = {"token_ids": ids, "logprobs": {"token_logprobs": [-0.1] * len(ids)}}
    return Reply(body={"choices": [{**told, "finish_reason": "stop", **beside}]})


def vllm(
    *cards: dict[str, Any], say: Callable[[Request, int], Reply | None] = lambda r, n: None
) -> Answering:
    """A server that lists `cards` and samples the same plan for ever."""
    asked: list[Request] = []

    def answer(request: Request) -> Reply:
        if request.path.endswith("/models"):
            return say(request, 0) or Reply(body={"data": list(cards or [{"id": "m"}])})
        asked.append(request)
        return say(request, len(asked)) or sampled()

    return Answering(answer)


async def run(server: Answering, tail: str = "", **more: Any) -> dict[str, Any]:
    context = Context(planner=f"policy:{NANO}@{server.url}{tail}", max_turns=1, **more)
    state = await build_graph().ainvoke({"question": "What is 6*7?"}, context=context)
    return dict(state)


def models_asked(server: Answering) -> list[str]:
    return [one.json["model"] for one in server.asked if one.path.endswith("/completions")]


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/team/a", "/v1/completions"])
async def test_an_address_is_read_as_people_write_it(tail: str) -> None:
    with vllm() as server:
        state = await run(server, tail)
    assert (state["answer"], state["error"]) == ("42", "")
    prefix = "/team/a" if "team" in tail else ""
    assert {one.path for one in server.asked} == {f"{prefix}/v1/models", f"{prefix}/v1/completions"}


async def test_the_key_is_sent(monkeypatch: Any) -> None:
    def guarded(request: Request, number: int) -> Reply | None:
        told = {name.lower(): value for name, value in request.headers.items()}
        return None if told.get("authorization") == f"Bearer {KEY}" else Reply(401, "Unauthorized")

    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    with vllm(say=guarded) as server:
        refused = await run(server)
        monkeypatch.setenv("VLLM_API_KEY", KEY)
        assert (await run(server))["answer"] == "42"
    assert re.search("answered 401.*export VLLM_API_KEY", refused["error"])


LORA = [{"id": "base-7b", "max_model_len": 512}, {"id": "mine", "parent": "base-7b"}]


@pytest.mark.parametrize(
    ("cards", "options", "name"),
    [
        ([{"id": "m"}], "", "m"),
        ([{"id": "m", "max_model_len": None}], "", "m"),
        (LORA, "", "mine"),
        (LORA, "?name=base-7b", "base-7b"),
        ([*LORA, {"id": "other", "parent": "base-7b"}], "?name=other", "other"),
        ([{"id": "a", "root": "/w"}, {"id": "b", "root": "/w"}], "", "a"),
    ],
)
async def test_the_right_one_of_its_models_is_asked(
    cards: list[dict[str, Any]], options: str, name: str
) -> None:
    with vllm(*cards) as server:
        assert (await run(server, options))["answer"] == "42"
    assert models_asked(server) == [name]


@pytest.mark.parametrize(
    ("cards", "options", "said"),
    [
        ([*LORA, {"id": "other", "parent": "base-7b"}], "", "say which one is meant: .*name=NAME"),
        ([{"id": "a"}, {"id": "b"}], "", "serves a, b; say which one is meant"),
        (LORA, "?name=x", r"serves base-7b, mine, not 'x'; correct \?name="),
    ],
)
async def test_never_the_base_model_by_accident(
    cards: list[dict[str, Any]], options: str, said: str
) -> None:
    with vllm(*cards) as server:
        state = await run(server, options)
    assert models_asked(server) == []
    assert re.search(said, state["error"]), state["error"]


async def test_a_restarted_server_is_looked_at_again() -> None:
    served = ["run-a"]

    def named(request: Request, number: int) -> Reply | None:
        if number == 0:
            return Reply(body={"data": [{"id": served[0]}]})
        if request.json["model"] == served[0]:
            return None
        return Reply(404, {"error": {"message": "The model does not exist."}})

    with vllm(say=named) as server:
        assert (await run(server))["answer"] == "42"
        served[0] = "run-b"
        assert (await run(server))["answer"] == "42"
    assert models_asked(server) == ["run-a", "run-a", "run-b"]


@pytest.mark.parametrize("first", [BUSY, Reply(429, "slow", {"Retry-After": "0"})])
async def test_a_busy_server_is_asked_again(first: Reply) -> None:
    with vllm(say=lambda request, number: first if number == 1 else None) as server:
        assert (await run(server))["answer"] == "42"
    assert len(models_asked(server)) == 2


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (sampled(token_ids=None), "needs vLLM 0.10.2 or newer; .*vllm:NAME@URL"),
        (sampled(logprobs=None), "without token ids or log-probabilities"),
        (Reply(200, "<html>gateway</html>"), "answered no JSON but '<html>gateway"),
        (
            Reply(400, {"message": "maximum context length is 8192 tokens"}),
            "context length is 8192",
        ),
    ],
)
async def test_what_another_server_answers_is_told(reply: Reply, said: str) -> None:
    with vllm(say=lambda request, number: reply if number else None) as server:
        state = await run(server)
    assert state["stopped_by"] == "error"
    assert re.search(said, state["error"]), state["error"]
    assert server.url in state["error"]


async def test_it_waits_as_long_as_the_run() -> None:
    slow = Reply(200, sampled().body, delay=1.0)
    with vllm(say=lambda request, number: slow if number else None) as server:
        late = await run(server, max_seconds=0.5)
        assert (await run(server, max_seconds=60))["answer"] == "42"
    assert late["stopped_by"] == "seconds"


async def test_equal_planners_do_not_share_langchains_cache() -> None:
    from langchain_core.caches import InMemoryCache
    from langchain_core.globals import set_llm_cache

    set_llm_cache(InMemoryCache())
    try:
        with vllm() as server, vllm() as other:
            for one in (server, server, other):
                await chat_model(f"policy:{NANO}@{one.url}", 0.7, 64).ainvoke("What is 6*7?")
    finally:
        set_llm_cache(None)
    assert (len(models_asked(server)), len(models_asked(other))) == (2, 1)
