"""Running, resuming and scoring anew: from a request to a finished folder.

    await start(Folder(path), request, items, registry())
    await resume(Folder(path), registry())
    await score(Folder(path), registry(), Judge.of("openai:gpt-5-mini"))

All three read what is on record first, so starting is resuming an empty record. A scoring is one
set of marks of a run's answers. `resume` completes the one that is shown; `score` makes another,
which is shown once it is complete.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, TextIO

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.record import Record
from agentflow_graph.record.artifacts import interpreting
from agentflow_graph.record.events import versions
from agentflow_graph.record.reading import events
from benchmarks.errors import RunStopped, TrialFailed
from benchmarks.items.item import Benchmark
from benchmarks.runner.grading import Grader, whole_reply
from benchmarks.runner.progress import Progress
from benchmarks.runner.store.folder import REMEDY, Folder, Items, Request
from benchmarks.runner.store.records import Event, Key, Records
from benchmarks.runner.store.session import keys
from benchmarks.runner.trials import Trials
from benchmarks.scoring.judge import Judge

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

AT_ONCE = 16
"""Answers scored at once by `score`."""


async def start(
    folder: Folder,
    request: Request,
    items: Items,
    benchmarks: Mapping[str, Benchmark],
    agent: Agent | None = None,
    judge: Judge | None = None,
    out: TextIO | None = None,
) -> int:
    """Begin a run in a new folder; see `resume`."""
    folder.must_be_new()
    folder.create(request, items)
    return await resume(folder, benchmarks, agent, judge, out=out)


async def resume(
    folder: Folder,
    benchmarks: Mapping[str, Benchmark],
    agent: Agent | None = None,
    judge: Judge | None = None,
    max_cost: float | None = None,
    out: TextIO | None = None,
    scoring: int | None = None,
    told: Event | None = None,
) -> int:
    """Run what is missing, mark what is unmarked, write inspect's logs; the number still missing.

    `agent` is by default the graph, which goes by the run's prices.
    `out` is where progress is shown, by default standard error; `scoring` is the scoring that is
    completed, by default the one that is shown. `told` is put on record: by what the run is gone
    on with, as `preflight.today` says.

    Raises:
        RunStopped: the disk is full or the money spent. What is finished is kept.
        KeyboardInterrupt: Ctrl-C; inspect catches the cancellation that it becomes.
        SettingError: no run there, another process at work in it, a task no longer known, or a
            judge that is not the scoring's.
    """
    from benchmarks.runner.inspecting import evaluate

    request, items = folder.request(), folder.items()
    request = request if max_cost is None else request.costing(max_cost)
    known(request.subsets, benchmarks)
    with folder.open() as record:
        records = _records(folder)
        number = records.chosen(scoring)
        _must_be_by(judge, records.judges[number] if number else request.judge, number)
        await _sits(record, records, number, told)
        grader = Grader(benchmarks, items, record, records, judge, number, request.price_list)
        total = sum(request.expected.values()) * request.trials
        with Progress(total, records, out, number) as progress, grader:
            agent = agent or build_graph(prices=request.prices)
            trials = Trials(agent, request, items, record, records, grader, progress.ended)
            logs = await written(folder, evaluate(folder, request, items, trials, number))
            progress.interrupted = cut_off = _cut_off(logs, items)
        await _close(record, records, number)
        if number != records.chosen(None):
            _drop_log(folder)
    _raise_what_stopped(trials, logs, cut_off)
    return total - len(records.scored.get(number, {}))


async def written(folder: Folder, logs: Awaitable[list[EvalLog]]) -> list[EvalLog]:
    """Inspect's logs, made again, whole, from the record; RunStopped if the disk is full."""
    shutil.rmtree(folder.logs, ignore_errors=True)
    try:
        return await logs
    except OSError as error:
        raise RunStopped(f"inspect's log cannot be written: {error}; resume") from error


def _must_be_by(judge: Judge | None, name: str, number: int) -> None:
    given = judge.name if judge else ""
    if given != name:
        raise SettingError(
            f"scoring {number} is by {name or 'rules alone'}, not by {given or 'rules alone'}; "
            "make another scoring with `python -m benchmarks score`"
        )


async def _close(record: Record, records: Records, number: int) -> bool:
    """Say that a later scoring has become complete, if it has: it is the one that is shown now."""
    whole = records.all_marked(number)
    if number and whole and number not in records.ended:
        event = {"event": "scoring", "scoring": number, "judge": records.judges[number]}
        await _noted(record, records, event)
        return True
    return False


async def _sits(record: Record, records: Records, number: int, told: Event | None) -> None:
    """Say by what the run is gone on with."""
    if told:
        await _noted(record, records, {"event": "sitting", "scoring": number, "told": told})


async def _noted(record: Record, records: Records, event: Event) -> None:
    record.write(event)
    await record.synced()
    records.add(event)


def _drop_log(folder: Folder) -> None:
    """Inspect's log would tell another scoring than the shown one, or less; `view` makes it."""
    shutil.rmtree(folder.logs, ignore_errors=True)


def _records(folder: Folder) -> Records:
    with interpreting(folder.record, REMEDY):
        return Records.of(events(folder.record))


def _raise_what_stopped(trials: Trials, logs: Sequence[EvalLog], cut_off: bool) -> None:
    if trials.stopped:
        raise trials.stopped
    for log in logs:
        if log.status == "error":  # first: it cancels the tasks beside it
            why = log.error.message if log.error else "no reason given"
            raise RunStopped(f"inspect could not end its log of {log.eval.task}: {why}")
    if cut_off:
        raise KeyboardInterrupt


def _cut_off(logs: Sequence[EvalLog], tasks: Sized) -> bool:
    """Whether inspect was cancelled: it raises nothing, and gives logs that say so, or none."""
    return len(logs) < len(tasks) or any(log.status == "cancelled" for log in logs)


async def score(
    folder: Folder,
    benchmarks: Mapping[str, Benchmark],
    judge: Judge | None = None,
    scoring: int | None = None,
    told: Event | None = None,
) -> tuple[int, int]:
    """Mark every finished answer anew, beside the marks there are.

    One that was broken off, by the same judge and the same version of the rules, is gone on with.
    Until every answer is marked, the scoring that was shown before is shown. `scoring` names one
    that is to be completed instead; `told` as of `resume`.

    Returns (number of the scoring, answers that could not be marked).
    """
    request, items = folder.request(), folder.items()
    known(request.subsets, benchmarks)
    with folder.open() as record:
        records = _records(folder)
        before = {number: dict(marks) for number, marks in records.scored.items()}
        old = records.known  # inspect's log may tell any of these
        if scoring is None:
            number = await _opened(record, records, judge.name if judge else "")
        else:
            number = records.chosen(scoring)
            _must_be_by(judge, records.judges[number] if number else request.judge, number)
        await _sits(record, records, number, told)
        grader = Grader(benchmarks, items, record, records, judge, number, request.price_list)
        finished = [key for key in keys(request, items) if key in records.finished]
        with grader:
            marked = await _each_graded(grader, records, finished)
        marked_more = records.scored.get(number, {}) != before.get(number, {})
        if await _close(record, records, number) or (marked_more and number in old):
            _drop_log(folder)
    return number, len(finished) - marked


async def _opened(record: Record, records: Records, judge: str) -> int:
    """The number of a scoring that was broken off, or of a new one, which is on record."""
    version = versions()["agentflow-graph"]
    if (number := records.open_scoring(judge, version)) is not None:
        return number
    number = records.next_scoring()
    about = {"scoring": number, "judge": judge, "version": version}
    await _noted(record, records, {"event": "scoring_begun", **about})
    return number


async def _each_graded(grader: Grader, records: Records, finished: list[Key]) -> int:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(key: Key) -> bool:
        async with slots:
            try:
                await grader.mark(key, whole_reply(records.finished[key]["state"]))
            except TrialFailed:
                return False
            return True

    return sum(await asyncio.gather(*map(one, finished)))


def known(tasks: Mapping[str, str], benchmarks: Mapping[str, Benchmark]) -> None:
    """Raises SettingError for a task that the registry has not."""
    for task in tasks:
        if task not in benchmarks:
            near = closest(task, benchmarks)
            raise SettingError(
                f"no task {task!r}{near}; known: {', '.join(benchmarks)}, and one of your own to "
                "the program that registers it"
            )
