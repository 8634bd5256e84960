"""GAIA's rule, quasi-exact match, written from its description (arXiv 2311.12983, section 3).

    gaia("3, Paris", "<answer>3.0; paris</answer>").value   # 1.0

A gold answer that is a number is compared as a number, without `$`, `%` and commas; one with a
comma or a semicolon is a list, compared element by element; any other is compared as a string
without white space, case and punctuation. Numbers are decimals here and floats in the official
code: they differ beyond the sixteenth digit only.
"""

from __future__ import annotations

import re
import string
from decimal import Decimal, InvalidOperation

from benchmarks.scoring.rules.answer import Score, extract_answer, unprefixed

LONGEST = 10_000
"""Characters of an answer that are compared."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SEPARATOR = re.compile("[,;]")


def gaia(gold: str, reply: str) -> Score:
    """1.0 if the reply, or the answer inside it, is `gold` by GAIA's rule.

    Raises:
        ValueError: `gold` has no text.
    """
    if not gold.strip(" \t\r\n,;"):
        raise ValueError(f"gold={gold!r} is empty, so no reply could be right: repair the data set")
    if _same(gold, reply[:LONGEST]):
        return Score(1.0, reply, "whole")
    answer, rule = extract_answer(reply)
    readings = {answer[:LONGEST], unprefixed(answer[:LONGEST])}
    return Score(float(any(_same(gold, text) for text in readings)), answer, rule)


def _same(gold: str, answer: str) -> bool:
    if (number := _number(gold)) is not None:
        return number == _number(_bare(answer))
    golds, answers = _SEPARATOR.split(gold), _SEPARATOR.split(answer)
    if len(golds) == 1:
        return _string(gold) == _string(answer)
    pairs = zip(golds, answers, strict=False)
    return len(golds) == len(answers) and all(_same_element(*pair) for pair in pairs)


def _same_element(gold: str, answer: str) -> bool:
    """In a list, punctuation counts."""
    if (number := _number(gold)) is not None:
        return number == _number(_bare(answer))
    return "".join(gold.split()).lower() == "".join(answer.split()).lower()


def _bare(text: str) -> str:
    return re.sub("[$%,]", "", text)


def _number(text: str) -> Decimal | None:
    """A finite number as Python's `float` reads it, without underscores."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and "_" not in text else None


def _string(text: str) -> str:
    """A string of punctuation alone keeps it: it could not be told from no answer."""
    solid = "".join(text.split()).lower()
    return solid.translate(_PUNCTUATION) or solid
