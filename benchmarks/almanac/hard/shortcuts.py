"""Readers who take a shortcut, and how far they come: none may pass 15 % of any level.

    figures = await shortcuts(HardWorld(), corpus, n=1050)
    figures["H4"].one_search        # the best of all readers of one search, as a share

* the constant: the most frequent answer of the level;
* of the question alone: what stands in it, or what training questions of its template are answered
  with most often, or of all templates where training has none;
* of one search: the question itself, or any name in it with its trade or year, is looked up once,
  and of all values shown that are of the kind asked for the n-th is given, n being the best for the
  level in hindsight.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.almanac.hard.pages import NAME, census_title
from benchmarks.almanac.hard.parsing import recognised
from benchmarks.almanac.hard.questions import HardQuestion, questions
from benchmarks.almanac.hard.templates import Template
from benchmarks.almanac.hard.world import HardWorld

MOST = 0.15
"""Share of a level's questions that a shortcut may answer."""
TAUGHT = 3_000
"""Training questions that the reader of the question alone has seen."""
PASSAGES, PLACES = 3, 12
"""What one search shows, and how many places of it are tried."""
_VALUES = {True: re.compile(r"\b\d+\b"), False: re.compile(NAME)}
"""By whether a number is asked for."""


class Shown(Protocol):
    """A passage of a search."""

    @property
    def title(self) -> str:
        """Of the article."""

    @property
    def text(self) -> str:
        """What it says."""


class Search(Protocol):
    """A search in the world's articles, such as `tools.wiki.corpus.Corpus`."""

    async def search(self, query: str, top_k: int) -> Sequence[Shown]:
        """At most `top_k` passages."""


@dataclass(frozen=True)
class Figures:
    """Shares of one level that each shortcut answers, 0 to 1."""

    questions: int
    constant: float
    question_alone: float
    one_search: float

    @property
    def most(self) -> float:
        """The best shortcut."""
        return max(self.constant, self.question_alone, self.one_search)


async def shortcuts(world: HardWorld, corpus: Search, n: int, seed: int = 0) -> dict[str, Figures]:
    """What the shortcuts come to on `n` held-out questions, by level."""
    asked = questions(world, "heldout", n, seed)
    taught = _Taught(questions(world, "train", TAUGHT, seed))
    by_level: dict[str, list[HardQuestion]] = defaultdict(list)
    for question in asked:
        by_level[question.level].append(question)
    return {
        level: Figures(
            len(own),
            _share(Counter(q.answer for q in own).most_common(1)[0][1], own),
            _best([taught.guesses(q) for q in own], own),
            _best([await _searched(q, corpus) for q in own], own),
        )
        for level, own in sorted(by_level.items(), key=lambda pair: int(pair[0][1:]))
    }


class _Taught:
    """What training questions are answered with most often, by template."""

    def __init__(self, seen: Sequence[HardQuestion]) -> None:
        by_template: dict[Template, Counter[str]] = defaultdict(Counter)
        for question in seen:
            by_template[recognised(question.text)[0]][question.answer] += 1
        self._usual = {kind: most.most_common(1)[0][0] for kind, most in by_template.items()}
        self._any = Counter(question.answer for question in seen).most_common(1)[0][0]

    def guesses(self, question: HardQuestion) -> list[tuple[str, str]]:
        """Guesses at the answer, each with the name of the strategy."""
        names = re.findall(NAME, question.text)
        usual = self._usual.get(recognised(question.text)[0], self._any)
        return [("usual", usual), ("first", names[0]), ("last", names[-1])]


async def _searched(question: HardQuestion, corpus: Search) -> list[tuple[str, str]]:
    """Every value of the kind asked for that one search shows, each with query and place."""
    values = _VALUES[question.answer.isdecimal()]
    found = []
    for name, query in _queries(question):
        shown = await corpus.search(query, PASSAGES)
        text = " ".join(f"{passage.title}: {passage.text}" for passage in shown)
        seen = dict.fromkeys(value for value in values.findall(text) if value not in question.text)
        found += [(f"{name} {place}", value) for place, value in enumerate(list(seen)[:PLACES])]
    return found


def _queries(question: HardQuestion) -> Iterator[tuple[str, str]]:
    """What the one search may ask for, each with a name."""
    _, slots = recognised(question.text)
    yield "question", question.text
    for slot in ("x", "y", "h", "l"):
        if name := slots.get(slot):
            yield slot, f"{name} {slots['t']}" if slot == "h" else name
    if "x" in slots and "year" in slots:
        yield "census", census_title(slots["x"], int(slots["year"]))


def _best(guesses: Sequence[Sequence[tuple[str, str]]], asked: Sequence[HardQuestion]) -> float:
    """The share of the strategy that is right most often; each strategy guesses once a question."""
    right: Counter[str] = Counter()
    for own, question in zip(guesses, asked, strict=True):
        right.update({name for name, guess in own if guess == question.answer})
    return _share(max(right.values(), default=0), asked)


def _share(right: int, asked: Sequence[HardQuestion]) -> float:
    return right / len(asked)
