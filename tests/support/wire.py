"""What providers say over OpenAI's protocol, as replies of a local server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from answering import Answering, Reply, Request

from agentflow_graph import Context

PLAN = "Justification: j\nContext: 6*7\nSub-Goal: compute\nTool Name: calculator"
SAID: Mapping[str, str] = {
    "planner": PLAN,
    "executor": '{"query": "6*7"}',
    "verifier": '{"complete": true, "reason": "done"}',
    "generator": "It is so. <answer>42</answer>",
    "analysis": "easy",
}
_MARKS = {
    "planner": "You plan how a question",
    "executor": "You fill in the arguments",
    "verifier": "You judge whether the steps",
    "generator": "You answer a question from the steps",
    "analysis": "You analyse a question",
}


def module_of(body: Mapping[str, Any]) -> str:
    """Which module asks."""
    text = json.dumps(body.get("messages", body.get("input", "")))
    return next(name for name, mark in _MARKS.items() if mark in text)


def message(content: Any, finish: str | None = "stop", **beside: Any) -> Reply:
    """A whole reply; `beside` are further fields of the message."""
    told = {"role": "assistant", "content": content, **beside}
    choice: dict[str, Any] = {"index": 0, "message": told, "finish_reason": finish}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    frame = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return Reply(body={**frame, "choices": [choice], "usage": usage})


def refusal(text: str, status: int = 400, **beside: Any) -> Reply:
    """A refused request, as OpenAI writes it."""
    return Reply(status, {"error": {"message": text, "type": "invalid_request_error", **beside}})


def stream(
    content: str, usage: bool = True, reasoning: str = "", finish: str | None = "stop"
) -> Reply:
    """The same, word by word; with what it spent at the end, or without."""
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": word} for word in reasoning.split(" ") if word]
    deltas += [{"content": part} for part in content.partition(" ")]
    choices: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas
    ]
    choices.append([{"index": 0, "delta": {}, "finish_reason": finish}])
    events: list[dict[str, Any]] = [{**frame, "choices": one} for one in choices]
    if usage:
        spent = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        events.append({**frame, "choices": [], "usage": spent})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]
    return Reply(body="".join(lines), headers={"Content-Type": "text/event-stream"})


Say = Callable[[dict[str, Any], int], Reply | str | None]


def provider(say: Say | None = None) -> Answering:
    """A server whose modules all say the right thing, but for what `say(body, number)` gives.

    `number` counts the requests of the module that asks, from 1.
    """
    counts: dict[str, int] = {}

    def answer(request: Request) -> Reply:
        body = request.json
        who = module_of(body)
        counts[who] = counts.get(who, 0) + 1
        told = say(body, counts[who]) if say else None
        text = SAID[who] if told is None else told
        if isinstance(text, Reply):
            return text
        return stream(text) if body.get("stream") else message(text)

    return Answering(answer)


def settings(server: Answering, options: str = "", **more: Any) -> Context:
    """Every module is the server's model `m`."""
    spec = f"vllm:m@{server.url}{options}"
    modules = dict.fromkeys(("planner", "executor", "verifier", "generator"), spec)
    return Context(**{**modules, **more})
