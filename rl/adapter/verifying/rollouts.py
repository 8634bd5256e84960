"""The trajectories of a run as its trainer had them: its own generator, on the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from agentflow_graph.record.events import Event
from agentflow_graph.record.reading import RecordedRun, read
from rl.adapter.workers.outage import Asked, Groups, Outage, settled
from rl.adapter.workers.pool import WorkerPool
from rl.adapter.workers.samples import FlowSamplesGenerator
from rl.adapter.workers.worker import Batch
from rl.reward.task import Task
from rl.rollout import LEFT_OUT, Trajectory, outcomes
from rl.settings.config import Config
from rl.settings.errors import Differs

Outcomes = dict[tuple[str, int], tuple[Event, RecordedRun]]
"""By question and number: the event of the outcome, and the attempt that it speaks of."""


class RecordedPool:
    """Answers as a pool of graph workers would; every run is one of the record."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._batch = ""
        self.runs: dict[str, RecordedRun] = {}
        """Attempts of the batch that was asked for last, by name."""
        self.known: Outcomes = {}
        """The outcomes among them."""

    def open(self, batch: str) -> None:
        """Read a batch, once as long as no other is wanted."""
        if batch != self._batch:
            self._batch, self.runs = batch, read(self._record / batch)
            self.known = _outcomes(self.runs.values())

    def run(self, tasks: Sequence[Task], batch: Batch) -> Groups:
        """See `WorkerPool.run`.

        Raises:
            Differs: a run that the settings call for is not on record.
        """
        self.open(batch.name)
        return [[self._one(task, batch, n) for n in range(batch.runs)] for task in tasks]

    def submit(self, tasks: Sequence[Task], batch: Batch) -> tuple[Sequence[Task], Batch]:
        """See `WorkerPool.submit`."""
        return tasks, batch

    def collect(self, pending: tuple[Sequence[Task], Batch]) -> Groups:
        """See `WorkerPool.collect`."""
        return self.run(*pending)

    def _one(self, task: Task, batch: Batch, number: int) -> Trajectory:
        known = self.known.get((task.id, number))
        if known is None:
            raise Differs(
                f"{batch.name}: run {number} of question {task.id!r} is not on record, whole and "
                "with its outcome"
            )
        return Trajectory.from_record(task, *known)


def _outcomes(runs: Any) -> Outcomes:
    """What each run came to: a finished attempt, or else the one that was left out."""
    left: Outcomes = {}
    done: Outcomes = {}
    for run in runs:
        for event in run.notes:
            if event["event"] == LEFT_OUT:
                left[event["task"], event["number"]] = event, run
        for event in outcomes(run):
            done[event["task"], event["number"]] = event, run
    return left | done


class _Past(Outage):
    """Nothing is waited for: what the world failed then has failed."""

    def waited_out(self, asked: Sequence[Asked], groups: Groups) -> Groups:
        """The groups as the trainer went on with them."""
        return settled(groups)


class RecordedSamples(FlowSamplesGenerator):
    """The questions of each step and evaluation, drawn anew, with their recorded runs."""

    def __init__(self, strategy: Any, config: Config) -> None:
        self.recorded = RecordedPool(config.run / "record")
        super().__init__(strategy, config, cast(WorkerPool, self.recorded), [])
        self.outage = _Past(config, self.pool, print)
