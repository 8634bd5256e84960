"""A study: one run for each budget of turns, of the same items, in folders next to each other.

study = Study(Path("runs/study"), (1, 2, 5), request, items)
study.check()
await measure(study, registry())        # runs/study/budget-1, budget-2, budget-5
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.graph import Agent
from benchmarks.items.item import Benchmark
from benchmarks.runner.plans.cells import Cell, carried_on, with_turns
from benchmarks.runner.store.folder import Folder, Items, Request
from benchmarks.scoring.judge import Judge


@dataclass(frozen=True)
class Study:
    """What a study is asked to do; `request` is that of each run but for `max_turns`."""

    path: Path
    budgets: tuple[int, ...]
    request: Request
    items: Items
    scoring: int | None = None
    """Of each run the scoring that is completed and shown; None: each run's last complete one."""

    def folder(self, budget: int) -> Folder:
        """The folder of one run."""
        return folder_of(self.path, budget)

    def of(self, budget: int) -> Request:
        """The request of one run."""
        return with_turns(self.request, f"budget-{budget}", budget)

    @property
    def cells(self) -> list[Cell]:
        """The runs, in ascending order of their budgets."""
        return [Cell(self.folder(n), self.of(n), self.items, self.scoring) for n in self.budgets]

    def check(self) -> None:
        """Raises SettingError if a folder is taken, or holds a run of another study."""
        must_hold_runs(self.path)
        for cell in self.cells:
            cell.check()


def folder_of(path: Path, budget: int) -> Folder:
    """The folder of a study's run with a budget."""
    return Folder(path / f"budget-{budget}")


def must_hold_runs(path: Path) -> None:
    """Raises SettingError for the folder of a run, where folders of runs are wanted."""
    if Folder(path).request_file.exists():
        raise SettingError(f"{path} is the folder of a run; name another one for --run")


def commits(folders: list[Folder]) -> dict[str, str]:
    """By task the commit of the hub that the runs which have begun are from."""
    begun = [each.request() for each in folders if each.request_file.exists()]
    return {task: commit for request in begun for task, commit in request.commits.items()}


async def measure(
    study: Study,
    benchmarks: Mapping[str, Benchmark],
    agent: Agent | None = None,
    judge: Judge | None = None,
) -> int:
    """Run what is missing at each budget; the number of trials that are missing still.

    Raises:
        RunStopped: the disk is full or the money of a run spent; what is finished is kept.
        KeyboardInterrupt: inspect caught an interruption.
    """
    return sum([await carried_on(cell, benchmarks, judge, agent) for cell in study.cells])
