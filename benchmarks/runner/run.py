"""Running, resuming and scoring anew: from a request to a finished folder.

    await start(Folder(path), request, items, registry())
    await resume(Folder(path), registry())
    await score(Folder(path), registry(), Judge.of("openai:gpt-5-mini"))

All three read what is on record first, so starting is resuming an empty record.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, TextIO

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.graph import Agent, graph
from agentflow_graph.record.artifacts import interpreting
from agentflow_graph.record.reading import events
from benchmarks.errors import RunStopped, TrialFailed
from benchmarks.items.item import Benchmark
from benchmarks.runner.folder import REMEDY, Folder, Items, Request
from benchmarks.runner.grading import Grader, whole_reply
from benchmarks.runner.progress import Progress
from benchmarks.runner.records import Key, Records
from benchmarks.runner.session import keys
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
    agent: Agent = graph,
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
    agent: Agent = graph,
    judge: Judge | None = None,
    max_cost: float | None = None,
    out: TextIO | None = None,
) -> int:
    """Run what is missing, mark what is unmarked, write inspect's logs; the number still missing.

    `out` is where progress is shown, by default standard error.

    Raises:
        RunStopped: the disk is full or the money spent. What is finished is kept.
        KeyboardInterrupt: Ctrl-C; inspect catches the cancellation that it becomes.
        SettingError: no run there, another process at work in it, or a task no longer known.
    """
    from benchmarks.runner.inspecting import evaluate

    request, items = folder.request(), folder.items()
    request = request if max_cost is None else request.costing(max_cost)
    known(request.subsets, benchmarks)
    with folder.open() as record:
        records = _records(folder)
        grader = Grader(benchmarks, items, record, records, judge, prices=request.prices)
        total = sum(request.expected.values()) * request.trials
        # They are made again, whole, from the record.
        shutil.rmtree(folder.logs, ignore_errors=True)
        with Progress(total, records, out) as progress, grader:
            trials = Trials(agent, request, items, record, records, grader, progress.ended)
            try:
                logs = await evaluate(folder, request, items, trials)
            except OSError as error:
                raise RunStopped(f"inspect's log cannot be written: {error}; resume") from error
            progress.interrupted = cut_off = _cut_off(logs, items)
    _raise_what_stopped(trials, logs, cut_off)
    return total - len(records.scored[0])


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
    folder: Folder, benchmarks: Mapping[str, Benchmark], judge: Judge | None = None
) -> tuple[int, int]:
    """Mark every finished answer anew, beside the marks there are.

    Returns (number of the new scoring, answers that could not be marked).
    """
    request, items = folder.request(), folder.items()
    known(request.subsets, benchmarks)
    with folder.open() as record:
        records = _records(folder)
        number = records.next_scoring()
        grader = Grader(benchmarks, items, record, records, judge, number, request.prices)
        finished = [key for key in keys(request, items) if key in records.finished]
        with grader:
            marked = await _each_graded(grader, records, finished)
        name = judge.name if judge else ""
        record.write({"event": "scoring", "scoring": number, "judge": name})
        await record.synced()
    return number, len(finished) - marked


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
            raise SettingError(f"no task {task!r}{near}; known: {', '.join(benchmarks)}")
