"""A collector of OpenTelemetry and a LangSmith, as servers of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from answering import Answering, Reply, Request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """One span."""

    name: str
    parent: str
    """Name of the span around it; empty: none that was sent."""
    told: dict[str, Any]
    failed: str
    """What its status says; empty if it is no error."""
    service: str


def collector() -> Answering:
    """A server that takes what it is sent."""
    return Answering(lambda request: Reply(body={}))


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


def spans(asked: list[Request]) -> list[Seen]:
    """The spans that were sent, in the order of their beginnings."""
    found = []
    for request in asked:
        if request.path != "/v1/traces":
            continue
        for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
            about = {one.key: _value(one.value) for one in resource.resource.attributes}
            found += [(about, span) for scope in resource.scope_spans for span in scope.spans]
    names = {span.span_id: span.name for _, span in found}
    found.sort(key=lambda one: int(one[1].start_time_unix_nano))
    return [
        Seen(
            span.name,
            names.get(span.parent_span_id, ""),
            {one.key: _value(one.value) for one in span.attributes},
            span.status.message if span.status.code == 2 else "",
            str(about["service.name"]),
        )
        for about, span in found
    ]
