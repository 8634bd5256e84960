"""A provider on this machine that tells what each call spent, cached and reasoning tokens too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from answering import Answering, Reply, Request

USAGE = {
    "prompt_tokens": 1_000,
    "completion_tokens": 100,
    "total_tokens": 1_100,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 30},
}
PRICES = '["vllm:*"]\ninput = 100\noutput = 1000\ncached = 10\n'
CALL = 0.164
"""US dollars of one call: 600 tokens of input, 400 that were cached, 100 of output."""
SAID = {
    "planner": "Context: 6*7\nSub-Goal: compute\nTool Name: base_generator",
    "executor": '{"query": "6*7"}',
    "verifier": '{"complete": false, "reason": "no"}',
    "generator": "<answer>42</answer>",
    "tool": "42",
    "judge": "So it is.\nVERDICT: INCORRECT",
}


def charging() -> Answering:
    """A server whose models are called as what they do."""
    return Answering(_answer)


def model(server: Answering, name: str) -> str:
    """The model string of one of its models."""
    return f"vllm:{name}@{server.url}"


def modules(server: Answering) -> dict[str, Any]:
    """Settings in which each module and the tool's model are the server's; one turn."""
    named = {name: model(server, name) for name in ("planner", "executor", "verifier", "generator")}
    return {**named, "tool_model": model(server, "tool"), "tools": "base_generator", "max_turns": 1}


def price_file(folder: Path, text: str = PRICES) -> Path:
    """Prices in a file."""
    path = folder / "prices.toml"
    path.write_text(text)
    return path


def _answer(request: Request) -> Reply:
    body = request.json
    text = SAID[body["model"]]
    frame = {"id": "c", "created": 1, "model": "m"}
    if not body.get("stream"):
        choice = {"index": 0, "finish_reason": "stop"}
        choice["message"] = {"role": "assistant", "content": text}
        whole = {**frame, "object": "chat.completion", "choices": [choice], "usage": USAGE}
        return Reply(body=whole)
    deltas = [{"role": "assistant", "content": text}, {}]
    ends = (None, "stop")
    events: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        for delta, end in zip(deltas, ends, strict=True)
    ]
    events.append({"choices": [], "usage": USAGE})
    chunks = ({**frame, "object": "chat.completion.chunk", **event} for event in events)
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
    return Reply(body="".join(lines), headers={"Content-Type": "text/event-stream"})
