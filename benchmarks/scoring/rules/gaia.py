"""GAIA's rule, quasi-exact match, equal to the leaderboard's scorer on the answer that was read.

    gaia("3, Paris", "<answer>3.0; paris</answer>").value   # 1.0

A gold answer that is a number is compared as a number, without `$`, `%` and commas; one with a
comma or a semicolon is a list, compared element by element; any other is compared as a string
without white space, case and punctuation (arXiv 2311.12983, section 3). A test holds it to outputs
of the official code, https://huggingface.co/spaces/gaia-benchmark/leaderboard, scorer.py. It
differs where that code takes any text for infinity, and no answer for one of punctuation alone.
"""

from __future__ import annotations

import re
import string

from benchmarks.scoring.rules.answer import Reply, Score, reading

LONGEST = 10_000
"""Characters of an answer that are compared."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SEPARATOR = re.compile("[,;]")


def gaia(gold: str, reply: Reply) -> Score:
    """1.0 if the answer in the reply is `gold` by GAIA's rule.

    Raises:
        ValueError: `gold` has no text.
    """
    if not gold.strip(" \t\r\n,;"):
        raise ValueError(f"gold={gold!r} is empty, so no reply could be right: repair the data set")
    answer, where = reading(reply)
    return Score(float(bool(answer) and _same(gold, answer[:LONGEST])), answer, where)


def _same(gold: str, answer: str) -> bool:
    if (number := _number(gold)) is not None:
        return number == _loose_number(answer)
    golds, answers = _SEPARATOR.split(gold), _SEPARATOR.split(answer)
    if len(golds) == 1:
        return _string(gold) == _string(answer)
    pairs = zip(golds, answers, strict=False)
    return len(golds) == len(answers) and all(_same_element(*pair) for pair in pairs)


def _same_element(gold: str, answer: str) -> bool:
    """In a list, punctuation counts."""
    if (number := _number(gold)) is not None:
        return number == _loose_number(answer)
    return "".join(gold.split()).lower() == "".join(answer.split()).lower()


def _number(text: str) -> float | None:
    """As Python's `float` reads it."""
    try:
        return float(text)
    except ValueError:
        return None


def _loose_number(text: str) -> float | None:
    """Without `$`, `%` and commas."""
    return _number(re.sub("[$%,]", "", text))


def _string(text: str) -> str:
    """A string of punctuation alone keeps it: it could not be told from no answer."""
    solid = "".join(text.split()).lower()
    return solid.translate(_PUNCTUATION) or solid
