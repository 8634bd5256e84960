"""Runs of words that two texts share, as GPT-3's report looked for them.

    words("What is 7 - 9?")                     # ["what", "is", "7", "9"]
    length([14, 9, 30])                         # 9

T. Brown et al., Language Models are Few-Shot Learners (arXiv 2005.14165), appendix C: case and
punctuation do not count; N is the length that a twentieth of the examples falls below, yet at least
8 and at most 13 words; runs that stand in more than 10 documents say nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from string import ascii_uppercase

from benchmarks.items.item import Item
from benchmarks.items.wording import without_instruction

SHORTEST, LONGEST = 8, 13
"""Words of a run that is looked for, at least and at most."""
COMMON = 10
"""Questions of one benchmark that may share a run; beyond it is wording, such as a rule."""
TELLING = 5
"""Words that a question must have to be known again as a whole."""
_WORD = re.compile(r"\w+")

Run = tuple[str, ...]


def words(text: str) -> list[str]:
    """The words of a text, without case and punctuation."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def runs(of: Sequence[str], n: int) -> Iterator[Run]:
    """Every `n` words that follow each other."""
    return (tuple(of[at : at + n]) for at in range(len(of) - n + 1))


def length(sizes: Iterable[int]) -> int:
    """N for examples of these numbers of words."""
    ordered = sorted(sizes)
    fifth = ordered[len(ordered) // 20] if ordered else LONGEST
    return min(LONGEST, max(SHORTEST, fifth))


def asked(item: Item) -> str:
    """What a benchmark asks in an item, without our instruction and without the options."""
    text = without_instruction(item.question)
    options = zip(ascii_uppercase, item.choices, strict=False)
    return text.removesuffix("\n".join(f"{letter}. {option}" for letter, option in options)).strip()


def marks(questions: Sequence[Sequence[str]], n: int) -> dict[Run, set[int]]:
    """What tells the questions, by their words: runs of `n` words, with the places that have them.

    A question of fewer words, but `TELLING` or more, is told by all of them. Wording that more than
    `COMMON` questions share is left out.
    """
    found: dict[Run, set[int]] = {}
    for place, each in enumerate(questions):
        size = n if len(each) >= n else len(each) if len(each) >= TELLING else 0
        for run in runs(each, size) if size else ():
            found.setdefault(run, set()).add(place)
    return {run: places for run, places in found.items() if len(places) <= COMMON}


def sizes(of: Iterable[Run]) -> list[int]:
    """The different lengths of runs, the longest first."""
    return sorted(Counter(map(len, of)), reverse=True)
