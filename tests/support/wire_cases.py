"""Eighty things that providers and models do, each of which leaves the question answerable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from answering import Reply
from wire import PLAN, Say, message, module_of, refusal


def only(who: str, *replies: Reply | str) -> Say:
    """`who` says `replies` first, and then the right thing."""

    def say(body: dict[str, Any], number: int) -> Reply | str | None:
        return replies[number - 1] if module_of(body) == who and number <= len(replies) else None

    return say


def refuses(fits: Callable[[dict[str, Any]], bool], reply: Reply) -> Say:
    """Requests that `fits` are refused."""
    return lambda body, number: reply if fits(body) else None


def has_system(body: dict[str, Any]) -> bool:
    return any(one["role"] == "system" for one in body["messages"])


def has_empty(body: dict[str, Any]) -> bool:
    return any(not one.get("content") for one in body["messages"])


THOUGHT = 'Tool Name: hammer <answer>7</answer> {"complete": false}'
NAMES = {"think": "x", "thinking": "x", "thought": "x", "reasoning": "x", "seed:think": "x"}
REFUSALS: dict[str, Say] = {
    "temperature, o-series": refuses(
        lambda b: "temperature" in b,
        refusal("Unsupported parameter: 'temperature' is not supported with this model."),
    ),
    "temperature, only 1": refuses(
        lambda b: b.get("temperature", 1) != 1,
        refusal("Unsupported value: 'temperature' does not support 0 with this model."),
    ),
    "temperature, Claude": refuses(
        lambda b: "temperature" in b, refusal("`temperature` is deprecated for this model.")
    ),
    "max_tokens, OpenAI": refuses(
        lambda b: "max_tokens" in b,
        refusal("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    ),
    "any limit": refuses(
        lambda b: bool({"max_tokens", "max_completion_tokens"} & set(b)),
        Reply(
            422,
            {
                "detail": [
                    {"loc": ["body", "max_tokens"], "msg": "Extra inputs"},
                    {"x": "max_completion_tokens"},
                ]
            },
        ),
    ),
    "limit too large": refuses(
        lambda b: b.get("max_tokens", 0) > 100,
        refusal("'max_tokens' is too large: 2048. This model's maximum context length is 300."),
    ),
    "response_format": refuses(
        lambda b: "response_format" in b, refusal("This response_format type is unavailable now")
    ),
    "response_format, llama.cpp": refuses(
        lambda b: "response_format" in b,
        Reply(400, {"error": {"code": 400, "message": "failed to parse grammar"}}),
    ),
    "extra fields, strict server": refuses(
        lambda b: "response_format" in b,
        Reply(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"]}]}),
    ),
    "system, vLLM": refuses(
        has_system,
        Reply(400, {"object": "error", "message": "System role not supported", "code": 400}),
    ),
    "system, Gemini's Gemma": refuses(
        has_system, refusal("Developer instruction is not enabled for models/gemma-3-27b-it")
    ),
    "system, o1-mini": refuses(
        has_system,
        refusal("Unsupported value: 'messages[0].role' does not support 'system' with this model."),
    ),
    "system, Mistral template": refuses(
        has_system,
        refusal("Conversation roles must alternate user/assistant/user/assistant/..."),
    ),
    "everything at once": lambda b, n: (
        refusal("System role not supported")
        if has_system(b)
        else refusal("temperature is not supported")
        if "temperature" in b
        else refusal("response_format is not supported")
        if "response_format" in b
        else refusal("max_tokens is not supported, use max_completion_tokens")
        if "max_tokens" in b
        else None
    ),
    "empty message in a repair": lambda b, n: (
        refusal("messages.2: all messages must have non-empty content")
        if has_empty(b)
        else message("")
        if module_of(b) == "planner" and n == 1
        else None
    ),
    "429 once": only("planner", Reply(429, {"error": "slow down"}, {"Retry-After": "0"})),
    "500 once": only("generator", Reply(500, {"error": "boom"}, {"Retry-After": "0"})),
    "503 once": only("verifier", Reply(503, "<html>", {"Retry-After": "0"})),
    "529 once": only("executor", Reply(529, {"error": "overloaded"}, {"Retry-After": "0"})),
}
REPLIES: dict[str, Say] = {
    **{
        f"<{name}> before the plan": only("planner", f"<{name}>{THOUGHT}</{name}>\n{PLAN}")
        for name in NAMES
    },
    "no opening tag": only("planner", f"{THOUGHT}\n</think>\n\n{PLAN}"),
    "upper case": only("planner", f"<THINK>{THOUGHT}</THINK>{PLAN}"),
    "[THINK]": only("planner", f"[THINK]{THOUGHT}[/THINK]{PLAN}"),
    "Kimi": only("planner", f"◁think▷{THOUGHT}◁/think▷{PLAN}"),
    "Cohere": only("planner", f"<|START_THINKING|>{THOUGHT}<|END_THINKING|>{PLAN}"),
    "of_thought": only("planner", f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>{PLAN}"),
    "gpt-oss": only(
        "planner",
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final"
        f"<|message|>{PLAN}",
    ),
    "reasoning_content": only("planner", message(PLAN, reasoning_content=THOUGHT)),
    "reasoning": only("planner", message(PLAN, reasoning=THOUGHT)),
    "Mistral's blocks": only(
        "planner",
        message(
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": PLAN},
            ]
        ),
    ),
    "draft verdict in reasoning": only(
        "verifier", '<think>{"complete": false}</think>{"complete": true, "reason": "r"}'
    ),
    "thought answer": only("generator", "<think><answer>7</answer></think>So <answer>42</answer>"),
    "empty plan": only("planner", ""),
    "null plan": only("planner", message(None)),
    "blank plan": only("planner", "  \n "),
    "cut plan": only("planner", message(PLAN[:30], "length")),
    "cut in reasoning": only("planner", message("<think>so much to", "length")),
    "only reasoning": only("planner", message("", reasoning_content=THOUGHT)),
    "cut arguments": only("executor", message('{"query": "6*', "length")),
    "cut verdict": only("verifier", message('{"complete": fal', "length")),
    "cut answer": only("generator", message("It is so. <answer>4", "length")),
    "empty answer": only("generator", ""),
    "empty arguments": only("executor", ""),
    "empty verdict": only("verifier", ""),
    "MAX_TOKENS": only("generator", message("It is", "MAX_TOKENS")),
    "filtered once": only("generator", message("", "content_filter")),
    "refused once": only("generator", message(None, refusal="I cannot")),
    "no finish reason": only("planner", message(PLAN, None)),
    "fenced plan": only("planner", f"```\n{PLAN}\n```"),
    "fenced context": only("planner", PLAN.replace("6*7", "```python\n6*7\n```")),
    "aside": only("planner", f"{PLAN} (to compute)"),
    "dash": only("planner", f"{PLAN} - it computes"),
    "sentence": only("planner", PLAN.replace("calculator", "I will use the calculator.")),
    "call": only("planner", f"{PLAN}.execute()"),
    "JSON plan": only(
        "planner",
        '```json\n{"context": "6*7", "subGoal": "compute", "toolName": "calculator"}\n```',
    ),
    "unknown tool, then right": only("planner", PLAN.replace("calculator", "hammer")),
    "fenced arguments": only("executor", '```json\n{"query": "6*7"}\n```'),
    "single quotes": only("executor", "{'query': '6*7'}"),
    "comma too many": only("executor", '{"query": "6*7",}'),
    "a draft first": only("executor", 'Perhaps {"query": "1"}? No: {"query": "6*7"}'),
    "schema echoed": only(
        "executor", '{"type": "object", "properties": {}} becomes {"query": "6*7"}'
    ),
    "tool call in words": only(
        "executor", '<tool_call>{"name": "calculator", "arguments": {"query": "6*7"}}</tool_call>'
    ),
    "arguments as text": only(
        "executor", '{"name": "calculator", "arguments": "{\\"query\\": \\"6*7\\"}"}'
    ),
    "typographic quotes": only("executor", "{“query”: “6*7”}"),
    "verdict as text": only("verifier", '{"complete": "True", "reason": "r"}'),
    "verdict over lines": only("verifier", '{"complete": true, "reason": "a\nb"}'),
    "Python's verdict": only("verifier", "{'complete': True, 'reason': None}"),
    "verdict in words": only("verifier", "Enough.\n**Conclusion**: STOP"),
    "verdict inside": only("verifier", '{"verdict": {"complete": true, "reason": "r"}}'),
    "draft verdict": only("verifier", '{"complete": false} ... {"complete": true, "reason": "r"}'),
}
