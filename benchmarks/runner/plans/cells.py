"""One run among several that are made together: begun, gone on with, or let grow.

    missing = await carried_on(Cell(Folder(path), request, items), registry(), judge)

The same command again goes on with what was broken off, and what is finished is not repeated. More
trials, items or tasks than a run has are added to it; it never loses or changes any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agentflow_graph.errors import SettingError
from agentflow_graph.graph import Agent
from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.sittings import sitting
from benchmarks.runner.growing import grown, with_data
from benchmarks.runner.run import resume, start
from benchmarks.runner.store.folder import Folder, Items, Request
from benchmarks.runner.store.session import read_session, scoring_of
from benchmarks.scoring.judge import Judge

SAME = ("seed", "judge", "settings", "baseline", "filter_leaks")
"""What a run that goes on must share with what is asked; how fast and for how much may change."""


@dataclass(frozen=True)
class Cell:
    """A run and what it is asked to be."""

    folder: Folder
    request: Request
    items: Items
    scoring: int | None = None
    """The scoring that is completed and shown; None: the one that became complete last."""

    @property
    def begun(self) -> bool:
        """Whether the folder holds a run."""
        return self.folder.request_file.exists()

    def check(self) -> None:
        """Raises SettingError if the folder is taken, or holds a run of something else."""
        if self.begun:
            self.larger()
            scoring_of(self.folder.path, self.scoring)
        elif self.scoring:
            raise SettingError(
                f"{self.folder.path} holds no run yet, so it has no scoring {self.scoring}: leave "
                "--scoring out to run it first"
            )
        else:
            self.folder.must_be_new()

    def larger(self) -> tuple[Request, Items] | None:
        """What the run in the folder grows to; None if it has all that is asked for.

        Raises:
            SettingError: it is a run of something else, or would lose some of what it has.
        """
        held, items = self.folder.request(), self.folder.items()
        more = held.trials != self.request.trials or items != self.items
        if other := self._differences(held, more):
            raise SettingError(
                f"{self.folder.path} holds a run with other {', '.join(other)}; give the options "
                "it was begun with, or name another folder for --run"
            )
        if not more:
            return None
        asked = self.request
        wanted = {task: (asked.subsets[task], own) for task, own in self.items.items()}
        request, merged = grown(held, items, asked.trials, wanted)
        return with_data(request, asked.provenance.get("data", {})), merged

    def _differences(self, held: Request, more: bool) -> list[str]:
        asked = self.request
        found = [name for name in SAME if getattr(held, name) != getattr(asked, name)]
        found += ["tasks"] if set(held.subsets) - set(asked.subsets) else []
        renamed = not more and held.subsets != asked.subsets
        return found + (["subsets"] if renamed else [])


async def carried_on(
    cell: Cell,
    benchmarks: Mapping[str, Benchmark],
    judge: Judge | None,
    agent: Agent | None = None,
) -> int:
    """Run what the cell lacks; the number of trials that are missing still.

    Raises:
        RunStopped: the disk is full or the money of the run spent; what is finished is kept.
        KeyboardInterrupt: inspect caught an interruption.
    """
    folder, request = cell.folder, cell.request
    if not cell.begun:
        return await start(folder, request, cell.items, benchmarks, agent, judge)
    if larger := cell.larger():
        with folder.locked():
            folder.create(*larger)
    elif whole(cell):
        return 0
    number, name = scoring_of(folder.path, cell.scoring)
    own = judge if judge and judge.name == name else Judge.of(name) if name else None
    limit = request.max_cost or None
    told = sitting(request.provenance)  # of this day: the folder has that of the first
    return await resume(folder, benchmarks, agent, own, limit, scoring=number, told=told)


def whole(cell: Cell) -> bool:
    """Whether every trial of the run has a score, and the judge has audited its sample."""
    results = read_session(cell.folder.path, cell.scoring).results
    return all(each.score is not None and not each.audit_owed for each in results)


def with_turns(request: Request, name: str, turns: int) -> Request:
    """The request of a run with a budget of turns, which its provenance tells too."""
    settings = request.settings | {"max_turns": turns}
    told = request.provenance
    if "effective" in told:
        told = {**told, "effective": told["effective"] | {"max_turns": turns}}
    return replace(request, name=name, settings=settings, provenance=told)
