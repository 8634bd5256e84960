"""Each provider against a server of this machine: what goes over the wire, and what is refused."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool
from wire import SAID, message, module_of, provider, settings, stream

from agentflow_graph import build_graph, graph
from agentflow_graph.embed import ask
from agentflow_graph.errors import ModelError, SettingError
from agentflow_graph.models.strings import chat_model

pytestmark = pytest.mark.integration
CHAT = [SystemMessage("Be brief."), HumanMessage("6*7?")]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
KEY = "test-key-0123456789"

# Provider, variable of the address, what follows the server's own, variable of the key, name of
# the token limit, form of a reply.
COMPATIBLE = [
    ("openai", "OPENAI_BASE_URL", "/v1", "OPENAI_API_KEY", "max_completion_tokens", "json_schema"),
    ("deepseek", "DEEPSEEK_BASE_URL", "/v1", "DEEPSEEK_API_KEY", "max_tokens", "json_object"),
    ("xai", "XAI_BASE_URL", "/v1", "XAI_API_KEY", "max_tokens", "json_schema"),
    ("together", "TOGETHER_BASE_URL", "/v1", "TOGETHER_API_KEY", "max_tokens", "json_schema"),
    ("dashscope", "DASHSCOPE_BASE_URL", "/v1", "DASHSCOPE_API_KEY", "max_tokens", "json_object"),
    ("groq", "GROQ_BASE_URL", "/v1", "GROQ_API_KEY", "max_completion_tokens", "json_object"),
    ("mistral", "MISTRAL_BASE_URL", "/v1", "MISTRAL_API_KEY", "max_tokens", "json_schema"),
    ("openrouter", "OPENROUTER_BASE_URL", "/v1", "OPENROUTER_API_KEY", "max_tokens", "json_schema"),
    ("litellm", "LITELLM_BASE_URL", "", "LITELLM_API_KEY", "max_tokens", "json_schema"),
    ("llamacpp", "LLAMACPP_BASE_URL", "", "LLAMACPP_API_KEY", "max_tokens", "json_schema"),
    ("lmstudio", "LMSTUDIO_BASE_URL", "", "LMSTUDIO_API_KEY", "max_tokens", "json_schema"),
]


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("name", "url", "path", "key", "limit", "form"), COMPATIBLE, ids=[row[0] for row in COMPATIBLE]
)
async def test_a_provider_of_openais_protocol(
    name: str, url: str, path: str, key: str, limit: str, form: str, monkeypatch: Any
) -> None:
    with Answering([message('{"n": 42}')]) as server:
        monkeypatch.setenv(url, server.url + path)
        monkeypatch.setenv(key, KEY)
        model = chat_model(f"{name}:some/model?reasoning_effort=low&top.k=5", 0.3, 77)
        said = await model.ainvoke(CHAT, reply_schema=SCHEMA)
    (asked,) = server.asked
    assert said.text == '{"n": 42}'
    assert asked.path == "/v1/chat/completions"
    assert lowered(asked.headers)["authorization"] == f"Bearer {KEY}"
    body = asked.json
    assert (body["model"], body["temperature"], body[limit]) == ("some/model", 0.3, 77)
    assert not {"max_tokens", "max_completion_tokens"} - {limit} & set(body)
    assert (body["reasoning_effort"], body["top"]) == ("low", {"k": 5})
    assert body["response_format"]["type"] == form
    assert [one["role"] for one in body["messages"]] == ["system", "user"]


async def test_azure(monkeypatch: Any) -> None:
    with Answering([message("42")]) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_API_VERSION", "2025-01-01-preview")
        said = await chat_model("azure:my-gpt-4o", 0.3, 77).ainvoke(CHAT)
    (asked,) = server.asked
    assert said.text == "42"
    assert asked.path == "/openai/deployments/my-gpt-4o/chat/completions"
    assert asked.query == {"api-version": "2025-01-01-preview"}
    assert lowered(asked.headers)["api-key"] == KEY
    assert (asked.json["temperature"], asked.json["max_completion_tokens"]) == (0.3, 77)


@pytest.mark.parametrize(
    ("name", "temperature"),
    [
        *((name, None) for name in ("o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini", "gpt-5.1")),
        *((name, None) for name in ("gpt-5-nano-2025-08-07", "ft:gpt-5-mini:acme::abc", "gpt-6")),
        *((name, 0.3) for name in ("gpt-4o-mini", "gpt-4.1", "gpt-5-chat-latest", "gpt-35-turbo")),
    ],
)
async def test_openais_models_that_refuse_a_temperature_are_sent_none(
    name: str, temperature: float | None, monkeypatch: Any
) -> None:
    with Answering([message("42")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        await chat_model(f"openai:{name}", 0.3, 77).ainvoke(CHAT)
        await chat_model(f"vllm:{name}@{server.url}", 0.3, 77).ainvoke(CHAT)
    assert [one.json.get("temperature") for one in server.asked] == [temperature, 0.3]


async def test_models_of_the_responses_protocol(monkeypatch: Any) -> None:
    content = [{"type": "output_text", "text": "42", "annotations": []}]
    output = [
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "content": content,
            "status": "completed",
        }
    ]
    body = {"id": "r", "object": "response", "created_at": 1, "model": "m", "output": output}
    body |= {"status": "completed", "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    with Answering([Reply(body=body)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        said = await chat_model("openai:gpt-5-codex", 0.3, 77).ainvoke(CHAT, reply_schema=SCHEMA)
    (asked,) = server.asked
    assert (said.text, asked.path) == ("42", "/v1/responses")
    assert asked.json["max_output_tokens"] == 77
    assert asked.json["text"]["format"]["type"] == "json_schema"


async def test_a_tool_that_must_be_called_holds_the_reply() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "reply", "arguments": '{"n": 42}'}}
    with Answering([message(None, "tool_calls", tool_calls=[call])]) as server:
        model = chat_model(f"vllm:m@{server.url}?structured=tool", 0.0, 9)
        said = await model.ainvoke(CHAT, reply_schema=SCHEMA)
    assert said.text == '{"n": 42}'
    assert server.asked[0].json["tool_choice"]["function"]["name"] == "reply"


async def test_parameters_of_one_use() -> None:
    with Answering([message("42")]) as server:
        options = "?temperature=none&max_tokens=5&limit=n_predict&system=fold&structured=none"
        model = chat_model(f"vllm:m@{server.url}/v1/chat/completions{options}", 0.3, 77)
        await model.ainvoke(CHAT, reply_schema=SCHEMA)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert {k: v for k, v in asked.json.items() if k not in ("messages", "stream")} == {
        "model": "m",
        "n_predict": 5,
    }
    assert asked.json["messages"] == [{"role": "user", "content": "Be brief.\n\n6*7?"}]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("openai:m", r"OpenAI needs a key: export OPENAI_API_KEY="),
        ("azure:m", r"Azure OpenAI needs an address: export AZURE_OPENAI_ENDPOINT="),
        ("deepseek:m", r"export DEEPSEEK_API_KEY="),
        ("cohere:m", r"needs a package: pip install langchain-cohere"),
        ("vllm:m@http://h:1?timeout=soon", r"timeout='soon' must be a number from 0.001"),
        ("vllm:m@http://h:1?retries=1.5", r"retries=1.5 must be a number from 0"),
        ("vllm:m@http://h:1?temperature=-1", r"temperature=-1 must be a number from 0, or none"),
        ("vllm:m@http://h:1?system=x", r"system='x' must be send or fold"),
        ("vllm:m@http://h:1?cache=1", r"cache=1 must be true or false"),
        ("openai:m?base_url=http://evil", r"'base_url' cannot be set here"),
        ("openai:m?api_key=x", r"'api_key' cannot be set here"),
        ("openai:m?default_headers.a=b", r"'default_headers.a' cannot be set here"),
        ("vllm:m@http://h:1?a", r"'a' is not of the form NAME=VALUE"),
        ("vllm:m@127.0.0.1:1", r"is not of the form vllm:NAME@http://HOST:PORT"),
        ("vllm:m@http://[::1", r"is not of the form vllm:NAME@http://HOST:PORT"),
    ],
)
def test_a_wrong_model_string_says_what_to_do(spec: str, said: str, monkeypatch: Any) -> None:
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "DEEPSEEK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingError, match=said) as caught:
        chat_model(spec, 0.0, 9)
    assert "\n" not in str(caught.value)


async def test_keys_go_to_the_hosts_they_are_for(monkeypatch: Any) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    with Answering([message("42")]) as server:
        host = server.url.removeprefix("http://")
        for hosts in ("", host, "127.0.0.1", "gpu.example:8000, other"):
            monkeypatch.setenv("VLLM_API_HOSTS", hosts)
            await chat_model(f"vllm:m@{server.url}", 0.0, 9).ainvoke(CHAT)
    sent = [lowered(one.headers)["authorization"].removeprefix("Bearer ") for one in server.asked]
    assert sent == [KEY, KEY, KEY, "none"]


@tool
async def calculator(query: str) -> str:
    """Calculate."""
    return "42"


def test_any_event_loop_may_ask() -> None:
    agent = build_graph(tools=[calculator])
    question = {"question": "What is 6*7?"}
    with provider() as server:
        context = settings(server)

        async def run() -> str:
            state = await agent.ainvoke(question, context=context)
            return str(state["error"] or state["answer"])

        found = [asyncio.run(run()) for _ in range(3)]
        threads = [
            threading.Thread(target=lambda: found.extend(asyncio.run(run()) for _ in range(2)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.append(ask("What is 6*7?", context, agent)["answer"])
        found.append(asyncio.run(run()))
        found.append(ask("What is 6*7?", context, agent)["answer"])
    assert found == ["42"] * 14


@pytest.mark.parametrize("told", [True, False])
async def test_what_a_stream_spent_counts(told: bool) -> None:
    with provider(lambda body, n: stream(SAID[module_of(body)], usage=told)) as server:
        agent = build_graph(tools=[calculator])
        context = settings(server, max_tokens=1, max_turns=5)
        state: dict[str, Any] = {}
        value: Any
        async for mode, value in agent.astream(
            {"question": "What is 6*7?"}, context=context, stream_mode=["messages", "values"]
        ):
            state = dict(value) if mode == "values" else state
    assert all(one.json["stream_options"] == {"include_usage": True} for one in server.asked)
    spent = state["usage"]["planner"]
    assert (spent["input_tokens"] == 10) is told
    assert spent["input_tokens"] > 0 < spent["output_tokens"]
    assert (state["answer"], len(state["turns"])) == ("42", 1)


async def test_a_stream_is_a_reply_with_reasoning() -> None:
    with Answering([stream("so it is", reasoning="hm hm")]) as server:
        chunks = [one async for one in chat_model(f"vllm:m@{server.url}", 0.0, 9).astream(CHAT)]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.text == "so it is"
    assert whole.additional_kwargs["reasoning_content"] == "hmhm"
    assert whole.response_metadata["finish_reason"] == "stop"


async def test_what_a_tools_model_spends_counts() -> None:
    plan = SAID["planner"].replace("calculator", "base_generator")
    with (
        provider(lambda b, n: plan if module_of(b) == "planner" else None) as server,
        Answering([message("42")]) as own,
    ):
        model = f"vllm:t@{own.url}"
        context = settings(server, executor="direct", tools="base_generator", tool_model=model)
        state = await graph.ainvoke({"question": "What is 6*7?"}, context=context)
    assert state["usage"]["base_generator.model"]["input_tokens"] == 10
    assert "spent" not in state["turns"][0]["calls"][0]


async def test_answers_are_kept_where_that_is_wanted(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("AGENTFLOW_CACHE", str(tmp_path))
    with Answering([message(""), message("42")]) as server:
        model = chat_model(f"vllm:m@{server.url}?cache=true", 0.0, 9)
        said = [(await model.ainvoke(CHAT)).text for _ in range(3)]
        await model.ainvoke([HumanMessage("other")])
        await chat_model(f"vllm:m@{server.url}?cache=true&top_p=1", 0.0, 9).ainvoke(CHAT)
        await chat_model(f"vllm:m@{server.url}", 0.0, 9).ainvoke(CHAT)
    assert said == ["", "42", "42"]
    assert len(server.asked) == 5


async def test_a_rate_holds_for_all_models_of_a_server() -> None:
    with Answering([message("42")]) as server:
        models: list[BaseChatModel] = [
            chat_model(f"vllm:{name}@{server.url}?rate=5", 0.0, 9) for name in ("a", "b")
        ]
        begun = asyncio.get_running_loop().time()
        for model in models * 2:
            await model.ainvoke(CHAT)
        assert asyncio.get_running_loop().time() - begun > 0.5


async def test_the_cause_of_a_broken_connection_is_told(monkeypatch: Any) -> None:
    async def why(spec: str) -> str:
        with pytest.raises(ModelError) as caught:
            await chat_model(f"{spec}?retries=0&timeout=5", 0.0, 9).ainvoke(CHAT)
        return str(caught.value)

    assert "is the server running?" in await why("vllm:m@http://127.0.0.1:1")
    with Answering([message("42")]) as server:
        assert "write http://" in await why(f"vllm:m@{server.url.replace('http', 'https')}")
    page = "<!DOCTYPE HTML>\n<html><body>Unsupported method ('POST')</body></html>"
    with Answering([Reply(status=501, body=page)]) as web:
        said = await why(f"vllm:m@{web.url}")
    assert "answered 501: a page in HTML; is it a server of OpenAI's protocol?" in said
    with Answering([Reply(body={}, delay=1.0)]) as slow:
        model = chat_model(f"vllm:m@{slow.url}?retries=0&timeout=0.2", 0.0, 9)
        late = await asyncio.gather(model.ainvoke(CHAT), return_exceptions=True)
    assert "timeout=SECONDS" in str(late[0])


async def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: Any) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Answering([message("42")]) as server:
        assert (await chat_model(f"vllm:p@{server.url}", 0.0, 9).ainvoke(CHAT)).text == "42"
