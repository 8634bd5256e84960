"""What Anthropic, Gemini and Ollama say over their own protocols, as replies of a local server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from answering import Answering, Reply, Request
from wire import SAID

MODULES: Mapping[str, str] = {
    "planner": "You plan how a question",
    "executor": "You fill in the arguments",
    "verifier": "You judge whether the steps",
    "generator": "You answer a question from the steps",
}
THOUGHT = 'Tool Name: hammer <answer>7</answer> {"complete": false}'


def asks(request: Request) -> str:
    """Which module asks."""
    return next(name for name, mark in MODULES.items() if mark in request.body.decode())


def _events(*events: tuple[str, dict[str, Any]]) -> Reply:
    lines = [
        f"event: {name}\ndata: {json.dumps({'type': name, **body})}\n\n" for name, body in events
    ]
    return Reply(body="".join(lines), headers={"Content-Type": "text/event-stream"})


def _anthropic(text: str, request: Request) -> Reply:
    body = request.json
    said: list[dict[str, Any]] = [{"type": "thinking", "thinking": THOUGHT, "signature": "s"}]
    if "tool_choice" in body:
        call = {"type": "tool_use", "id": "t", "name": body["tool_choice"]["name"]}
        said.append({**call, "input": json.loads(text)})
    else:
        said.append({"type": "text", "text": text})
    whole = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": said}
    reason = "tool_use" if "tool_choice" in body else "end_turn"
    end = {"stop_reason": reason, "stop_sequence": None}
    usage = {"input_tokens": 10, "output_tokens": 5}
    if not body.get("stream"):
        return Reply(body={**whole, **end, "usage": usage})
    started = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[tuple[str, dict[str, Any]]] = [("message_start", {"message": started})]
    for index, block in enumerate(said):
        kind = block["type"]
        field = {"thinking": "thinking", "text": "text", "tool_use": "input"}[kind]
        empty = {**block, field: {} if kind == "tool_use" else ""}
        delta = {
            "thinking": {"type": "thinking_delta", "thinking": THOUGHT},
            "text": {"type": "text_delta", "text": text},
            "tool_use": {"type": "input_json_delta", "partial_json": text},
        }[kind]
        events += [
            ("content_block_start", {"index": index, "content_block": empty}),
            ("content_block_delta", {"index": index, "delta": delta}),
            ("content_block_stop", {"index": index}),
        ]
    events += [
        ("message_delta", {"delta": end, "usage": usage}),
        ("message_stop", {}),
    ]
    return _events(*events)


def _gemini(text: str, request: Request) -> Reply:
    parts = [{"text": THOUGHT, "thought": True}, {"text": text}]
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}
    whole = {"candidates": [candidate], "usageMetadata": usage}
    if not request.path.endswith(":streamGenerateContent"):
        return Reply(body=whole)
    data = f"data: {json.dumps(whole)}\n\n"
    return Reply(body=data, headers={"Content-Type": "text/event-stream"})


def _ollama(text: str, request: Request) -> Reply:
    frame = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
    message = {"role": "assistant", "content": text, "thinking": THOUGHT}
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 10, "eval_count": 5}
    lines = [
        {**frame, "message": message, "done": False},
        {**frame, "message": {"role": "assistant", "content": ""}, **end},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    return Reply(body=body, headers={"Content-Type": "application/x-ndjson"})


@dataclass(frozen=True)
class Native:
    """One provider: its model, the variables that name server and key, and how it replies."""

    model: str
    url: str
    key: str
    says: Callable[[str, Request], Reply]
    limit: Callable[[dict[str, Any]], int]
    """The token limit of a request."""
    schema: Callable[[dict[str, Any]], Any]
    """The JSON schema of a request, or None."""
    refusal: Callable[[str], Any]
    """The body of a refused request."""


NATIVES = {
    "anthropic": Native(
        "anthropic:claude-opus-4-5",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_KEY",
        _anthropic,
        lambda body: int(body["max_tokens"]),
        lambda body: body["tools"][0]["input_schema"] if "tools" in body else None,
        lambda text: {"type": "error", "error": {"type": "invalid_request_error", "message": text}},
    ),
    "gemini": Native(
        "gemini:gemini-2.5-flash",
        "GOOGLE_GEMINI_BASE_URL",
        "GOOGLE_API_KEY",
        _gemini,
        lambda body: int(body["generationConfig"]["maxOutputTokens"]),
        lambda body: body["generationConfig"].get("responseJsonSchema"),
        lambda text: {"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}},
    ),
    "ollama": Native(
        "ollama:qwen3?reasoning=true",
        "OLLAMA_HOST",
        "",
        _ollama,
        lambda body: int(body["options"]["num_predict"]),
        lambda body: body.get("format"),
        lambda text: {"error": text},
    ),
}

Instead = Callable[[Request], Reply | None]


def native(name: str, instead: Instead = lambda request: None) -> Answering:
    """A server whose modules all say the right thing, but for what `instead` gives."""
    return Answering(lambda asked: instead(asked) or NATIVES[name].says(SAID[asks(asked)], asked))
