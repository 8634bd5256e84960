r"""Intervals that are written as inequalities: `1 \\le x < 2` is `[1, 2)`."""

from __future__ import annotations

import re

_NUMBER = r"[^<>=,;]{1,60}?"
_LESS = r"\s*(<|\\leq?(?![a-z])|\\lt(?![a-z])|<=)\s*"
_MORE = r"\s*(>|\\geq?(?![a-z])|\\gt(?![a-z])|>=)\s*"
_VARIABLE = r"(?:[a-zA-Z]|\\(?:theta|alpha|lambda))"
_BETWEEN = re.compile(rf"({_NUMBER}){_LESS}{_VARIABLE}{_LESS}({_NUMBER})")
_FALLING = re.compile(rf"({_NUMBER}){_MORE}{_VARIABLE}{_MORE}({_NUMBER})")
_BELOW = re.compile(rf"{_VARIABLE}{_LESS}({_NUMBER})")
_ABOVE = re.compile(rf"{_VARIABLE}{_MORE}({_NUMBER})")
_OR = re.compile(r"\s*(?:\\text\{\s*or\s*\}|\bor\b|\\cup|\\lor|\\vee)\s*")
_MEMBER = re.compile(rf"{_VARIABLE}\s*\\in\s*")


def as_interval(text: str) -> str:
    r"""`1 \le x < 2` as `[1, 2)`, several joined by `or` as their union; other text as it is."""
    text = _MEMBER.sub("", text, count=1) if _MEMBER.match(text) else text
    parts = [_one_interval(part.strip()) for part in _OR.split(text)]
    return r" \cup ".join(part for part in parts if part) if all(parts) else text


def is_interval(text: str) -> bool:
    """Whether a text looks like an interval or a union of some."""
    return bool(re.match(r"(?:\\left\s*)?[(\[]", text)) and "," in text


def _one_interval(text: str) -> str:
    def edge(sign: str, signs: str) -> str:
        return signs[0] if sign in ("<", ">", r"\lt", r"\gt") else signs[1]

    if m := _BETWEEN.fullmatch(text):
        return f"{edge(m[2], '([')}{m[1]}, {m[4]}{edge(m[3], ')]')}"
    if m := _FALLING.fullmatch(text):
        return f"{edge(m[3], '([')}{m[4]}, {m[1]}{edge(m[2], ')]')}"
    if m := _BELOW.fullmatch(text):
        return f"(-\\infty, {m[2]}{edge(m[1], ')]')}"
    if m := _ABOVE.fullmatch(text):
        return f"{edge(m[1], '([')}{m[2]}, \\infty)"
    return text if is_interval(text) else ""
