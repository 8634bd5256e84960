"""Traces of runs at a collector and at LangSmith, sent by the command as a person starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply
from collector import Seen, collector, spans
from wire import provider

pytestmark = pytest.mark.integration
KEY = "test-key-0123456789abcdef"
NANO = "What is the population of Old Harbor?"
OWN = """
import asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from langchain_core.runnables import RunnableLambda

kept = InMemorySpanExporter()
own = TracerProvider()
own.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(own)
from agentflow_graph import Context, graph
from agentflow_graph.embed import as_runnable

async def main():
    with trace.get_tracer("mine").start_as_current_span("request"):
        chain = as_runnable() | RunnableLambda(lambda state: state["answer"])
        print(await chain.ainvoke("What is the population of Old Harbor?"))

asyncio.run(main())
spans = kept.get_finished_spans()
names = {one.context.span_id: one.name for one in spans}
for one in spans:
    print(one.name, "<", names.get(one.parent.span_id, "?") if one.parent else "")
"""


def traced(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "LANGSMITH_"))}
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env={**kept, **environment},
        timeout=120,
    )


def asked(question: str, *options: str, **environment: str) -> str:
    done = traced("-m", "agentflow_graph", question, "--quiet", *options, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def served(url: str) -> list[str]:
    modules = ("planner", "executor", "verifier", "generator")
    return [f"--set={module}=vllm:m@{url}" for module in modules]


def by_name(found: list[Seen], name: str) -> Seen:
    (one,) = [span for span in found if span.name == name]
    return one


def test_a_run_is_spans_of_the_conventions() -> None:
    with collector() as server:
        on = {"AGENTFLOW_OTEL": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
        assert asked(NANO, **on) == "1189"
    found = spans(server.asked)
    assert [(one.name, one.parent) for one in found] == [
        ("invoke_agent agentflow", ""),
        ("begin", "invoke_agent agentflow"),
        ("planner", "invoke_agent agentflow"),
        ("chat nano", "planner"),
        ("executor", "invoke_agent agentflow"),
        ("execute_tool wikipedia_search", "executor"),
        ("verifier", "invoke_agent agentflow"),
        ("generator", "invoke_agent agentflow"),
    ]
    assert {one.service for one in found} == {"agentflow"}
    assert {one.failed for one in found} == {""}
    agent, chat = found[0].told, by_name(found, "chat nano").told
    assert (agent["gen_ai.operation.name"], agent["gen_ai.agent.name"]) == (
        "invoke_agent",
        "agentflow",
    )
    assert (agent["agentflow.stopped_by"], agent["agentflow.turns"]) == ("verifier", 1)
    assert (chat["gen_ai.operation.name"], chat["gen_ai.request.model"]) == ("chat", "nano")
    assert chat["gen_ai.usage.input_tokens"] > 10 < chat["gen_ai.usage.output_tokens"]
    tool = by_name(found, "execute_tool wikipedia_search").told
    assert (tool["gen_ai.tool.name"], tool["agentflow.turn"]) == ("wikipedia_search", 1)
    assert b"Old Harbor" not in b"".join(one.body for one in server.asked), "content is opt-in"


def test_content_is_sent_where_that_is_wanted_and_keys_never() -> None:
    with provider() as models, collector() as server:
        answer = asked(
            f"What is 6*7? My key is {KEY}",
            *served(models.url),
            "--set=tools=base_generator",
            AGENTFLOW_OTEL="1",
            OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true",
            VLLM_API_KEY=KEY,
        )
    assert answer == "42"
    assert any(KEY in str(one.headers) for one in models.asked), "it was used"
    sent = b"".join(one.body for one in server.asked)
    assert KEY.encode() not in sent
    chats = [one.told for one in spans(server.asked) if one.name == "chat m"]
    assert {one["agentflow.module"] for one in chats} >= {"planner", "verifier", "generator"}
    assert {one["gen_ai.provider.name"] for one in chats} == {"vllm"}
    assert {one["gen_ai.usage.input_tokens"] for one in chats} == {10}
    (planner,) = [one for one in chats if one["agentflow.module"] == "planner"][:1]
    roles = [one["role"] for one in json.loads(planner["gen_ai.input.messages"])]
    assert roles == ["system", "user"]
    (said,) = json.loads(planner["gen_ai.output.messages"])
    assert "Tool Name: " in said["parts"][0]["content"]


def test_a_failure_is_on_its_span() -> None:
    with Answering([Reply(401, {"error": {"message": "no"}})]) as models, collector() as server:
        done = traced(
            *("-m", "agentflow_graph", "What is 6*7?", "--quiet", *served(models.url)),
            AGENTFLOW_OTEL="1",
            OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
        )
    assert done.returncode == 1
    found = spans(server.asked)
    chat = by_name(found, "chat m")
    assert chat.told["error.type"] == "ProviderFailure"
    assert "answered 401" in chat.failed
    assert "answered 401" in found[0].failed
    assert found[0].told["agentflow.stopped_by"] == "error"


def test_a_program_with_tracing_of_its_own_keeps_it() -> None:
    done = traced("-c", OWN, AGENTFLOW_OTEL="1")
    answer, *lines = done.stdout.splitlines()
    assert answer == "1189", done.stderr
    assert "invoke_agent agentflow < request" in lines
    assert lines.count("invoke_agent agentflow < request") == 1
    assert not any("invoke_agent agentflow < invoke" in line for line in lines)
    assert "chat nano < planner" in lines
    assert lines[-1] == "request < "


def test_without_the_packages_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("")
    done = traced(
        *("-m", "agentflow_graph", NANO, "--quiet"), AGENTFLOW_OTEL="1", PYTHONPATH=str(tmp_path)
    )
    assert done.returncode == 2
    assert "pip install 'agentflow-graph[otel]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_langsmith_by_its_own_switch() -> None:
    with provider() as models, collector() as server:
        on: dict[str, Any] = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": server.url,
            "LANGSMITH_API_KEY": "lsv2_pt_0123456789",
            "VLLM_API_KEY": KEY,
        }
        tools = "--set=tools=base_generator"
        assert asked("What is 6*7?", *served(models.url), tools, **on) == "42"
    posted = [one for one in server.asked if one.path == "/runs/multipart"]
    sent = b"".join(one.body for one in posted)
    assert {one.headers["x-api-key"] for one in posted} == {"lsv2_pt_0123456789"}
    for name in (b"agentflow", b"planner", b"executor", b"verifier", b"generator"):
        assert b'"name":"' + name + b'"' in sent
    assert b'"ls_model_name":"m"' in sent
    assert KEY.encode() not in sent
    with provider() as models, collector() as server:
        assert asked("What is 6*7?", *served(models.url), tools) == "42"
        assert not server.asked, "off unless switched on"
