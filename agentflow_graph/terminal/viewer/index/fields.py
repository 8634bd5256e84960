"""Fields of events, each of the kind that it must be; a record may come from anybody.

    level = text(event, "level")  # empty where it is missing, or no text

What is missing or of another kind is never an error: the rest of the event still counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import orjson

LONGEST = 2000
"""Characters of a text that the index keeps."""
MOST = 2**53
"""Numbers beyond it are none that a record counts."""


def text(data: Mapping[str, Any], name: str, longest: int = LONGEST) -> str:
    """A text, cut to a length."""
    value = data.get(name)
    return value[:longest] if isinstance(value, str) else ""


def number(data: Mapping[str, Any], name: str) -> float | None:
    """A finite number."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > MOST:
        return None
    return float(value) if isfinite(value) else None


def whole(data: Mapping[str, Any], name: str) -> int:
    """A whole number; 0 for none."""
    return int(number(data, name) or 0)


def mapping(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object; an empty one for none."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def mappings(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list."""
    value = data.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts(data: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list, each cut to a length."""
    value = data.get(name)
    found = value if isinstance(value, list) else []
    return [one[:LONGEST] for one in found[:20] if isinstance(one, str)]


def spent(state: Mapping[str, Any]) -> int:
    """Tokens of a finished state, in and out, of all modules."""
    usage = [one for one in mapping(state, "usage").values() if isinstance(one, dict)]
    return sum(whole(one, "input_tokens") + whole(one, "output_tokens") for one in usage)


def as_json(value: Any) -> str:
    """Plain data as JSON text."""
    return orjson.dumps(value).decode()
