r"""Answers of mathematics: integers by comparison, everything else by math-verify.

    maths(["\\frac{1}{2}"], "So it is \\boxed{0.5}").value     # 1.0
    maths(["33"], "<answer>34</answer>").value                 # 0.0, without math-verify

math-verify 0.9 stops itself by SIGALRM, which only a main thread may set, and cannot stop what
hangs in C code (9^9^9): it works in processes of its own, with limits of time and memory.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.replies.marks.boxes import boxed
from benchmarks.scoring.rules.answer import Reply, Score, reading
from benchmarks.scoring.rules.arithmetic import exact_value
from benchmarks.scoring.rules.formulas import as_latex, comparable, is_other_unit, stated, unit_of
from benchmarks.scoring.rules.intervals import as_interval, is_interval
from benchmarks.scoring.rules.words import yes_or_no
from benchmarks.scoring.rules.workers import Lost, Workers

LONGEST = 400
"""Characters of an answer that are given to math-verify; a longer one is compared as text."""
SECONDS = 10.0
"""For one answer; math-verify takes 2 ms where it does not hang."""
INSIDE = 3
"""Seconds after which math-verify gives up one step of its own accord, in whole seconds."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_ZEROS = re.compile(r"(?<=[0-9])\.0*$")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3})+|(?:[ ~][0-9]{3})+)(?:\.[0-9]*)?")
_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}")
_SPACING = re.compile(
    r"(?<=[0-9],)\\!\s*(?=[0-9]{3})|(?<!\\)\\[,;:! $]|\{,\}(?=[0-9]{3})"
    r"|\\(?:left|right|displaystyle)(?![a-zA-Z])"
)
_INFINITY = re.compile(r"\\infty(?![a-zA-Z])|\u221e|\binf\b", re.IGNORECASE)
# From four letters on; fewer may be a product of symbols.
_WORD = re.compile(r"(?:yes|no|[+-]?\s*[^\W\d_]{4,}(?:[ '-][^\W\d_]+)*)", re.IGNORECASE)
_SIGNS = {0x2212: "-", 0x2013: "-", **{0xFEE0 + n: chr(n) for n in range(0x21, 0x7F)}}
"""A minus, and the full-width forms of ASCII."""
_NO_SOLUTION = re.compile(r"(?:there (?:is|are) )?no (?:real )?solutions?", re.IGNORECASE)
_FRAMES = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("`", "`"))


def maths(golds: Sequence[str], reply: Reply) -> Score:
    """1.0 if the answer in the reply is mathematically equal to one of `golds`.

    An answer that cannot be read, or takes longer than `SECONDS`, is wrong. Decimals count as equal
    to six places, as in math-verify. Blocks; any thread may call it. For coroutines there is
    `maths_async`.

    Raises:
        ValueError: there is no gold answer, or one has no text.
        SettingError: math-verify is needed and not installed.
    """
    plain = {_plain(boxed(gold) or gold) for gold in golds}
    if not plain or "" in plain:
        raise ValueError(
            f"golds={list(golds)!r} has none or an empty one, so no reply could be right: "
            "repair the data set or leave this question out"
        )
    answer, where = reading(reply)
    text = _plain(stated(_NO_SOLUTION.sub("no solution", answer)))
    return Score(float(any(_equal(gold, text) for gold in plain)), answer, where)


async def maths_async(golds: Sequence[str], reply: Reply) -> Score:
    """`maths` without holding up the event loop."""
    return await asyncio.to_thread(maths, golds, reply)


def _equal(gold: str, answer: str) -> bool:
    if gold == answer:
        return True
    if not answer or max(len(gold), len(answer)) > LONGEST:
        return False
    if _INTEGER.fullmatch(gold) and _INTEGER.fullmatch(answer):
        return int(gold) == int(answer)
    if _WORD.fullmatch(gold) and "infinity" not in gold:
        return gold == yes_or_no(answer)
    return _equal_formulas(as_latex(gold), as_latex(answer))


def _equal_formulas(gold: str, answer: str) -> bool:
    (gold, unit), (answer, other) = unit_of(gold), unit_of(answer)
    if unit and (is_other_unit(unit, answer) if not other else unit != other):
        return False
    if is_interval(gold) != is_interval(answer):
        gold, answer = as_interval(gold), as_interval(answer)
    if not comparable(gold, answer):
        return False
    try:
        # What is too large to be computed is no number that was.
        values = exact_value(gold), exact_value(answer)
        if None not in values:
            return values[0] == values[1]
    except OverflowError:
        return False
    try:
        return _workers().run(_verified, _formula(gold), _formula(answer))
    except Lost:
        return False


def _plain(text: str) -> str:
    """Without what does not change a formula: frames, spacing, thousands, `.0`, a full stop."""
    text = text.strip()
    if len(text) > 4 * LONGEST:  # each round below takes one layer off
        return text
    text = text.translate(_SIGNS)
    while (simpler := _simplify(text)) != text:
        text = simpler
    return text


def _simplify(text: str) -> str:
    text = _SPACING.sub("", _TEXT_COMMAND.sub(r"\1", text)).strip()
    text = _INFINITY.sub("infinity", text.removesuffix(".").strip())
    for left, right in _FRAMES:
        if len(text) > len(left + right) and text.startswith(left) and text.endswith(right):
            inside = text[len(left) : -len(right)]
            text = text if left in inside or right in inside else inside.strip()
    if _THOUSANDS.fullmatch(text):
        text = re.sub("[, ~]", "", text)
    if _INTEGER.fullmatch(_ZEROS.sub("", text)):
        text = _ZEROS.sub("", text).removeprefix("+")
    return unicodedata.normalize("NFKC", text).casefold() if _WORD.fullmatch(text) else text


def _formula(text: str) -> str:
    r"""As math-verify reads it whole: from bare `3\pi` it would take the 3 alone."""
    text = text.replace("infinity", r"\infty")
    return text if "$" in text else f"${text}$"


@functools.cache
def _workers() -> Workers:
    if importlib.util.find_spec("math_verify") is None:
        raise SettingError(
            "the rule `maths` needs math-verify: run `make setup` or `pip install math-verify`"
        )
    return Workers(count=2, seconds=SECONDS, prepare=_prepare)


def _prepare() -> None:
    """In a worker: what takes a second is done before the first job."""
    import logging

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    logging.getLogger("latex2sympy2_extended").setLevel(logging.CRITICAL)
    _verified("$1$", r"$\frac{2}{2}$")


def _verified(gold: str, answer: str) -> bool:
    """In a worker: whether math-verify finds both equal. Anything it raises is a no."""
    import math_verify

    def parsed(text: str) -> list[Any]:
        found: list[Any] = math_verify.parse(text, parsing_timeout=INSIDE)
        return found

    try:
        return bool(math_verify.verify(parsed(gold), parsed(answer), timeout_seconds=INSIDE))
    except (Exception, RecursionError):
        return False
