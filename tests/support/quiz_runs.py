"""Runs of the quiz without inspect, and what is done to their records."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quizzes import (
    QUIZ,
    counted,
    noting_judge,
    quiz_agent,
    quiz_benchmark,
    quiz_items,
    quiz_request,
)

from agentflow_graph.graph import Agent
from agentflow_graph.record.events import Event, events_in
from agentflow_graph.record.reading import events, files_of
from benchmarks.errors import RunStopped, TrialFailed
from benchmarks.runner.grading import Grader
from benchmarks.runner.store.folder import Folder
from benchmarks.runner.store.records import Key, Records
from benchmarks.runner.store.session import keys, read_session
from benchmarks.runner.trials import Trials
from benchmarks.scoring.judge import Judge

N = 6
"""Items; of them q0 and q3 have golds that the rule does not find."""
EACH_ONCE = {str(n): 1 for n in range(N)}
"""How often the planner is asked, by item."""


class Quiz:
    """A run: the trials and all that they write. It goes on where the folder has one already."""

    def __init__(self, path: Path, judge: Judge | None = None, n: int = N, **more: Any) -> None:
        self.path, self.calls = path / "run", path / "calls"
        self.folder, self.items = Folder(self.path), quiz_items(n)
        self.request = quiz_request(n, judge=judge.name if judge else "", **more)
        self.judge = judge
        if not self.path.exists():
            self.folder.create(self.request, self.items)

    async def run(
        self,
        agent: Agent | None = None,
        at_once: bool = False,
        on_end: Callable[[Event | None], None] = lambda mark: None,
        **how: Any,
    ) -> list[BaseException | str]:
        """What became of each trial: `ok` or its error. One after the other, or all at once."""
        given = {QUIZ: quiz_benchmark()}, self.items
        with self.folder.open() as record:
            records = Records.of(events(self.folder.record))
            with Grader(*given, record, records, self.judge, 0, self.request.price_list) as grader:
                agent = agent or quiz_agent(self.calls, **how)
                trials = Trials(agent, self.request, self.items, record, records, grader, on_end)
                wanted = keys(self.request, self.items)
                if at_once:
                    return await asyncio.gather(*(self._one(trials, key) for key in wanted))
                return [await self._one(trials, key) for key in wanted]

    @staticmethod
    async def _one(trials: Trials, key: Key) -> BaseException | str:
        try:
            await trials.outcome(key)
        except (TrialFailed, RunStopped) as error:
            return error
        return "ok"

    def scores(self, scoring: int | None = None) -> list[float | None]:
        return [result.score for result in read_session(self.path, scoring).results]

    def asked(self) -> Counter[str]:
        """How often the planner was asked, by number of the item."""
        return counted(self.calls)

    def events(self, file: int = 0) -> list[Event]:
        """What one file of the record holds; each process began one."""
        return list(events_in(self.file(file)))

    def file(self, number: int = 0) -> Path:
        return files_of(self.folder.record)[number]

    def cut_after(self, last: Callable[[Event], bool]) -> None:
        """As if the only process so far had been killed when it had written this event."""
        (path,) = files_of(self.folder.record)
        lines = path.read_bytes().splitlines(keepends=True)
        at = next(n for n, event in enumerate(events_in(path)) if last(event))
        rewrite(path, b"".join(lines[: at + 1]))


def answered(node: str, number: int = 0, item: int = 0) -> Callable[[Event], bool]:
    """Whether an event is the answer to that call of a node in that item's first trial."""
    run = f"{QUIZ}/q{item}/1"

    def is_it(event: Event) -> bool:
        if (event["event"], event.get("run")) != ("answered", run):
            return False
        who, _, which, _ = event["call"]
        return (who, which) == (node, number)

    return is_it


def rewrite(file: Path, data: bytes) -> None:
    """Change the file of a process that ended a while ago: files are read in the order of time."""
    file.write_bytes(data)
    before = time.time() - 60
    os.utime(file, (before, before))


def copy_of(finished: Path, path: Path) -> Quiz:
    """A finished run, to do something to."""
    shutil.copytree(finished, path, dirs_exist_ok=True)
    return Quiz(path, noting_judge(path / "judged"))


def planned(quiz: Quiz) -> Counter[str]:
    """Answers of the planner that are on record, by item."""
    return Counter(
        event["run"].split("/")[1].removeprefix("q")
        for event in events(quiz.folder.record)
        if event["event"] == "answered" and event["call"][0] == "planner"
    )
