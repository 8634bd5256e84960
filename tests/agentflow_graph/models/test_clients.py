"""The two clients: a server over HTTP, faked by a transport, and transformers on a tiny model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentflow_graph.errors import ModelError, PromptTooLong, SettingError
from agentflow_graph.models.clients import LocalPolicy, ServerPolicy
from agentflow_graph.models.policy import Completion, Sampling

CHOICE = {
    "token_ids": [5, 2],
    "logprobs": {"token_logprobs": [-0.5, -0.1]},
    "finish_reason": "stop",
}


def served(handler: Any) -> ServerPolicy:
    transport = httpx.MockTransport(handler)
    return ServerPolicy("http://server:8000/", eos_id=2, retries=0, transport=transport)


async def test_a_server_is_asked_in_token_ids() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "m"}]})
        return httpx.Response(200, json={"choices": [CHOICE]})

    client = served(answer)
    for _ in range(2):
        done = await client.generate([1, 2, 3], Sampling(0.7, 9, seed=4))
        assert done == Completion([5, 2], [-0.5, -0.1], "stop", 0)
    assert [request.url.path for request in asked] == [
        "/v1/models",
        "/v1/completions",
        "/v1/completions",
    ]
    body = json.loads(asked[1].content)
    assert (body["prompt"], body["temperature"], body["max_tokens"]) == ([1, 2, 3], 0.7, 9)
    assert (body["model"], body["stop_token_ids"], body["seed"]) == ("m", [2], 4)
    assert body["return_token_ids"] is True


async def test_a_servers_window_bounds_the_reply_and_the_prompt() -> None:
    bodies: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "m", "max_model_len": 10}]})
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"choices": [CHOICE]})

    client = served(answer)
    await client.generate([1, 2, 3], Sampling(0.7, 2048))
    await client.generate([1, 2, 3], Sampling(0.7, 4))
    assert [body["max_tokens"] for body in bodies] == [7, 4]
    with pytest.raises(PromptTooLong, match="has 10 tokens and the window 10.*http://server:8000"):
        await client.generate([1] * 10, Sampling())
    assert len(bodies) == 2, "it was not asked"


@pytest.mark.parametrize(
    ("status", "text", "kind", "said"),
    [
        (500, "boom", ModelError, "answered 500: boom"),
        (429, "slow down", ModelError, "answered 429"),
        (400, "maximum context length is 8", PromptTooLong, "answered 400"),
        (404, "x" * 1000, ModelError, "x" * 300),
    ],
)
async def test_a_servers_errors_are_told(
    status: int, text: str, kind: type[ModelError], said: str
) -> None:
    client = served(lambda request: httpx.Response(status, text=text))
    with pytest.raises(kind, match=said) as caught:
        await client.generate([1], Sampling())
    assert "http://server:8000/v1/models" in str(caught.value)
    assert len(str(caught.value)) < 500


async def test_a_server_that_is_gone_is_named() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ModelError, match="http://server:8000 .ConnectError.; is the server runn"):
        await served(refuse).generate([1], Sampling())


@pytest.mark.integration
def test_one_client_serves_several_event_loops() -> None:
    async def once(client: ServerPolicy, served: asyncio.Server) -> Completion:
        async with served:
            return await client.generate([1], Sampling())

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/v1/models" in head:
            body = json.dumps({"data": [{"id": "m"}]})
        else:
            body = json.dumps({"choices": [CHOICE]})
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async def both(client: ServerPolicy | None, port: int) -> tuple[ServerPolicy, int]:
        server = await asyncio.start_server(reply, "127.0.0.1", port)
        port = server.sockets[0].getsockname()[1]
        client = client or ServerPolicy(f"http://127.0.0.1:{port}", 2)
        assert (await once(client, server)).token_ids == [5, 2]
        return client, port

    client, port = asyncio.run(both(None, 0))
    asyncio.run(both(client, port))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 of a few thousand weights, and the tokenizer that goes with it."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import Qwen2Config, Qwen2ForCausalLM

    home = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=16,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32,
    )
    Qwen2ForCausalLM(config).save_pretrained(home)
    tokenizer = Tokenizer(models.WordLevel({f"w{n}": n for n in range(16)}, unk_token="w0"))
    tokenizer.save(str(home / "tokenizer.json"))
    (home / "tokenizer_config.json").write_text('{"eos_token": "w3", "chat_template": "x"}')
    return home


async def test_local_logprobs_are_those_of_the_tempered_model(tiny: Path) -> None:
    import torch

    client = LocalPolicy(tiny)
    prompt = [1, 2, 4]
    for temperature in (0.7, 1.5, 0.0):
        done = await client.generate(prompt, Sampling(temperature, 8, seed=5))
        ids = torch.tensor([prompt + done.token_ids])
        with torch.inference_mode():
            logits = client._model(ids).logits[0, len(prompt) - 1 : -1] / (temperature or 1.0)
        exact = torch.log_softmax(logits, -1).gather(1, ids[0, len(prompt) :, None])[:, 0]
        assert torch.allclose(torch.tensor(done.logprobs), exact, atol=1e-4)
        assert done == await client.generate(prompt, Sampling(temperature, 8, seed=5))
        ends = done.token_ids[-1] == 3
        assert done.finish_reason == ("stop" if ends else "length")
        assert ends or len(done.token_ids) == 8


async def test_local_replies_keep_within_the_window(tiny: Path) -> None:
    client = LocalPolicy(tiny)
    done = await client.generate([1] * 30, Sampling(0.7, 100))
    assert len(done.token_ids) <= 2
    with pytest.raises(PromptTooLong, match="the prompt has 32 tokens and the window 32"):
        await client.generate([1] * 32, Sampling())


async def test_a_local_planner_keeps_the_memory_within_its_window(tiny: Path) -> None:
    from agentflow_graph.models.policy import PolicyModel
    from agentflow_graph.models.strings import chat_model

    model = chat_model(f"local:{tiny}", 0.7, 8)
    assert isinstance(model, PolicyModel)
    assert model.trained == {"memory_tokens": 16}


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"no config.json in .*; name a Hugging Face"):
        LocalPolicy(tmp_path)
