"""Pools: where the calls of a question go, and what becomes of them when a server dies."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from answering import Answering, Reply, Request
from wire import SAID, message, module_of, stream

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import ModelError, SettingError
from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.pools import watch
from agentflow_graph.models.pools.subject import asking_about
from agentflow_graph.models.strings import NANO, chat_model, servers_of
from agentflow_graph.terminal.models import models as examined

pytestmark = pytest.mark.integration
MODELS = Reply(body={"data": [{"id": "m"}]})
QUESTIONS = [f"What is {n} times 7?" for n in range(15)]


class Server:
    """Says the right thing, counts its questions, dies and comes back at the same address."""

    def __init__(self) -> None:
        self.questions: Counter[str] = Counter()
        self.status, self.frozen = 200, threading.Event()
        self.frozen.set()
        self.keys: set[str] = set()
        self._port, self._up = 0, ExitStack()
        self.start()

    def start(self) -> None:
        self.url = self._up.enter_context(Answering(self._answer, self._port)).url
        self._port = int(self.url.rpartition(":")[2])

    def die(self) -> None:
        self._up.close()

    @property
    def calls(self) -> int:
        return self.questions.total()

    def _answer(self, request: Request) -> Reply:
        self.frozen.wait(20)
        if request.path.endswith("/models"):
            return MODELS
        self.keys |= {v for k, v in request.headers.items() if k.lower() == "authorization"}
        text = json.dumps(request.json)
        self.questions[next((q for q in QUESTIONS if q in text), "")] += 1
        if self.status != 200:
            return Reply(self.status, "no", {"Retry-After": "0"})
        if "prompt" in request.json:
            return sampled()
        said = SAID[module_of(request.json)] if "You" in text else "yes"
        return stream(said) if request.json.get("stream") else message(said)


def sampled() -> Reply:
    tokenizer = PolicyTokenizer.load(NANO)
    ids = [*tokenizer.encode(SAID["planner"]), tokenizer.eos_id]
    told = {"token_ids": ids, "logprobs": {"token_logprobs": [-0.1] * len(ids)}}
    return Reply(body={"choices": [{**told, "finish_reason": "stop"}]})


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    monkeypatch.setattr("agentflow_graph.models.pools.pool.FIRST", 0.1)
    made = [Server() for _ in range(3)]
    yield made
    for server in made:
        server.frozen.set()
        server.die()


def spec(servers: list[Server], kind: str = "vllm:m", tail: str = "?retries=0") -> str:
    return f"{kind}@{','.join(server.url for server in servers)}{tail}"


async def ask_all(model: str, questions: list[str], at_once: int = 8) -> list[str]:
    """The answers of the compiled graph, whose modules are all `model`, to `questions`."""
    modules = dict.fromkeys(("planner", "executor", "verifier", "generator"), model)
    graph, gate = build_graph(), asyncio.Semaphore(at_once)

    async def one(question: str) -> str:
        async with gate:
            context = Context(**modules, max_turns=1)
            state = await graph.ainvoke({"question": question}, context=context)
        return f"{state['answer']} {state['error']}".strip()

    return list(await asyncio.gather(*map(one, questions)))


async def test_all_calls_of_a_question_go_to_one_server(servers: list[Server]) -> None:
    assert set(await ask_all(spec(servers), QUESTIONS * 2, at_once=3)) == {"42"}
    for question in QUESTIONS:
        homes = [server for server in servers if server.questions[question]]
        assert len(homes) == 1, "each module, each run"
    assert all(server.calls > 0 for server in servers)


async def test_one_server_is_not_flooded_with_a_question(servers: list[Server]) -> None:
    model = chat_model(spec(servers), 0.0, 16)
    with asking_about("one question"):
        await asyncio.gather(*(model.ainvoke("hello") for _ in range(60)))
    assert max(server.calls for server in servers) < 40, "a quarter more than its share, about"


async def test_calls_about_nothing_go_where_least_is_under_way(servers: list[Server]) -> None:
    model = chat_model(spec(servers), 0.0, 16)
    servers[0].frozen.clear()
    stuck = asyncio.create_task(model.ainvoke("hello"))
    await asyncio.sleep(0.3)
    for _ in range(6):
        await model.ainvoke("hello")
    servers[0].frozen.set()
    await stuck
    assert servers[0].calls == 1


@pytest.mark.parametrize("how", ["gone", 503, 429])
async def test_a_dead_server_costs_nothing_and_is_used_again_when_it_is_back(
    servers: list[Server], how: Any
) -> None:
    if how == "gone":
        servers[1].die()
    else:
        servers[1].status = how
    assert set(await ask_all(spec(servers), QUESTIONS)) == {"42"}
    if how != "gone":
        assert 0 < servers[1].calls < 20, "set aside"
    servers[1].status = 200
    if how == "gone":
        servers[1].start()
    before = servers[1].calls
    for _ in range(50):
        await asyncio.sleep(0.1)
        assert set(await ask_all(spec(servers), QUESTIONS)) == {"42"}
        if servers[1].calls > before:
            break
    assert servers[1].calls > before
    home = next(question for question in servers[1].questions if question)
    settled = servers[1].questions[home]
    assert await ask_all(spec(servers), [home]) == ["42"]
    assert servers[1].questions[home] > settled, "its questions are its own again"


async def test_only_when_all_are_dead_does_a_run_fail(servers: list[Server]) -> None:
    servers[0].die()
    servers[2].die()
    assert await ask_all(spec(servers), QUESTIONS[:4]) == ["42"] * 4
    servers[1].die()
    (failed,) = await ask_all(spec(servers), QUESTIONS[:1])
    assert "did not answer" in failed
    assert servers[0].url in failed, "the pool is named"
    servers[2].start()
    assert await ask_all(spec(servers), QUESTIONS[:4]) == ["42"] * 4


async def test_a_refusal_is_no_death(servers: list[Server]) -> None:
    for server in servers:
        server.status = 404
    with pytest.raises(ModelError, match="answered 404"):
        await chat_model(spec(servers), 0.0, 16).ainvoke("hello")
    assert sum(server.calls for server in servers) == 1


async def test_a_frozen_server_is_left_by_the_calls_that_wait_for_it(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENT", 0.2)
    monkeypatch.setattr(watch, "PATIENCE", 0.2)
    servers[2].frozen.clear()
    begun = time.monotonic()
    assert set(await ask_all(spec(servers), QUESTIONS)) == {"42"}
    assert time.monotonic() - begun < 10


async def test_a_slow_server_is_waited_for(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENT", 0.1)
    slow = Answering(lambda r: MODELS if r.path.endswith("models") else slowly())
    with slow as one, Answering([Reply(404)]) as other:
        model = chat_model(f"vllm:m@{one.url},{other.url}", 0.0, 16)
        assert (await model.ainvoke("hello")).text == "late"


def slowly() -> Reply:
    said = message("late")
    return Reply(body=said.body, delay=1.0)


def test_programs_without_a_loop_have_pools_too(servers: list[Server]) -> None:
    model = chat_model(spec(servers), 0.0, 16)
    servers[0].die()
    assert {model.invoke("hello").text for _ in range(6)} == {"yes"}
    servers[0].start()
    time.sleep(0.3)
    for _ in range(6):
        model.invoke("hello")
    assert servers[0].calls > 0


async def test_a_stream_begins_elsewhere(servers: list[Server]) -> None:
    servers[0].die()
    servers[1].die()
    model = chat_model(spec(servers), 0.0, 16)
    for question in QUESTIONS[:4]:
        with asking_about(question):
            assert "".join([str(part.text) async for part in model.astream("hello")]) == "yes"


async def test_a_policy_has_pools(servers: list[Server]) -> None:
    model: Any = chat_model(spec(servers, f"policy:{NANO}"), 0.0, 16)
    servers[0].die()
    for question in QUESTIONS[:8]:
        with asking_about(question):
            reply = await model.ainvoke(f"Question: {question}\n")
            assert reply.response_metadata["token_ids"]
    assert servers[1].calls + servers[2].calls == 8
    servers[1].die()
    servers[2].die()
    with pytest.raises(ModelError, match="no answer from"):
        await model.ainvoke("Question: late?\n")


async def test_the_doctor_warns_of_one_and_fails_for_all(servers: list[Server]) -> None:
    settings = Context(verifier=spec(servers))

    async def state() -> str:
        found = [one async for one in examined(settings, live=False)]
        return next(one.state for one in found if one.part == "verifier")

    assert await state() == "ok"
    servers[0].die()
    assert await state() == "warning"
    for server in servers[1:]:
        server.die()
    assert await state() == "failed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vllm:m@http://a:1,b:2", r"several servers are vllm:NAME@http://HOST1:PORT,http://HOST2"),
        ("vllm:m@http://a:1,http://", "several servers are"),
        ("vllm:m@http://a:1,http://a:1/v1", "names http://a:1 twice"),
        ("vllm:m@http://a:1,http://u:secret-word@b:2", "has a user or a password"),
    ],
)
def test_what_is_no_pool_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        chat_model(text, 0.0, 16)


def test_a_pool_is_read_as_people_write_it() -> None:
    assert servers_of("vllm:a/b@http://h:1/v1, http://h:2/?seed=1") == (
        "a/b",
        ("http://h:1", "http://h:2"),
    )


async def test_keys_go_to_their_hosts_alone(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "key-for-one-host")
    monkeypatch.setenv("VLLM_API_HOSTS", servers[0].url.removeprefix("http://"))
    model = chat_model(spec(servers, tail="?seed=9"), 0.0, 16)
    for question in QUESTIONS:
        with asking_about(question):
            await model.ainvoke("hello")
    keys = [server.keys for server in servers]
    assert keys == [{"Bearer key-for-one-host"}, {"Bearer none"}, {"Bearer none"}]
