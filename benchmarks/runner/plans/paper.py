"""A manifest at work: one run for each arm and budget, in folders next to each other.

    plan = Plan(Path("runs/paper"), read_manifest("paper-7b"), prices={})
    plan.estimates(registry())              # before anything is asked or downloaded
    ready = plan.ready(data=None)
    await plan.measure(ready, registry())   # runs/paper/base, runs/paper/frozen-3, ...

Each is a run like any other: `resume`, `score`, `report`, `compare` and `view` take its folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.prices import Price
from benchmarks.errors import RunStopped
from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.result import Session
from benchmarks.report.several.grid import Column
from benchmarks.runner.plans.cells import Cell, carried_on, whole, with_turns
from benchmarks.runner.plans.estimate import Estimate, estimate
from benchmarks.runner.plans.manifest import Entry, Manifest
from benchmarks.runner.plans.study import commits, must_hold_runs
from benchmarks.runner.preflight.checks import check, request_of, selections, with_items
from benchmarks.runner.store.folder import Folder, Request
from benchmarks.runner.store.session import read_session, spent
from benchmarks.scoring.judge import Judge


@dataclass(frozen=True)
class Ready:
    """A run that may begin or go on, with its judge."""

    entry: Entry
    cell: Cell
    judge: Judge | None


@dataclass(frozen=True)
class Plan:
    """A manifest and where its runs are."""

    path: Path
    manifest: Manifest
    prices: Mapping[str, Price] = field(default_factory=dict)
    max_cost: float = 0.0
    """US dollars of all runs together; 0: any."""
    scoring: int | None = None

    def folder(self, entry: Entry) -> Folder:
        """Of one run."""
        return Folder(self.path / entry.name)

    def request(self, entry: Entry) -> Request:
        """Of one run, without its items; raises SettingError."""
        asked = self.manifest.asked(
            entry, run=self.path / entry.name, prices=None, max_cost=self.max_cost
        )
        request = replace(request_of(asked), prices=dict(self.prices))
        return with_turns(request, entry.name, entry.turns) if entry.turns else request

    def estimates(self, benchmarks: Mapping[str, Benchmark]) -> list[Estimate]:
        """What is still to come of each run, from the sizes that the subsets must have."""
        found = []
        for entry in self.manifest.entries:
            request = self.request(entry)
            sizes = self.sizes(request, benchmarks)
            session = self._session(entry)
            assumed = self.manifest.assumed
            found.append(estimate(entry, request.expecting(sizes), benchmarks, assumed, session))
        return found

    def sizes(self, request: Request, benchmarks: Mapping[str, Benchmark]) -> dict[str, int]:
        """Items by task, as many as there must be."""
        return {task: self._size(benchmarks[task], part) for task, part in request.subsets.items()}

    def _size(self, of: Benchmark, subset: str) -> int:
        size = next(iter(of.subset(subset).values())).size
        return min(size, self.manifest.limit or size)

    def faults(self) -> dict[str, list[str]]:
        """By what would be refused the arms, as far as it shows without asking anybody."""
        found: dict[str, list[str]] = {}
        for entry in {entry.of: entry for entry in self.manifest.entries}.values():
            try:
                check(self.request(entry), ask=False)
            except SettingError as error:
                found.setdefault(str(error), []).append(entry.of)
        return found

    def ready(self, data: Path | None) -> list[Ready]:
        """Every run, checked; models and tools of those that lack something are asked once an arm.

        Raises:
            SettingError: something cannot be had, or a folder holds something else.
        """
        must_hold_runs(self.path)
        entries = list(self.manifest.entries)
        known = commits([self.folder(entry) for entry in entries])
        subsets = self.request(entries[0]).subsets
        chosen = selections(subsets, data, self.manifest.limit, known)
        items = {name: each.by_id for name, each in chosen.items()}
        sizes = {name: len(own) for name, own in items.items()}
        found: list[Ready] = []
        served: dict[str, dict[str, str]] = {}
        for entry in entries:
            request, judge = self.request(entry).expecting(sizes), None
            cell = Cell(self.folder(entry), request, items, self.scoring)
            cell.check()
            if not _finished(cell):
                able = check(request, ask=entry.of not in served)
                able = replace(able, served=served.setdefault(entry.of, able.served))
                request, _ = with_items(request, able, chosen)
                cell, judge = replace(cell, request=request), able.judge
            found.append(Ready(entry, cell, judge))
        return found

    async def measure(self, ready: Sequence[Ready], benchmarks: Mapping[str, Benchmark]) -> int:
        """Run what is missing; the number of trials that have no score still.

        Raises:
            RunStopped: the disk is full or the money spent; what is finished is kept.
            KeyboardInterrupt: inspect caught an interruption.
        """
        missing = 0
        for each in ready:
            cell = each.cell
            if self.max_cost and not _finished(cell):
                cell = replace(cell, request=cell.request.costing(self._left(each, ready)))
            missing += await carried_on(cell, benchmarks, each.judge)
        return missing

    def _left(self, one: Ready, ready: Sequence[Ready]) -> float:
        """What one run may cost in all, the others having cost what they have."""
        others = [each.cell for each in ready if each is not one and each.cell.begun]
        left = self.max_cost - sum(spent(cell.folder.path) for cell in others)
        if left <= 0:
            raise RunStopped(
                f"{self.max_cost - left:.2f} of {self.max_cost:.2f} US dollars are spent; go on "
                "with a higher --max-money"
            )
        return left

    def columns(self) -> list[Column]:
        """What the runs that have begun came to."""
        return [
            Column.of(entry.of, entry.arm.title, entry.arm.paper, entry.turns, session)
            for entry in self.manifest.entries
            if (session := self._session(entry)) is not None
        ]

    def _session(self, entry: Entry) -> Session | None:
        folder = self.folder(entry)
        begun = folder.request_file.exists()
        return read_session(folder.path, self.scoring) if begun else None


def _finished(cell: Cell) -> bool:
    return cell.begun and cell.larger() is None and whole(cell)
