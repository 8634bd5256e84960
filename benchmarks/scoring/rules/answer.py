"""What is common to all rules: a `Score`, the reading of a reply, plain spelling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentflow_graph.replies.answer import Answer, Where, read_answer
from agentflow_graph.replies.marks.wrappings import visible

Reply = str | Answer
"""A whole reply, or what the one reader has read from it already."""

_IN_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textit)\s*\{([^{}]*)\}")
_LATEX_SPACE = re.compile(r"\\[ ,;:!]")

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


@dataclass(frozen=True)
class Score:
    """`value` is 0.0 or 1.0; `answer` is what was compared and `rule` where it was read."""

    value: float
    answer: str
    rule: Where
    f1: float | None = None
    """Word overlap with the nearest gold answer, 0..1; open questions only."""
    official_em: float | None = None
    """Exact match as the data set's own script counts it; where there is such a script."""
    official_f1: float | None = None


def reading(reply: Reply) -> Answer:
    """What was read from a reply; a rule compares this and never looks at the reply again."""
    return reply if isinstance(reply, Answer) else read_answer(reply)


def without_markup(text: str) -> str:
    r"""Without LaTeX's `\text{...}` and the like around words, and its spaces."""
    return _LATEX_SPACE.sub(" ", _IN_TEXT.sub(r"\1", text))


def normalise(text: str) -> str:
    """The form in which two spellings of one short answer are equal.

    Unicode NFKC and case; what nobody sees; articles before a word; white space; punctuation at the
    ends; commas between thousands; `.0` at the end of a number. `normalise(normalise(x)) ==
    normalise(x)`.
    """
    while (simpler := _simplify(text)) != text:
        text = simpler
    return text


def exact(gold: str | Sequence[str], reply: Reply) -> Score:
    """1.0 if the answer in the reply is a gold answer after `normalise`.

    Args:
        gold: the right answer, or several that are equally right.
        reply: the whole reply of a model, or what was read from it.

    Raises:
        ValueError: there is no gold answer, or one is empty after `normalise`.
    """
    golds = _normalised_golds(gold)
    answer, where = reading(reply)
    return Score(float(normalise(answer) in golds), answer, where)


def _simplify(text: str) -> str:
    text = visible(text).casefold().translate(_SAME_SIGNS)
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
