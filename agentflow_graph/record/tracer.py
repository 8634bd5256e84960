"""Where spans go, and what they say of messages; OpenTelemetry is imported where it is wanted."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from langchain_core.messages import BaseMessage

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import hidden_in, shown

SWITCH = "AGENTFLOW_OTEL"
"""Environment variable: runs are sent to the collector that OpenTelemetry's own variables name."""
SERVICE = "agentflow"
_ROLES = {"human": "user", "ai": "assistant"}


def marked(span: Any, kind: str, text: str) -> None:
    """Say on `span` that it failed, with a kind of few words and the error's text."""
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", shown(kind)[:100])
    span.set_status(Status(StatusCode.ERROR, shown(text)[:1000]))


def messages_told(messages: Sequence[BaseMessage]) -> str:
    """Messages as the conventions write them: JSON of roles and parts, secrets replaced."""
    told = [
        {
            "role": _ROLES.get(one.type, one.type),
            "parts": [{"type": "text", "content": str(one.text)}],
        }
        for one in messages
    ]
    return told_as_text(told)


def told_as_text(value: Any) -> str:
    """Any value as text or JSON, secrets replaced."""
    clean = hidden_in(value)
    return clean if isinstance(clean, str) else json.dumps(clean, ensure_ascii=False, default=str)


@lru_cache(maxsize=1)
def tracer() -> Any:
    """The program's own tracer, or one that sends to the collector of the environment.

    Raises:
        SettingError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        remedy = "run `pip install 'agentflow-graph[otel]'`, or unset it"
        raise SettingError(f"{SWITCH} is set, and {error.name} is not here; {remedy}") from error
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        name = os.environ.get("OTEL_SERVICE_NAME", SERVICE)
        provider = TracerProvider(resource=Resource.create({"service.name": name}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
    return trace.get_tracer("agentflow_graph")
