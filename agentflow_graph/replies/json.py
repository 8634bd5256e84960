"""JSON objects in a reply, whatever stands around them."""

import json
import re
from itertools import islice
from typing import Any

from agentflow_graph.errors import ReplyError

ATTEMPTS = 100
"""Opening braces tried; each failure costs time in proportion to the reply."""


def find_json(text: str) -> dict[str, Any]:
    """The first JSON object in `text`, whatever stands around it; raises ReplyError for none."""
    decoder = json.JSONDecoder()
    for brace in islice(re.finditer(r"\{", text), ATTEMPTS):
        try:
            value: dict[str, Any] = decoder.raw_decode(text, brace.start())[0]
            return value
        except (ValueError, RecursionError):
            continue
    raise ReplyError("the reply has no JSON object; answer with one JSON object and nothing else")
