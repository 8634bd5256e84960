"""The verifier's reply, read tolerantly; a `ReplyError` says what is missing."""

import re

from agentflow_graph.errors import ReplyError
from agentflow_graph.replies.json import find_json
from agentflow_graph.state import Verdict

_CONCLUSION = re.compile(r"conclusion\W*(stop|continue)\b", re.IGNORECASE)


def parse_verdict(text: str) -> Verdict:
    """Read `{"complete": bool, "reason": str}` or `Conclusion: STOP`; raises ReplyError."""
    try:
        found = find_json(text)
    except ReplyError:
        found = {}
    complete = found.get("complete", found.get("stop_signal"))
    if isinstance(complete, bool):
        reason = str(found.get("reason", found.get("analysis", "")))
        return Verdict(complete=complete, reason=reason)
    conclusions = _CONCLUSION.findall(text)
    if not conclusions:
        raise ReplyError('answer with {"complete": true or false, "reason": "..."}')
    return Verdict(complete=conclusions[-1].lower() == "stop", reason=text.strip())
