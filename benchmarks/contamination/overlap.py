"""Training questions that a benchmark asks too.

    found = overlaps("bamboogle", items, texts_of(Path("train.jsonl")))
    found.share                     # of the benchmark's questions that training has seen

A question overlaps if training has N words of it in a row (`ngrams`), or all of a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.contamination.ngrams import Run, asked, length, marks, runs, sizes, words
from benchmarks.items.files import rows_of
from benchmarks.items.item import Item
from benchmarks.items.rows import question_of

COLUMNS = ("id", "question", "Question", "problem", "Problem", "query")


@dataclass(frozen=True)
class Shared:
    """A question of a benchmark that training holds."""

    item: str
    words: int
    """In a row that both have."""
    whole: bool
    """Whether these are all words of the question."""
    text: str
    """The words; empty for a benchmark whose items must not be shown."""
    rows: list[str] = field(default_factory=list)
    """Training rows that have them: their ids, or `FILE:NUMBER`."""


@dataclass(frozen=True)
class Overlap:
    """What one benchmark shares with training."""

    task: str
    items: int
    n: int
    """Words in a row that were looked for."""
    untold: int
    """Questions too short, or too much like the others, to be told by their words."""
    shared: list[Shared]

    @property
    def share(self) -> float:
        """Of the questions, 0..1."""
        return len(self.shared) / self.items if self.items else 0.0


def texts_of(*paths: Path) -> Iterator[tuple[str, str]]:
    """Name and question of each training row.

    Raises:
        SettingError: a file cannot be read, or a row has no question.
    """
    for path in paths:
        for number, row in enumerate(rows_of(path, COLUMNS), 1):
            try:
                text = question_of(row)
            except (KeyError, ValueError) as error:
                raise SettingError(
                    f"{path}, row {number} has no {error}: a training row needs a question; its "
                    f"fields are {', '.join(map(str, row))}"
                ) from None
            yield str(row.get("id") or f"{path.name}:{number}"), text


class Search:
    """Looks for a benchmark's questions; each training row is read once for all benchmarks."""

    def __init__(self, task: str, items: Sequence[Item], hidden: bool = False) -> None:
        self._task, self._items, self._hidden = task, items, hidden
        self._questions = [words(asked(item)) for item in items]
        self.n = length(map(len, self._questions))
        self._marks = marks(self._questions, self.n)
        self._sizes = sizes(self._marks)
        self._found: dict[int, Shared] = {}

    def read(self, name: str, of: Sequence[str]) -> None:
        """Look at the words of one training row."""
        for size in self._sizes:
            for run in runs(of, size):
                for place in self._marks.get(run, ()):
                    self._note(place, run, name)

    def _note(self, place: int, run: Run, row: str) -> None:
        whole = len(run) == len(self._questions[place])
        text = "" if self._hidden else " ".join(run)
        first = Shared(self._items[place].id, len(run), whole, text)
        rows = self._found.setdefault(place, first).rows
        if row not in rows:
            rows.append(row)

    def end(self) -> Overlap:
        """What was found."""
        told = {place for places in self._marks.values() for place in places}
        shared = [self._found[place] for place in sorted(self._found)]
        untold = len(self._items) - len(told)
        return Overlap(self._task, len(self._items), self.n, untold, shared)


def overlaps(searches: Sequence[Search], training: Iterable[tuple[str, str]]) -> list[Overlap]:
    """What each benchmark shares with the training rows, given by name and question."""
    for name, text in training:
        of = words(text)
        for search in searches:
            search.read(name, of)
    return [search.end() for search in searches]
