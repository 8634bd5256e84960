"""The memory as a module reads it: the turns as text, under a token budget.

Old results are shortened first, then old turns are left out; the latest turn never is. The state
itself keeps everything.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentflow_graph.state import ToolCall, Turn

Count = Callable[[str], int]
"""Number of tokens of a text."""

SHORT, WHOLE = 240, 10**9
"""Characters that a result keeps: an old one when the budget is tight, any other."""


def approximate_tokens(text: str) -> int:
    """About four characters a token, rounded up: for models whose tokenizer is not at hand."""
    return -(-len(text) // 4)


def shorten(text: str, limit: int) -> str:
    """`text` with its middle left out, so that about `limit` characters stay."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters left out ...] {text[-half:]}"


def render(
    turns: Sequence[Turn], budget: int, count: Count = approximate_tokens, terse: bool = False
) -> str:
    """All turns as text of at most `budget` tokens, as far as the latest turn allows."""
    one = _terse if terse else _full
    texts = [one(turn, WHOLE) for turn in turns]
    if sum(len(text.encode(errors="replace")) for text in texts) <= budget:
        return "".join(texts)  # a token is a byte or more: no need to count
    sizes = [count(text) for text in texts]
    for index, turn in enumerate(turns[:-1]):
        if sum(sizes) <= budget:
            break
        texts[index] = one(turn, SHORT)
        sizes[index] = count(texts[index])
    left_out = 0
    while sum(sizes[left_out:]) > budget and left_out < len(turns) - 1:
        left_out += 1
    note = f"({left_out} earlier steps left out)\n" if left_out else ""
    return note + "".join(texts[left_out:])


def command(arguments: Mapping[str, Any]) -> str:
    """The arguments of a call as a reader would write them."""
    if len(arguments) == 1:
        return str(*arguments.values())
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _result(call: ToolCall, limit: int) -> str:
    text = shorten(call["result"], limit)
    return text if call["status"] == "ok" else f"{call['status']}: {text}"


def _terse(turn: Turn, limit: int) -> str:
    goal, tool = turn.get("sub_goal", "none"), turn.get("tool", "none")
    return "".join(
        f"Step {turn['index']}: {goal} | {tool} | {command(call['arguments'])}\n"
        f"Result: {_result(call, limit)}\n"
        for call in turn["calls"]
    )


def _full(turn: Turn, limit: int) -> str:
    goal = turn.get("sub_goal", "(none: the plan could not be read)")
    lines = [f"Step {turn['index']}", f"  Sub-goal: {goal}"]
    for call in turn["calls"]:
        lines.append(f"  Tool: {call['tool'] or '(none)'}({command(call['arguments'])})")
        lines.append(f"  Result: {_result(call, limit)}")
    if verdict := turn.get("verdict"):
        decision = "complete" if verdict["complete"] else "go on"
        lines.append(f"  Verifier: {decision}. {verdict['reason']}")
    return "\n".join(lines) + "\n"
