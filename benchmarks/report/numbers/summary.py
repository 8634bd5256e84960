"""What a run's results say in numbers: a pure function from a `Session` to a summary of each task.

    summary = summarise(session)["bamboogle"]
    summary.accuracy.mean, summary.accuracy.low, summary.missing

Every expected trial counts. One without a score, because it broke off or never happened, counts as
wrong; what it cost counts too, but how long it took and how many turns it made do not enter the
means, which are over the trials that have a score.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.report.numbers.result import Result, Session, natural
from benchmarks.report.numbers.spending import cost_of, judge_cost
from benchmarks.report.numbers.statistics import clustered, over_trials, wilson

NEVER_RUN = "not run"
"""Reason of a missing trial of which the run holds nothing."""


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers, 0 to 1."""

    mean: float
    """Over all expected trials of all items."""
    standard_error: float | None
    """Of the mean, clustered by item; None for fewer than two items."""
    low: float
    """Wilson's 95 % interval, counting items: more trials of an item do not narrow it."""
    high: float
    by_trial: tuple[float, ...]
    deviation: float | None
    """Sample standard deviation of `by_trial`; None for one trial."""


@dataclass(frozen=True)
class Level:
    """The items of one level of difficulty; an item of which nothing is recorded has no level."""

    items: int
    missing: int
    accuracy: Accuracy


@dataclass(frozen=True)
class Effort:
    """Means over the trials that have a score; None without any, and of what a plain call lacks."""

    turns: float | None
    seconds: float | None
    input_tokens: float | None
    output_tokens: float | None
    cost: float | None
    """US dollars of all trials together, without the judge's; None where a price is not known."""
    cost_per_trial: float | None
    judge_cost: float | None
    """US dollars of the marks that are shown; None where the judge's price is not known."""
    tool_calls: float | None
    tool_error_rate: float | None
    """Share of the tool calls whose status is not ok; None without calls."""
    one_turn_rate: float | None
    """Share of the trials that ended after one turn."""


@dataclass(frozen=True)
class Summary:
    """One task of a run."""

    task: str
    subset: str
    items: int
    trials: int
    accuracy: Accuracy
    missing: int
    """Trials without a score, of `items` x `trials`; each counts as wrong."""
    reasons: dict[str, int]
    """Missing trials by reason, most frequent first."""
    judged: int
    """Trials whose score is the judge's, because the rule said no."""
    judged_right: int
    f1: float | None
    """Mean word overlap over all expected trials, 0 for a missing one; None: no open questions."""
    official_em: float | None
    official_f1: float | None
    """As the data set's own script counts, over all expected trials; None: there is no script."""
    agreement: float | None
    """Share of the scored answers on which rule and judge agree, as far as a sample tells; None
    where the judge was not asked about both kinds."""
    audited: int
    """Trials that the rule calls right and the judge was asked about all the same."""
    audited_right: int
    levels: dict[str, Level]
    effort: Effort
    tools: dict[str, float]
    """Share of all tool calls by tool, most used first."""
    stopped_by: dict[str, float]
    """Share of the trials that have a score, by what ended them; empty for a plain call."""
    rules: dict[str, float]
    """Share of the trials that have a score, by where the answer was read."""


def summarise(session: Session) -> dict[str, Summary]:
    """A summary of each task, in the session's order.

    Raises:
        ValueError: two results of one trial, or results of more than was expected.
    """
    by_task: dict[str, list[Result]] = {task: [] for task in session.expected}
    for result in sorted(session.results, key=lambda each: (each.task, each.item, each.trial)):
        by_task[result.task].append(result)
    return {task: _summary(session, task, results) for task, results in by_task.items()}


def accuracy(results: Sequence[Result], items: int, trials: int) -> Accuracy:
    """Accuracy over `items` x `trials`, where a trial that is not among the results is wrong.

    Raises:
        ValueError: two results of one trial, or results of more than was expected.
    """
    rows = _grid(results, items, trials)
    whole = clustered(rows)
    low, high = wilson(whole.mean * items, items)
    by_trial = tuple(fmean(trial) for trial in zip(*rows, strict=True))
    return Accuracy(whole.mean, whole.error, low, high, by_trial, over_trials(rows).error)


def _grid(results: Sequence[Result], items: int, trials: int) -> list[list[float]]:
    # Item by trial; items of which nothing is recorded are rows of zeros at the end.
    scores: dict[str, dict[int, float]] = defaultdict(dict)
    for each in results:
        if each.trial in scores[each.item]:
            raise ValueError(f"{each.task}: two results of item {each.item!r}, trial {each.trial}")
        if not 1 <= each.trial <= trials:
            raise ValueError(f"{each.task}: trial {each.trial} of {trials} expected")
        scores[each.item][each.trial] = each.score or 0.0
    if len(scores) > items:
        raise ValueError(f"{len(scores)} items have results, but {items} were expected")
    known = [[scores[i].get(t, 0.0) for t in range(1, trials + 1)] for i in sorted(scores)]
    return known + [[0.0] * trials] * (items - len(scores))


def _summary(session: Session, task: str, results: list[Result]) -> Summary:
    items, trials = session.expected[task], session.trials
    scored = [each for each in results if each.score is not None]
    judged = [each for each in scored if each.scored_by == "judge"]
    calls = Counter[str]()
    for each in scored:
        calls.update(each.tools)
    return Summary(
        task=task,
        subset=session.subsets.get(task, ""),
        items=items,
        trials=trials,
        accuracy=accuracy(results, items, trials),
        missing=items * trials - len(scored),
        reasons=_reasons(results, items * trials),
        judged=len(judged),
        judged_right=sum(bool(each.score) for each in judged),
        f1=_mean([each.f1 for each in scored], items * trials),
        official_em=_mean([each.official_em for each in scored], items * trials),
        official_f1=_mean([each.official_f1 for each in scored], items * trials),
        agreement=_agreement(scored),
        audited=sum(each.audit is not None for each in scored),
        audited_right=sum(bool(each.audit) for each in scored),
        levels=_levels(results, trials),
        effort=_effort(results, scored, session.plain),
        tools=_shares(calls),
        stopped_by=_shares(Counter(each.stopped_by for each in scored if not session.plain)),
        rules=_shares(Counter(each.rule for each in scored)),
    )


def _reasons(results: list[Result], expected: int) -> dict[str, int]:
    counts = Counter(each.error or NEVER_RUN for each in results if each.score is None)
    counts[NEVER_RUN] += expected - len(results)
    return {reason: n for reason, n in _ordered(counts) if n}


def _agreement(scored: list[Result]) -> float | None:
    """Of the rule's noes the judge saw all, of its yeses a sample."""
    noes = [each.score for each in scored if each.scored_by == "judge"]
    yeses = len(scored) - len(noes)
    audits = [each.audit for each in scored if each.audit is not None]
    if not audits and yeses or not scored or not (noes or audits):
        return None
    agreed = sum(not score for score in noes)
    return (agreed + (yeses * sum(audits) / len(audits) if audits else 0.0)) / len(scored)


def _mean(values: Sequence[float | None], expected: int) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / expected if known else None


def _levels(results: list[Result], trials: int) -> dict[str, Level]:
    # A trial that broke off early may not know its level; another trial of its item does.
    known = {each.item: each.level for each in results if each.level}
    by_level: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        if each.item in known:
            by_level[known[each.item]].append(each)
    return {level: _level(by_level[level], trials) for level in sorted(by_level, key=natural)}


def _level(results: list[Result], trials: int) -> Level:
    items = len({each.item for each in results})
    missing = items * trials - sum(each.score is not None for each in results)
    return Level(items, missing, accuracy(results, items, trials))


def _effort(results: list[Result], scored: list[Result], plain: bool) -> Effort:
    def mean(value: Callable[[Result], float]) -> float | None:
        return fmean(map(value, scored)) if scored else None

    def of_turns(value: Callable[[Result], float]) -> float | None:
        return None if plain else mean(value)

    calls = sum(sum(each.tools.values()) for each in scored)
    errors = sum(each.tool_errors for each in scored)
    cost = cost_of(results)
    return Effort(
        turns=of_turns(lambda each: each.turns),
        seconds=mean(lambda each: each.seconds),
        input_tokens=mean(lambda each: each.input_tokens),
        output_tokens=mean(lambda each: each.output_tokens),
        cost=cost,
        cost_per_trial=None if cost is None or not results else cost / len(results),
        judge_cost=judge_cost(results),
        tool_calls=of_turns(lambda each: sum(each.tools.values())),
        tool_error_rate=errors / calls if calls else None,
        one_turn_rate=of_turns(lambda each: each.turns == 1),
    )


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = counts.total()
    return {name: n / total for name, n in _ordered(counts) if n}


def _ordered(counts: Counter[str]) -> Iterable[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
