"""Search in a file of articles, offline, by BM25 (`tools.wiki.bm25`).

    corpus = Corpus("articles.jsonl")            # {"title": ..., "text": ..., "url"?: ...} a line
    corpus = default_corpus("almanac-hard")      # one that ships, by name
    passages = await corpus.search("mayor of Old Harbor", top_k=3)

The index is built by the first search (0.6 s for 60,000 articles); a search takes 1 to 2 ms.
Words are compared without case; an article whose title is the query comes first. For trials, a line
may have `fails`, how many searches of one run that find it first fail before one does not, and
`clean`, the text that a `clean` corpus shows in place of `text`; in it nothing fails.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from tools.outcomes.files import Unreadable, json_of, text_of
from tools.outcomes.threads import in_thread
from tools.wiki.bm25 import bm25_index
from tools.wiki.passage import BackendError, Passage

HERE = Path(__file__).parent
SHIPPED = {
    "almanac": (HERE / "almanac.jsonl", False),
    "almanac-hard": (HERE / "almanac-hard.jsonl", False),
    "almanac-hard-clean": (HERE / "almanac-hard.jsonl", True),
}
"""By name the file, and whether it is read as a clean one."""
LONGEST = 2**24
"""Characters of a line that are read to see whether a file is a corpus."""
RECENT = 1024
"""Queries whose results are kept."""

_WORD = re.compile(r"\w+")


class Corpus:
    """A backend over one JSONL file. Safe to use from several loops and threads."""

    def __init__(self, path: str | Path, clean: bool = False) -> None:
        """Nothing is read yet."""
        self.path = Path(path)
        self.clean = clean
        self._index: Index | None = None
        self._recent: OrderedDict[tuple[str, int], list[Passage]] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing is known."""
        if not self.path.is_file():
            what = "is no file" if self.path.exists() else "is not there"
            return f"the corpus {self.path} {what}: {HINT}"
        return _fault_in_head(self.path)

    async def search(self, query: str, top_k: int) -> list[Passage]:
        """The articles that match best; only those that share a word with the query.

        Raises:
            BackendError: the file is missing or is not a corpus.
        """
        if self._index is None:
            return await in_thread(self._search, query, top_k)
        return self._search(query, top_k)

    def _search(self, query: str, top_k: int) -> list[Passage]:
        key = (" ".join(words(query)), top_k)
        with self._lock:
            if self._index is None:
                self._index = Index(load(self.path, self.clean))
            if key not in self._recent:
                self._recent[key] = self._index.search(query, top_k)
            self._recent.move_to_end(key)
            while len(self._recent) > RECENT:
                self._recent.popitem(last=False)
            return list(self._recent[key])


def default_corpus(path: str | Path = "") -> Corpus:
    """The corpus at `path`, else the one that AGENTFLOW_CORPUS names, else the almanac.

    Either may be the name of one that ships: almanac, almanac-hard, almanac-hard-clean.
    """
    chosen = str(path or os.environ.get("AGENTFLOW_CORPUS") or "almanac")
    return Corpus(*SHIPPED.get(chosen, (Path(chosen), False)))


class Index:
    """Articles in memory with their BM25 weights."""

    def __init__(self, passages: list[Passage]) -> None:
        """Build the index; titles count as part of the text."""
        self._passages = passages
        self._titles: dict[str, list[int]] = defaultdict(list)
        for number, passage in enumerate(passages):
            self._titles[" ".join(words(passage.title))].append(number)
        tokens = [words(f"{passage.title} {passage.text}") for passage in passages]
        self._vocabulary = {word for article in tokens for word in article}
        self._scorer = bm25_index(tokens)

    def search(self, query: str, top_k: int) -> list[Passage]:
        """The best `top_k`; ties keep the order of the file."""
        known = [word for word in words(query) if word in self._vocabulary]
        if not known:
            return []
        exact = self._titles.get(" ".join(words(query)), [])
        scores = self._scorer.get_scores(known)
        ranked = (-scores).argsort(kind="stable")[: top_k + len(exact)]
        matching = [int(number) for number in ranked if scores[number] > 0]
        numbers = list(dict.fromkeys([*exact, *matching]))[:top_k]
        return [self._passages[number] for number in numbers]


def words(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return _WORD.findall(text.casefold())


def load(path: Path, clean: bool = False) -> list[Passage]:
    """All articles of a corpus file, without its hazards if it is to be `clean`.

    Raises:
        BackendError: the file cannot be read, a line is no article, or there is none.
    """
    try:
        lines = text_of(path).split("\n")
    except Unreadable as fault:
        raise BackendError(f"cannot read the corpus {path} ({fault}): {HINT}") from fault
    passages = [
        _passage(path, number, line, clean) for number, line in enumerate(lines, 1) if line.strip()
    ]
    if not passages:
        raise BackendError(f"the corpus {path} holds no article: {HINT}")
    return passages


HINT = (
    "set the corpus (--set corpus=, the tool's `corpus`, AGENTFLOW_CORPUS) to almanac, "
    'almanac-hard or a UTF-8 file with one {"title", "text"} object a line'
)


def _fault_in_head(path: Path) -> str:
    """What is wrong with the first article of a file; empty if nothing is."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = enumerate(iter(partial(file.readline, LONGEST), ""), 1)
            found = next((each for each in lines if each[1].strip()), None)
        if found is None:
            return f"the corpus {path} holds no article: {HINT}"
        _passage(path, *found, clean=False)
    except BackendError as fault:
        return str(fault)
    except (OSError, ValueError) as fault:
        return f"cannot read the corpus {path} ({fault}): {HINT}"
    return ""


def _fails(rest: dict[Any, Any]) -> int:
    fails = rest.get("fails", 0)
    return fails if isinstance(fails, int) else 0


def _passage(path: Path, number: int, line: str, clean: bool) -> Passage:
    try:
        record = json_of(line)
    except ValueError:
        record = None
    match record:
        case {"title": str(title), "text": str(text), **rest}:
            text = str(rest.get("clean") or text) if clean else text
            fails = 0 if clean else _fails(rest)
            return Passage(title, text, str(rest.get("url") or ""), fails)
    raise BackendError(f"{path}, line {number}, is no article: {HINT}")
