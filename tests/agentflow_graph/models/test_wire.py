"""Replies and refusals of providers through the whole graph: what is answered."""

from __future__ import annotations

import re

import pytest
from answering import Reply
from langchain_core.tools import BaseTool, tool
from wire import message, module_of, provider, refusal, settings
from wire_cases import REFUSALS, REPLIES, THOUGHT, only

from agentflow_graph import build_graph
from agentflow_graph.record import RunRecord, record_as

pytestmark = pytest.mark.integration
QUESTION = {"question": "What is 6*7?"}
CASES = {**REFUSALS, **REPLIES}
THOUGHTFUL = [
    *list(REPLIES)[: list(REPLIES).index("empty plan")],
    "cut in reasoning",
    "only reasoning",
]


@pytest.fixture
def calculator() -> BaseTool:
    @tool
    async def calculator(query: str) -> str:
        """Calculate."""
        return "42" if query == "6*7" else f"cannot calculate {query!r}"

    return calculator


@pytest.mark.parametrize("case", CASES)
async def test_the_question_is_answered(case: str, calculator: BaseTool) -> None:
    run = RunRecord("run")
    with provider(CASES[case]) as server, record_as(run):
        graph = build_graph(tools=[calculator])
        state = await graph.ainvoke(QUESTION, context=settings(server, max_turns=2))
    assert (state["answer"], state["stopped_by"], state["error"]) == ("42", "verifier", "")
    (turn,) = state["turns"]
    assert [(one["tool"], one["arguments"]) for one in turn["calls"]] == [
        ("calculator", {"query": "6*7"})
    ]
    answers = [answer for _, answer in run.calls if "text" in answer]
    assert not any(THOUGHT in answer["text"] for answer in answers)
    assert any("reasoning" in answer for answer in answers) is (case in THOUGHTFUL)


FATAL: dict[str, tuple[Reply, str]] = {
    "wrong key": (
        refusal("Incorrect API key provided: sk-proj-abcdefghijk", 401),
        "answered 401.*it wants a key: export VLLM_API_KEY",
    ),
    "forbidden": (refusal("no", 403), "answered 403.*export VLLM_API_KEY"),
    "no such model": (refusal("model `m` does not exist", 404), "correct the model's name"),
    "no money": (refusal("Insufficient Balance", 402), "answered 402: .*Insufficient Balance"),
    "a page": (Reply(200, "<html>gateway</html>"), "is it a server of OpenAI's protocol"),
    "no choices": (Reply(200, {"choices": []}), "the answer has no choices"),
    "null choices": (Reply(200, {"choices": None}), "null value for 'choices'"),
    "an error with 200": (Reply(200, {"error": {"message": "upstream"}}), "upstream"),
    "nothing": (Reply(200, ""), "did not answer"),
    "too long": (
        refusal("This model's maximum context length is 8192 tokens."),
        "maximum context length is 8192 tokens.*lower memory_tokens",
    ),
    "an unknown field": (
        refusal("Unrecognized request argument: foo"),
        "argument: foo.*docs/models",
    ),
    "a broken server": (
        Reply(500, "boom", {"Retry-After": "0"}),
        "answered 500.*the server failed",
    ),
}


@pytest.mark.parametrize("case", FATAL)
async def test_a_failure_says_who_why_and_what_to_do(case: str, calculator: BaseTool) -> None:
    reply, said = FATAL[case]
    with provider(lambda body, number: reply) as server:
        graph = build_graph(tools=[calculator])
        state = await graph.ainvoke(QUESTION, context=settings(server, "?retries=1"))
    assert (state["answer"], state["stopped_by"]) == ("unknown", "error")
    assert re.search(said, state["error"]), state["error"]
    assert server.url in state["error"]
    assert "sk-proj" not in state["error"]


NEVER: dict[str, tuple[str, Reply]] = {
    "empty": ("generator", message("")),
    "cut off": ("generator", message("It is", "length")),
    "filtered": ("generator", message("", "content_filter")),
    "only reasoning": ("generator", message("<think>hm</think>")),
}


@pytest.mark.parametrize("case", NEVER)
async def test_an_answer_is_never_empty(case: str, calculator: BaseTool) -> None:
    who, reply = NEVER[case]
    with provider(only(who, *[reply] * 9)) as server:
        graph = build_graph(tools=[calculator])
        state = await graph.ainvoke(QUESTION, context=settings(server))
    assert (state["answer"], state["stopped_by"]) == ("42", "error"), "the rule answers"
    assert state["error"].startswith("the generator's reply cannot be used: ")


async def test_a_cut_reply_gets_more_room_and_a_repair_is_warmer(calculator: BaseTool) -> None:
    with provider(only("generator", message("It", "length"))) as server:
        graph = build_graph(tools=[calculator])
        await graph.ainvoke(QUESTION, context=settings(server, reply_tokens=50))
    first, second = (r.json for r in server.asked if module_of(r.json) == "generator")
    assert (first["max_tokens"], second["max_tokens"]) == (50, 100)
    assert (first["temperature"], second["temperature"]) == (0.0, 0.6)
    assert first["messages"] == second["messages"], "there is nothing to show"
