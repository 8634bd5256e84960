"""A study: one run for each budget of turns, of the same items, in folders next to each other.

study = Study(Path("runs/study"), (1, 2, 5), request, items)
study.check()
await measure(study, registry())        # runs/study/budget-1, budget-2, budget-5
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.graph import Agent
from benchmarks.items.item import Benchmark
from benchmarks.runner.run import resume, start
from benchmarks.runner.store.folder import Folder, Items, Request
from benchmarks.runner.store.session import read_session
from benchmarks.scoring.judge import Judge

SAME = ("subsets", "expected", "trials", "seed", "judge", "settings", "baseline")
"""What the runs of a study have in common; how fast and for how much may change."""


@dataclass(frozen=True)
class Study:
    """What a study is asked to do; `request` is that of each run but for `max_turns`."""

    path: Path
    budgets: tuple[int, ...]
    request: Request
    items: Items

    def folder(self, budget: int) -> Folder:
        """The folder of one run."""
        return Folder(self.path / f"budget-{budget}")

    def of(self, budget: int) -> Request:
        """The request of one run."""
        settings = self.request.settings | {"max_turns": budget}
        return replace(self.request, name=f"budget-{budget}", settings=settings)

    def check(self) -> None:
        """Raises SettingError if a folder is taken, or holds a run of another study."""
        if Folder(self.path).request_file.exists():
            raise SettingError(f"{self.path} is the folder of a run; name another one for --run")
        for budget in self.budgets:
            folder = self.folder(budget)
            if not folder.request_file.exists():
                folder.must_be_new()
                continue
            if other := self._differences(budget):
                raise SettingError(
                    f"{folder.path} holds a run with other {', '.join(other)}; give the options "
                    "it was begun with, or name another folder for --run"
                )

    def _differences(self, budget: int) -> list[str]:
        folder, asked = self.folder(budget), self.of(budget)
        held = folder.request()
        found = [name for name in SAME if getattr(held, name) != getattr(asked, name)]
        return found + (["items"] if not found and folder.items() != self.items else [])


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
    missing = 0
    for budget in study.budgets:
        folder, request = study.folder(budget), study.of(budget)
        if not folder.request_file.exists():
            missing += await start(folder, request, study.items, benchmarks, agent, judge)
        elif not whole(folder):
            limit = request.max_cost or None
            missing += await resume(folder, benchmarks, agent, judge, limit)
    return missing


def whole(folder: Folder) -> bool:
    """Whether every trial of the run has a score."""
    return all(each.score is not None for each in read_session(folder.path).results)
