"""A question with images: who is shown them, in which form, and who is not asked at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import Answering
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from wire import message, module_of, provider, settings

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import QuestionError
from agentflow_graph.models.clients.form import folded
from agentflow_graph.models.providers.images import sees
from agentflow_graph.models.providers.table import provider_of
from agentflow_graph.models.strings import chat_model
from agentflow_graph.record import read
from agentflow_graph.terminal.replay import replay

PICTURE = "data:image/png;base64,AAAA"
FORMS: list[dict[str, Any]] = [
    {"type": "image_url", "image_url": {"url": PICTURE}},
    {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
]
ASKED = "What is the population of Old Harbor?"
PLAN = "Justification: j\nContext: Old Harbor\nSub-Goal: s\nTool Name: look_up"


def with_picture(part: dict[str, Any], text: str = ASKED) -> Any:
    return {"messages": [HumanMessage([{"type": "text", "text": text}, part])]}


@pytest.fixture
def server() -> Iterator[Answering]:
    with provider(lambda body, n: PLAN if module_of(body) == "planner" else None) as server:
        yield server


@pytest.mark.enable_socket
@pytest.mark.integration
@pytest.mark.parametrize("part", FORMS, ids=["image_url", "image"])
async def test_every_model_that_reads_the_question_is_shown_them(
    part: dict[str, Any], server: Answering, look_up: BaseTool
) -> None:
    context = settings(server, "?images=true")
    await build_graph(tools=[look_up]).ainvoke(with_picture(part), context=context)
    shown = {module_of(asked.json): asked.json["messages"] for asked in server.asked}
    assert set(shown) == {"planner", "executor", "verifier", "generator"}
    for messages in shown.values():
        text, picture = messages[-1]["content"]
        assert ASKED in text["text"]
        assert picture == {"type": "image_url", "image_url": {"url": PICTURE}}


def test_a_system_message_goes_before_them_where_a_server_takes_none() -> None:
    asked = HumanMessage([{"type": "text", "text": ASKED}, FORMS[1]])
    (folded_in,) = folded([SystemMessage("Rules"), asked])
    rules = {"type": "text", "text": "Rules"}
    assert folded_in.content == [rules, {"type": "text", "text": ASKED}, FORMS[1]]


@pytest.mark.enable_socket
@pytest.mark.integration
async def test_on_the_responses_api_they_have_its_form() -> None:
    with provider(lambda *_: message("no")) as server:
        model = chat_model(f"vllm:m@{server.url}?api=responses&images=true&retries=0", 0.0, 9)
        content: Any = [{"type": "text", "text": "You judge whether the steps"}, FORMS[1]]
        with pytest.raises(Exception):  # noqa: B017 - the answer is none of that API; what was asked counts
            await model.ainvoke([HumanMessage(content)])
    (asked,) = server.asked
    assert asked.json["input"][0]["content"][1]["type"] == "input_image"
    assert asked.json["input"][0]["content"][1]["image_url"] == PICTURE


@pytest.mark.enable_socket
@pytest.mark.integration
async def test_base_generator_is_shown_them_too(server: Answering, tmp_path: Path) -> None:
    marked = "You judge whether the steps show it"  # the server takes the tool's model for it
    plan = PLAN.replace("look_up", "base_generator").replace("Old Harbor", marked)
    say = lambda body, n: plan if module_of(body) == "planner" else None  # noqa: E731
    with provider(say) as server:
        spec = f"vllm:m@{server.url}?images=true"
        given = {"planner": spec, "tool_model": spec, "tools": "base_generator", "max_turns": 1}
        agent = build_graph(record=tmp_path)
        await agent.ainvoke(with_picture(FORMS[0]), context=Context(**given))
        _, asked = server.asked
    assert asked.json["messages"][0]["content"][1] == FORMS[0]
    (run,) = read(tmp_path).values()
    assert (await replay(run, tmp_path)).difference == ""


@pytest.mark.parametrize("blind", ["planner", "verifier", "tool_model"])
async def test_a_model_that_takes_none_is_named_and_nobody_asked(
    blind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    modules = dict.fromkeys(("planner", "verifier", "generator", "tool_model"), "openai:gpt-5-mini")
    context = Context(**{**modules, blind: "openai:gpt-3.5-turbo"}, tools="base_generator")
    refused = f"holds an image, and {blind}='openai:gpt-3.5-turbo' takes none: .*images=true"
    with pytest.raises(QuestionError, match=refused):
        await build_graph().ainvoke(with_picture(FORMS[0]), context=context)


async def test_an_object_says_it_in_its_profile(scripted: Any, plan: Any, look_up: Any) -> None:
    planner = scripted(plan("Old Harbor"))
    with pytest.raises(QuestionError, match="planner='Scripted' takes none"):
        await build_graph({"planner": planner}, [look_up]).ainvoke(with_picture(FORMS[0]))
    planner.profile = {"image_inputs": True}
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(with_picture(FORMS[0]))
    assert state["answer"] == "4821"
    assert planner.seen[0][-1].content_blocks[1]["base64"] == "AAAA"


async def test_another_image_under_the_same_words_asks_anew_and_none_asks_without(
    scripted: Any, plan: Any, look_up: Any
) -> None:
    planner = scripted(plan("Old Harbor"))
    planner.profile = {"image_inputs": True}
    agent = build_graph({"planner": planner}, [look_up])
    agent.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    for place in ("https://a.example/1.png", "https://a.example/2.png"):
        content: Any = [{"type": "text", "text": ASKED}, {"type": "image", "url": place}]
        given: Any = {"messages": [HumanMessage(content, id="m")]}
        state = await agent.ainvoke(given, config)
        assert [image["url"] for image in state["images"]] == [place]
    more: Any = {"messages": [HumanMessage("And the population of Old Harbor now?")]}
    state = await agent.ainvoke(more, config, context=Context(conversation=3))
    assert state["images"] == [] and isinstance(planner.seen[-1][-1].content, str)
    assert "[with image, not shown here]" in state["conversation"]


async def test_an_image_needs_words_and_a_place(scripted: Any, look_up: Any) -> None:
    agent = build_graph({"planner": scripted("x")}, [look_up])
    with pytest.raises(QuestionError, match="say in words what is asked"):
        await agent.ainvoke(with_picture(FORMS[0], " "))
    with pytest.raises(QuestionError, match="an image of the question has none of url, base64"):
        await agent.ainvoke(with_picture({"type": "image", "mime_type": "image/png"}))


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        ("openai:gpt-5-mini", True),
        ("openai:gpt-4o", True),
        ("openai:gpt-4.1-nano", True),
        ("openai:o4-mini", True),
        ("openai:ft:gpt-4o-2024-08-06:org::id", True),
        ("openai:gpt-3.5-turbo", False),
        ("openai:gpt-4", False),
        ("openai:o3-mini", False),
        ("openai:gpt-4o-audio-preview", False),
        ("anthropic:claude-sonnet-4-5", True),
        ("anthropic:claude-3-5-haiku-latest", True),
        ("anthropic:claude-2.1", False),
        ("google_genai:gemini-2.5-flash", True),
        ("google_genai:gemma-3-27b-it", True),
        ("xai:grok-4", True),
        ("xai:grok-3", False),
        ("xai:grok-2-vision-1212", True),
        ("deepseek:deepseek-chat", False),
        ("mistralai:pixtral-large-latest", True),
        ("mistralai:mistral-large-2411", False),
        ("openrouter:anthropic/claude-sonnet-4.5", True),
        ("openrouter:openai/gpt-4o-mini", True),
        ("openrouter:deepseek/deepseek-r1", False),
        ("groq:meta-llama/llama-4-scout-17b-16e-instruct", True),
        ("groq:llama-3.3-70b-versatile", False),
        ("together:Qwen/Qwen2.5-VL-72B-Instruct", True),
        ("dashscope:qwen-vl-max", True),
        ("dashscope:qwen-plus", False),
        ("ollama:llava:13b", True),
        ("ollama:gemma3:4b", True),
        ("ollama:gemma3:1b", False),
        ("ollama:llama3.2-vision", True),
        ("vllm:Qwen/Qwen3-VL-8B-Instruct", True),
        ("vllm:Qwen/Qwen2.5-7B-Instruct", False),
        ("vllm:openai/gpt-oss-20b", False),
    ],
)
def test_names_tell_which_models_take_images(spec: str, seen: bool) -> None:
    provider, _, name = spec.partition(":")
    assert sees(provider_of(provider), name) == seen


def test_a_parameter_says_otherwise() -> None:
    for told in (True, False):
        spec = f"vllm:m@http://127.0.0.1:9?images={str(told).lower()}"
        assert chat_model(spec, 0.0, 9).profile == {"image_inputs": told}
