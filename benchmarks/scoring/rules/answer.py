r"""What is common to all rules: a `Score`, where the answer stands in a reply, plain spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

Rule = Literal["answer_tag", "boxed", "last_line", "whole", "empty"]
"""Where an answer was read: the last `<answer>`, the last `\\boxed{}`, the last line with text,
the reply as a whole, or nowhere because the reply is blank."""

_ANSWER_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
# An escaped character is one token, so that a literal \{ or \} does not count as a brace.
_BRACE = re.compile(r"\\boxed\s*\{|\\.|[{}]", re.DOTALL)

_IN_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textit)\s*\{([^{}]*)\}")
_LATEX_SPACE = re.compile(r"\\[ ,;:!]")
# Ends of a block of code, of a formula on lines of its own, a rule across the page.
_FRAME = re.compile(r"`{3,}|\${2}|\\[\])]|[-*_=]{3,}")

_SAME_SIGNS = str.maketrans("\u2212\u2018\u2019\u201c\u201d", "-''\"\"")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_POINT_ZERO = re.compile(r"(?<![0-9.])([0-9]+)\.0+(?![0-9.])")
# An article needs a word after it: the option "A" and "vitamin A" keep theirs. Were "_" a word,
# each round of `normalise` could bare one article more, and a hostile reply take quadratic time.
_ARTICLE = re.compile(r"(?<!\S)(?:a|an|the)\s+(?=[^\W_])")
# Signs, %, # and brackets stay: -5, 50%, C# and [1, 2) are not 5, 50, C and (1, 2]. The star and
# the underscore go because of Markdown. A point before a digit stays: .5 is not 5.
_START = re.compile(r"^(?:[\s,;:!?\"'`*_]|\.(?![0-9]))+")
_END = ".,;:!?\"'`*_ "

_PREFIX = re.compile(
    r"^[\s*_#>]*(?:(?:so|thus|hence|therefore)\b,?\s+)?(?:the\s+)?(?:(?:final|correct|best|right)\s+)*"
    r"(?:answer|option|choice)\s*(?:\s+is\b\s*:?|:|=)[\s*_:]*",
    re.IGNORECASE,
)


class Extraction(NamedTuple):
    """The final answer inside a reply, and the rule that found it."""

    answer: str
    rule: Rule


@dataclass(frozen=True)
class Score:
    """`value` is 0.0 or 1.0; `answer` is what was compared and `rule` where it was read."""

    value: float
    answer: str
    rule: Rule
    f1: float | None = None
    """Word overlap with the nearest gold answer, 0..1; open questions only."""


def extract_answer(text: str) -> Extraction:
    r"""The last `<answer>...</answer>`, else the last balanced `\boxed{...}`, else the last line.

    Blank lines do not count, nor the end of a block of code or of a formula, unless there is no
    other line. A box that holds `\text{...}` alone is that text. A tag or a box that is empty is an
    empty answer.
    """
    if (tagged := _last_tagged(text)) is not None:
        return Extraction(tagged.strip(), "answer_tag")
    if (boxed := _last_boxed(text)) is not None:
        shown = _IN_TEXT.fullmatch(boxed.strip())
        return Extraction((shown[1] if shown else boxed).strip(), "boxed")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = next(
        (each for each in reversed(lines) if not _FRAME.fullmatch(each)), "".join(lines[-1:])
    )
    return Extraction(last, "last_line" if lines else "empty")


def without_markup(text: str) -> str:
    r"""Without LaTeX's `\text{...}` and the like around words, and its spaces."""
    return _LATEX_SPACE.sub(" ", _IN_TEXT.sub(r"\1", text))


def unprefixed(text: str) -> str:
    """Without `The final answer is`, `Answer:` and the like in front."""
    return _PREFIX.sub("", text, count=1).strip()


def normalise(text: str) -> str:
    """The form in which two spellings of one short answer are equal.

    Unicode NFKC and case; articles before a word; white space; punctuation at the ends; commas
    between thousands; `.0` at the end of a number. `normalise(normalise(x)) == normalise(x)`.
    """
    while (simpler := _simplify(text)) != text:
        text = simpler
    return text


def exact(gold: str | Sequence[str], answer: str) -> Score:
    """1.0 if the reply, or the final answer inside it, is a gold answer after `normalise`.

    Args:
        gold: the right answer, or several that are equally right.
        answer: the whole reply of a model; the final answer is extracted here.

    Raises:
        ValueError: there is no gold answer, or one is empty after `normalise`.
    """
    golds = _normalised_golds(gold)
    if normalise(answer) in golds:
        return Score(1.0, answer, "whole")
    extracted, rule = extract_answer(answer)
    return Score(float(normalise(extracted) in golds), extracted, rule)


def _last_tagged(text: str) -> str | None:
    pairs = pairwise(_ANSWER_TAG.finditer(text))
    inside = [text[a.end() : b.start()] for a, b in pairs if not a[1] and b[1]]
    return inside[-1] if inside else None


def _last_boxed(text: str) -> str | None:
    """The balanced box that opens last; of nested boxes that is the innermost. One pass."""
    open_braces: list[re.Match[str]] = []
    start, end = -1, -1
    for brace in _BRACE.finditer(text):
        if brace[0].endswith("{") and brace[0] != r"\{":
            open_braces.append(brace)
        elif brace[0] == "}" and open_braces:
            opening = open_braces.pop()
            if opening[0] != "{" and opening.end() > start:
                start, end = opening.end(), brace.start()
    return text[start:end] if start >= 0 else None


def _simplify(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().translate(_SAME_SIGNS)
    text = " ".join(text.split())
    text = _START.sub("", text).rstrip(_END)
    text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    text = _POINT_ZERO.sub(r"\1", text)
    return _ARTICLE.sub("", text)


def _normalised_golds(gold: str | Sequence[str]) -> set[str]:
    golds = [gold] if isinstance(gold, str) else list(gold)
    normalised = {normalise(each) for each in golds}
    if not normalised or "" in normalised:
        raise ValueError(
            f"gold={gold!r} is empty after normalise(), so no reply could be right: "
            "repair the data set or leave this question out"
        )
    return normalised
