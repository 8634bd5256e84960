"""Which part of a request a server refused, read from its answer, so that it can do without.

Names of models change faster than tables do. So whatever a server refuses of what we send on our
own account is left out and the request made once more; the model remembers it.
"""

import re

from agentflow_graph.models.providers.faults import status_of, words_of

STATUSES = (0, 400, 404, 415, 422, 500, 501)
"""Of refusals: some servers crash on what they do not know."""
_TOO_LARGE = re.compile(r"too (?:large|big|high)|at most|must be (?:less|lower|<)|exceeds?|maximum")
_NAMES = {
    "temperature": r"temperature",
    "stream_options": r"stream_options|include_usage",
    "format": r"response_format|json_schema|json_object|structured|guided|grammar|schema"
    r"|tool_choice|\btools?\b|function",
    "limit": r"max_(?:completion_|output_|new_)?tokens|num_predict",
    "system": r"system (?:role|message|prompt|instruction)|role\W+(?:\w+\W+){0,4}system"
    r"|'?system'? (?:role )?is not|does not support 'system'|developer instruction"
    r"|roles? must alternate|only user and assistant roles",
}
_PATTERNS = {part: re.compile(pattern, re.IGNORECASE) for part, pattern in _NAMES.items()}


def refused_part(error: Exception, sent: set[str]) -> str:
    """The name of the part of a request that was refused, of those `sent`; empty if none.

    One of temperature, stream_options, format, limit, system.
    """
    if status_of(error) not in STATUSES:
        return ""
    said = words_of(error)
    for part, pattern in _PATTERNS.items():
        if part in sent and pattern.search(said):
            return part
    return ""


def is_too_large(error: Exception) -> bool:
    """Whether a refused token limit is only too high for this prompt or this model."""
    return bool(_TOO_LARGE.search(words_of(error).lower()))
