"""What a person said to a tool call: one decision, in any shape in which clients send it.

LangChain's human-in-the-loop: `{"decisions": [{"type": "approve"}]}`, with `edit` (an
`edited_action` of name and args), `reject` and `respond` (a `message`). Agent Inbox:
`[{"type": "accept", "args": None}]`, with `edit`, `ignore` and `response`. And plain words. What is
none of these is no decision, and above all no yes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["approve", "edit", "reject", "respond"]
KINDS: tuple[Kind, ...] = ("approve", "edit", "reject", "respond")

_TYPES: dict[str, Kind] = {
    **{kind: kind for kind in KINDS},
    "accept": "approve",
    "ignore": "reject",
    "response": "respond",
}
_YES = {"yes", "y", "true", "approve", "approved", "accept", "accepted", "ok", "okay", "allow"}
_NO = {"no", "n", "false", "reject", "rejected", "refuse", "refused", "deny", "denied", "ignore"}
_REASONED = re.compile(r"(\w+)\s*[:,;.-]\s*(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class Decision:
    """`tool` and `arguments` are those of an edit, `message` a reason or a response."""

    kind: Kind
    tool: str = ""
    """Empty: the one that was proposed."""
    arguments: dict[str, Any] = field(default_factory=dict)
    message: str = ""


def read_decision(answer: Any) -> Decision | None:
    """The decision, or None if the answer is not one."""
    match answer:
        case bool():
            return Decision("approve" if answer else "reject")
        case str():
            return _said(answer.strip())
        case [only]:
            return read_decision(only)
        case {"decisions": [only], **rest} if not rest:
            return read_decision(only)
        case {"type": str(kind), **rest}:
            return _typed(_TYPES.get(kind.strip().lower()), rest)
    return None


def _said(text: str) -> Decision | None:
    if text[:1] in ("{", "["):
        try:
            return read_decision(json.loads(text))
        except (ValueError, RecursionError):
            return None
    word = text.lower().rstrip(".!")
    if word in _YES:
        return Decision("approve")
    if word in _NO:
        return Decision("reject")
    # A reason may follow a no. A yes with more to it is not a plain yes.
    reasoned = _REASONED.fullmatch(text)
    if reasoned and reasoned[1].lower() in _NO:
        return Decision("reject", message=reasoned[2].strip())
    return None


def _typed(kind: Kind | None, rest: Mapping[Any, Any]) -> Decision | None:
    given = rest.get("args")
    message = next((text for text in (rest.get("message"), given) if isinstance(text, str)), "")
    match kind:
        case "approve":
            return Decision("approve")
        case "reject":
            return Decision("reject", message=message.strip())
        case "respond":
            return Decision("respond", message=message) if message.strip() else None
        case "edit":
            return _edited(rest.get("edited_action", given))
    return None


def _edited(action: Any) -> Decision | None:
    """LangChain names the tool `name`, Agent Inbox `action`; arguments alone keep the tool."""
    match action:
        case {"name": str(tool), "args": dict(arguments)}:
            return Decision("edit", tool, arguments)
        case {"action": str(tool), "args": dict(arguments)}:
            return Decision("edit", tool, arguments)
        case {"args": dict(arguments), **rest} if not rest:
            return Decision("edit", "", arguments)
        case dict() if action and "args" not in action:
            return Decision("edit", "", dict(action))
    return None
