"""Runs as OpenTelemetry spans, by the conventions for generative AI.

    AGENTFLOW_OTEL=1 OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 agentflow "..."

Off unless AGENTFLOW_OTEL is set. A run is a span `invoke_agent agentflow`, below it one for each
node, `chat MODEL` for each call of a model and `execute_tool NAME` for each call of a tool. Where
the program has a tracer provider of its own, that is used, and a run is a child of the span around
it. What was asked and answered is left out unless the variable CONTENT
below is true; secrets are replaced then.

Conventions: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (gen_ai.*). `agentflow.*` are ours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.tracers.context import register_configure_hook
from langgraph.errors import GraphBubbleUp

from agentflow_graph.errors.outside import shown
from agentflow_graph.record.tracer import SWITCH, marked, messages_told, told_as_text, tracer

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
AGENT = "agentflow"


class Spans(BaseCallbackHandler):
    """The spans of one run of a program; calls that belong to no run of the graph are left alone.

    Raises:
        SettingError: OpenTelemetry is not installed.
    """

    run_inline = True
    raise_error = False

    def __init__(self) -> None:
        self._tracer = tracer()
        self._spans: dict[UUID, Any] = {}
        self._within: dict[UUID, Any] = {}
        """Spans by the calls below them that have none of their own."""
        self._agents: set[UUID] = set()
        self._content = os.environ.get(CONTENT, "").lower() in ("true", "1")

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **told: Any,
    ) -> None:
        """A run of the graph, or one of its nodes."""
        name, within = told.get("name"), self._around(parent_run_id)
        if name == AGENT and parent_run_id not in self._agents:
            self._agents.add(run_id)
            named = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": AGENT}
            self._begin(f"invoke_agent {AGENT}", run_id, within, named)
        elif within is not None and name == (metadata or {}).get("langgraph_node"):
            self._begin(str(name), run_id, within, {})
        elif within is not None:
            self._within[run_id] = within

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        """It came to its end; of a run its last state tells why."""
        self._within.pop(run_id, None)
        last = outputs if isinstance(outputs, Mapping) else {}
        ended = {"agentflow.stopped_by": last.get("stopped_by"), "agentflow.turns": _turns(last)}
        self._end(run_id, ended, str(last.get("error") or "") if "answer" in last else "")

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """It failed, or waits for a person."""
        self._within.pop(run_id, None)
        if isinstance(error, GraphBubbleUp):
            self._end(run_id, {"agentflow.waits": True})
        else:
            self._fail(run_id, error)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """A model is asked."""
        within = self._around(parent_run_id)
        if within is None:
            return
        told = metadata or {}
        model = str(told.get("ls_model_name") or "model")
        asked = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": told.get("ls_provider"),
            "gen_ai.request.model": model,
            "gen_ai.request.temperature": told.get("ls_temperature"),
            "gen_ai.request.max_tokens": told.get("ls_max_tokens"),
            "agentflow.module": told.get("agentflow_module"),
            "agentflow.turn": told.get("agentflow_turn"),
        }
        if self._content:
            asked["gen_ai.input.messages"] = messages_told(messages[0])
        self._begin(f"chat {model}", run_id, within, asked, client=True)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """It answered."""
        if run_id not in self._spans:
            return
        message: Any = getattr(response.generations[0][0], "message", None)
        usage = getattr(message, "usage_metadata", None) or {}
        reason = (message.response_metadata if message else {}).get("finish_reason")
        said = {
            "gen_ai.usage.input_tokens": usage.get("input_tokens"),
            "gen_ai.usage.output_tokens": usage.get("output_tokens"),
            "gen_ai.response.finish_reasons": [reason] if reason else None,
        }
        if self._content and message:
            said["gen_ai.output.messages"] = messages_told([message])
        self._end(run_id, said)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """It did not."""
        self._fail(run_id, error)

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **told: Any,
    ) -> None:
        """A tool is called."""
        within = self._around(parent_run_id)
        if within is None:
            return
        name = str(told.get("name") or serialized.get("name"))
        call = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "agentflow.turn": (metadata or {}).get("agentflow_turn"),
        }
        if self._content:
            call["gen_ai.tool.call.arguments"] = told_as_text(inputs or input_str)
        self._begin(f"execute_tool {name}", run_id, within, call)

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """It gave a result."""
        result = getattr(output, "content", output)
        artifact = getattr(output, "artifact", None)
        status = artifact.get("status") if isinstance(artifact, Mapping) else None
        said = {"gen_ai.tool.call.result": told_as_text(result)} if self._content else {}
        self._end(run_id, said, str(status) if status not in (None, "ok") else "")

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """It raised."""
        self._fail(run_id, error)

    def _around(self, parent: UUID | None) -> Any:
        if parent is None:
            return None
        return self._spans.get(parent) or self._within.get(parent)

    def _begin(
        self, name: str, run: UUID, within: Any, told: Mapping[str, Any], client: bool = False
    ) -> None:
        from opentelemetry.trace import SpanKind, set_span_in_context

        around = None if within is None else set_span_in_context(within)
        kind = SpanKind.CLIENT if client else SpanKind.INTERNAL
        known = {key: value for key, value in told.items() if value is not None}
        self._spans[run] = self._tracer.start_span(shown(name), around, kind, known)

    def _end(self, run: UUID, told: Mapping[str, Any], error: str = "") -> None:
        span = self._spans.pop(run, None)
        if span is None:
            return
        for key, value in told.items():
            if value is not None:
                span.set_attribute(key, value)
        if error:
            marked(span, error.split(":")[0], error)
        span.end()

    def _fail(self, run: UUID, error: BaseException) -> None:
        span = self._spans.pop(run, None)
        if span is not None:
            marked(span, type(error).__name__, str(error))
            span.end()


def _turns(state: Mapping[str, Any]) -> int | None:
    turns = state.get("turns")
    return len(turns) if "answer" in state and isinstance(turns, Sequence) else None


_HANDLER: ContextVar[Spans | None] = ContextVar("agentflow_spans", default=None)


def switch_on() -> None:
    """From now on every run of a graph in this process has spans, while the variable is set."""
    register_configure_hook(_HANDLER, True, Spans, SWITCH)
