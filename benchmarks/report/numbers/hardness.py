"""What the items of a benchmark know of their difficulty, and how a run fares by it.

    found = hardness(results)        # of one task; None where its items know nothing

By pages on the way, tool calls beside an oracle's, questions without an answer, and items beside
their clean twins. All are over trials, a missing one being wrong; twins count in the last alone.
Intervals are over items: trials of one item are no further items.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from benchmarks.report.numbers.result import Result, natural
from benchmarks.report.numbers.statistics import wilson
from benchmarks.scoring.rules.answer import normalise

UNKNOWN = "unknown"
K = TypeVar("K", int, str)


@dataclass(frozen=True)
class Share:
    """Right trials among all."""

    right: int
    of: int
    items: int
    """That the trials are of."""
    mean: float
    """0 to 1."""
    low: float
    """Wilson's 95 % interval, counting items: more trials of an item do not narrow it."""
    high: float


@dataclass(frozen=True)
class Calls:
    """Tool calls of the trials that are right; the others say nothing of the way there."""

    trials: int
    made: float
    """Mean."""
    least: float
    """Mean of the oracle's for the same items."""
    over: float
    """Calls made for each of the oracle's; 1 is the best, for right answers that were found."""


@dataclass(frozen=True)
class Abstention:
    """Questions with and without an answer, and the answer `unknown`."""

    unanswerable: int
    right: int
    """Answered `unknown`, of those without an answer."""
    false_answers: int
    """Answered with anything else, of those without an answer."""
    answerable: int
    false_abstentions: int
    """Answered `unknown`, of those with an answer."""


@dataclass(frozen=True)
class Robustness:
    """Items of one level with a hazard beside their clean twins, trial by trial."""

    pairs: int
    right: int
    clean: int
    lost: int
    """Right without the hazard and wrong with it."""
    gained: int
    """The other way round."""


@dataclass(frozen=True)
class Hardness:
    """How a task went by difficulty."""

    whole: Share
    """All but the twins."""
    hops: dict[int, Share]
    calls: dict[str, Calls]
    """By level; those with a right answer."""
    abstention: Abstention | None
    robustness: dict[str, Robustness]
    """By level of the items with a hazard."""


def hardness(results: Iterable[Result]) -> Hardness | None:
    """The figures of one task's results; None where no item knows its pages on the way."""
    known = [each for each in results if each.hops]
    own = [each for each in known if not each.twin]
    if not own:
        return None
    right = [each for each in own if each.score and each.least_calls]
    return Hardness(
        whole=_share(own),
        hops={hops: _share(group) for hops, group in _grouped(own, lambda each: each.hops)},
        calls={level: _calls(group) for level, group in _grouped(right, lambda each: each.level)},
        abstention=_abstention(own),
        robustness=_robustness(known),
    )


def _share(results: Sequence[Result]) -> Share:
    right, items = sum(bool(each.score) for each in results), len({each.item for each in results})
    mean = right / len(results)
    return Share(right, len(results), items, mean, *wilson(mean * items, items))


def _grouped(results: Iterable[Result], key: Callable[[Result], K]) -> list[tuple[K, list[Result]]]:
    groups: dict[K, list[Result]] = defaultdict(list)
    for each in results:
        groups[key(each)].append(each)
    return sorted(groups.items(), key=lambda pair: natural(pair[0]))


def _calls(results: Sequence[Result]) -> Calls:
    made = fmean(sum(each.tools.values()) for each in results)
    least = fmean(each.least_calls for each in results)
    return Calls(len(results), made, least, made / least)


def _abstention(results: Sequence[Result]) -> Abstention | None:
    without = [each for each in results if each.golds == (UNKNOWN,)]
    others = [each for each in results if each.golds != (UNKNOWN,) and each.score is not None]
    if not without:
        return None
    right = sum(bool(each.score) for each in without)
    answered = sum(each.score is not None for each in without)
    silent = sum(normalise(each.answer) == UNKNOWN for each in others)
    return Abstention(len(without), right, answered - right, len(others), silent)


def _robustness(results: Sequence[Result]) -> dict[str, Robustness]:
    by_trial = {(each.item, each.trial): each for each in results}
    pairs: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for twin in results:
        if twin.twin and (own := by_trial.get((twin.twin, twin.trial))):
            pairs[own.level].append((bool(own.score), bool(twin.score)))
    return {level: _pairs(pairs[level]) for level in sorted(pairs, key=natural)}


def _pairs(pairs: Sequence[tuple[bool, bool]]) -> Robustness:
    return Robustness(
        pairs=len(pairs),
        right=sum(own for own, _ in pairs),
        clean=sum(clean for _, clean in pairs),
        lost=sum(clean and not own for own, clean in pairs),
        gained=sum(own and not clean for own, clean in pairs),
    )
