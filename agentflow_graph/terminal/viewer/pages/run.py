"""One run as the page shows it: what was asked and answered, turn by turn.

A view is plain data: texts, numbers and `Tokens`. Whatever a model or a tool may have shaped is one
text in it, so that the page needs to know no more than where it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentflow_graph.record.reading import RecordedCall, RecordedRun
from agentflow_graph.terminal.viewer.index.fields import mapping, mappings, number, text, whole
from agentflow_graph.terminal.viewer.pages.fitting import Tokens, written
from agentflow_graph.terminal.viewer.pages.reading import Read

MOST_CALLS = 100
"""Calls of one turn that are shown."""
ALL = 2**31
View = dict[str, Any]
Pieces = Callable[[RecordedRun, list[int], str], list[str] | None]
"""Of a run, ids and the reply they make: the text of each, or None where it cannot be had."""


def view_of(read: Read, pieces: Pieces) -> View:
    """The whole run; `turns` by index, and before and after them what belongs to no turn."""
    run, state = read.run, read.run.state or {}
    turns = {whole(turn, "index"): turn for turn in mappings(state, "turns")}
    called = {call.key.turn for call in run.calls}
    numbers = sorted({*turns, *called, *run.verdicts, *run.decisions} - {0})
    outside = [call for call in run.calls if call.key.turn == 0]
    before = [call for call in outside if call.key.node.startswith("analysis")]
    after = [call for call in outside if call not in before]
    return {
        **_head(read, state),
        "before": _calls(before, run, pieces),
        "turns": [_turn(index, turns.get(index, {}), run, pieces) for index in numbers],
        "after": _calls(after, run, pieces),
    }


def _head(read: Read, state: View) -> View:
    run, row = read.run, read.row
    known = ("name", "part", "item", "number", "step", "level", "status", "reward", "fault", "cost")
    return {
        **{name: row[name] for name in known},
        "golds": row["golds"],
        "question": run.question or row["question"],
        "conversation": run.conversation,
        "images": len(run.images),
        "answer": text(state, "answer", ALL),
        "outputs": {str(n): written(one) for n, one in mapping(state, "outputs").items()},
        "analysis": text(state, "analysis", ALL),
        "stopped_by": text(state, "stopped_by"),
        "error": text(state, "error", ALL) or row["error"],
        "ended": run.state is not None,
        "seconds": number(state, "seconds"),
        "begun": run.begun,
        "usage": [_spent(name, one) for name, one in mapping(state, "usage").items()],
        "settings": written(run.settings),
        "versions": written(run.versions),
        "resources": written(run.resources) if run.resources else "",
        "notes": [{"kind": note["event"], "text": written(note)} for note in run.notes],
        "lines": read.lines,
        "damaged": read.damaged,
        "left": read.left,
    }


def _spent(module: str, used: Any) -> View:
    given = used if isinstance(used, dict) else {}
    names = ("calls", "input_tokens", "output_tokens", "seconds", "cost")
    return {"module": module, **{name: number(given, name) for name in names}}


def _turn(index: int, turn: View, run: RecordedRun, pieces: Pieces) -> View:
    calls = [call for call in run.calls if call.key.turn == index]
    verdict = run.verdicts.get(index) or mapping(turn, "verdict")
    plan = ("sub_goal", "tool", "context", "justification", "error")
    return {
        "index": index,
        "plan": {name: text(turn, name, ALL) for name in plan if turn.get(name)},
        "proposal": written(turn["proposal"]) if turn.get("proposal") else "",
        "calls": _calls(calls[:MOST_CALLS], run, pieces),
        "more_calls": max(0, len(calls) - MOST_CALLS),
        "uncalled": [_tool(call, call) for call in mappings(turn, "calls")] if not calls else [],
        "decisions": [
            {name: written(event.get(name)) for name in ("shown", "said")}
            for event in run.decisions.get(index, [])
        ],
        "verdict": _verdict(verdict) if verdict else None,
    }


def _verdict(verdict: View) -> View:
    return {
        "complete": bool(verdict.get("complete")),
        "reason": text(verdict, "reason", ALL),
        "stopped_by": text(verdict, "stopped_by"),
        "seconds": number(verdict, "seconds"),
    }


def _calls(calls: list[RecordedCall], run: RecordedRun, pieces: Pieces) -> list[View]:
    return [_call(call, run, pieces) for call in calls]


def _call(call: RecordedCall, run: RecordedRun, pieces: Pieces) -> View:
    answer = call.answer or {}
    view: View = {"node": call.key.node, "number": call.key.number, "open": not call.answer}
    if call.error:
        view |= {"open": False, "failed": {"kind": call.error[0], "text": call.error[1]}}
    if "tool" in call.request or ("status" in answer and "text" not in answer):
        return view | _tool(call.request, answer)
    return view | _asked(call.request) | (_reply(answer, run, pieces) if answer else {})


def _tool(request: View, answer: View) -> View:
    return {
        "kind": "tool",
        "tool": text(request, "tool", 200),
        "arguments": written(request.get("arguments", {})),
        "status": text(answer, "status", 20),
        "result": written(answer.get("result", "")),
        "data": written(answer["data"]) if answer.get("data") else "",
        "seconds": number(answer, "seconds"),
    }


def _asked(request: View) -> View:
    messages = [
        {"role": text(message, "role", 40), "content": written(message.get("content", ""))}
        for message in mappings(request, "messages")
    ]
    return {
        "kind": "model",
        "model": text(request, "model", 500),
        "sampling": written(request.get("sampling", {})),
        "messages": messages,
    }


def _reply(answer: View, run: RecordedRun, pieces: Pieces) -> View:
    view: View = {
        "reply": text(answer, "text", ALL),
        "reasoning": text(answer, "reasoning", ALL),
        "finish": text(answer, "finish_reason", 40),
        "input_tokens": number(answer, "input_tokens"),
        "output_tokens": number(answer, "output_tokens"),
        "seconds": number(answer, "seconds"),
        "policy_version": number(answer, "policy_version"),
    }
    return view | {"tokens": tokens_of(answer, run, pieces)}


def tokens_of(answer: View, run: RecordedRun, pieces: Pieces) -> Tokens | None:
    """Text and natural log-probability of each sampled token; None where they are not recorded."""
    ids, logprobs = answer.get("token_ids"), answer.get("logprobs")
    if not (isinstance(ids, list) and isinstance(logprobs, list) and len(ids) == len(logprobs)):
        return None
    whole_ids = [one for one in ids if isinstance(one, int) and 0 <= one < 2**31]
    told = pieces(run, whole_ids, text(answer, "text", ALL)) if len(whole_ids) == len(ids) else None
    if told is None:
        return None
    logs = [number({"": one}, "") for one in logprobs]
    pairs = zip(told, logs, strict=True)
    return Tokens([piece, None if one is None else round(one, 4)] for piece, one in pairs)
