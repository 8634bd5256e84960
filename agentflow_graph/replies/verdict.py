"""The verifier's reply, read tolerantly; a `ReplyError` says what is missing."""

import re
from typing import Any

from agentflow_graph.errors import ReplyError
from agentflow_graph.replies.json import find_json
from agentflow_graph.state import Verdict

_CONCLUSION = re.compile(r"conclusion\W*(stop|continue)\b", re.IGNORECASE)
_COMPLETE = re.compile(
    r"^[^\w\n]{0,20}(?:complete|stop_signal)[^\w\n]{1,20}(true|false)\b",
    re.IGNORECASE | re.MULTILINE,
)
_WORDS = {"true": True, "false": False, "1": True, "0": False}
"""How models write a boolean; "yes" may be the answer to another question."""


def parse_verdict(text: str) -> Verdict:
    """Read `{"complete": bool, "reason": str}` or `Conclusion: STOP`; raises ReplyError."""
    try:
        found = _named(find_json(text, lambda value: _complete(_named(value)) is not None))
    except ReplyError:
        return _in_words(text)
    complete = _complete(found)
    reason = found.get("reason", found.get("analysis", ""))
    return Verdict(complete=bool(complete), reason=str(reason))


def _named(value: dict[str, Any]) -> dict[str, Any]:
    return {str(key).strip().lower().replace(" ", "_"): one for key, one in value.items()}


def _complete(found: dict[str, Any]) -> bool | None:
    told = found.get("complete", found.get("stop_signal"))
    return _WORDS.get(str(told).strip().lower())


def _in_words(text: str) -> Verdict:
    if conclusions := _CONCLUSION.findall(text):
        return Verdict(complete=conclusions[-1].lower() == "stop", reason=text.strip())
    if said := _COMPLETE.findall(text):
        return Verdict(complete=_WORDS[said[-1].lower()], reason=text.strip())
    raise ReplyError('answer with {"complete": true or false, "reason": "..."}')
