"""Exact match and overlap of words as the data sets' own scripts count them, beside our own rule.

    hotpotqa(["Paris"], "paris.")      # Official(em=1.0, f1=1.0)

Published numbers are of these. They normalise as SQuAD does (arXiv 1606.05250), so 10.8 is 108 and
`June 20, 1837` is not `20 June 1837`. Tests hold both functions to recorded outputs of the official
scripts: hotpot_evaluate_v1.py (HotpotQA; 2WikiMultihopQA's counts alike) and MuSiQue's
metrics/answer.py.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_CLOSED = ("yes", "no", "noanswer")


class Official(NamedTuple):
    """Of the nearest gold answer, each 0..1."""

    em: float
    f1: float


OfficialRule = Callable[[Sequence[str], str], Official]
"""From every right answer and the answer that was read to both numbers."""


def hotpotqa(golds: Sequence[str], answer: str) -> Official:
    """HotpotQA's and 2WikiMultihopQA's: a yes or no overlaps with nothing but itself."""
    return _best(golds, answer, _hotpotqa_f1)


def musique(golds: Sequence[str], answer: str) -> Official:
    """MuSiQue's, which is SQuAD's: two answers without words are equal."""
    return _best(golds, answer, _musique_f1)


def _best(golds: Sequence[str], answer: str, f1: Callable[[str, str], float]) -> Official:
    plain = _normalise(answer)
    keys = [_normalise(gold) for gold in golds]
    return Official(float(plain in keys), max(f1(key, plain) for key in keys))


def _normalise(text: str) -> str:
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _hotpotqa_f1(gold: str, answer: str) -> float:
    if gold != answer and (gold in _CLOSED or answer in _CLOSED):
        return 0.0
    return _overlap(gold.split(), answer.split())


def _musique_f1(gold: str, answer: str) -> float:
    if not gold or not answer:
        return float(gold == answer)
    return _overlap(gold.split(), answer.split())


def _overlap(gold: list[str], answer: list[str]) -> float:
    common = (Counter(gold) & Counter(answer)).total()
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)
