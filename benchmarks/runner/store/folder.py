"""The folder of a run: what was asked for, its items, its record, inspect's logs.

run.json        what was asked for; written before the first item runs, and again when trials,
                items or tasks are added
items.jsonl     the items, so that a run can be resumed and scored without the data; those that
                `run.json` does not count were being added when the process was killed
record/         all that was asked and answered, and every mark: see `agentflow_graph.record`
logs/           inspect's logs, made again from the record by every resume
state/          what inspect would else keep under the user's home
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.prices import Price, PriceList, known_prices
from agentflow_graph.record import Record, RecordError, hold
from agentflow_graph.record.artifacts import (
    faults,
    read_as,
    read_bytes,
    read_object,
    write_whole,
)
from benchmarks.errors import RunStopped
from benchmarks.items.item import Item
from benchmarks.tasks.registry import program

FORMAT = 2
REMEDY = "put the run's own file back, or begin a new run"
Items = Mapping[str, Mapping[str, Item]]
"""Items by task and id, in the order of the data."""


@dataclass(frozen=True)
class Request:
    """What a run is asked to do. It says all that `resume` has to know."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True)

    name: str
    subsets: dict[str, str]
    """Subset by task."""
    expected: dict[str, int]
    """Items by task."""
    trials: Annotated[int, Field(ge=1)] = 1
    concurrency: Annotated[int, Field(ge=1)] = 32
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the graph that are not defaults, as given."""
    seed: int = 0
    """Trial k samples with seed + k - 1; 0: without a seed."""
    judge: str = ""
    max_cost: float = 0.0
    """US dollars of the whole run; 0: any."""
    prices: dict[str, Price] = field(default_factory=dict)
    """The run's own, over the operator's and those that ship."""
    versions: dict[str, str] = field(default_factory=dict)
    baseline: Literal["", "direct", "cot"] = ""
    """The generator alone: asked as it is, or to think step by step."""
    as_is: bool = False
    """Whether it measures what it is told to, fit or not, and asks nobody first."""
    max_failed: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of failed trials among the last ones above which the run pauses, then stops."""
    filter_leaks: bool = False
    """Whether search results that hold an item's own question are kept from the graph."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """When, by which code, on which data, with what in effect: `preflight.provenance`."""

    @property
    def price_list(self) -> PriceList:
        """The prices that count; raises SettingError for a wrong file of the operator's."""
        return known_prices().under(self.prices)

    @property
    def commits(self) -> dict[str, str]:
        """By task the commit of the data set on the hub that its items are from, where noted."""
        data = self.provenance.get("data", {})
        return {task: told["revision"] for task, told in data.items() if told.get("revision")}

    def expecting(self, items: dict[str, int]) -> Request:
        """The same with the number of items by task."""
        return replace(self, expected=items)

    def costing(self, most: float) -> Request:
        """The same with another limit of cost."""
        return replace(self, max_cost=most)


@pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Row(Item):
    """A line of `items.jsonl`: an item and the task that it belongs to."""

    task: str = ""

    @property
    def item(self) -> Item:
        """The item alone."""
        return Item(**{each.name: getattr(self, each.name) for each in fields(Item)})


ROW = TypeAdapter(Row)


class Folder:
    """The paths of a run folder, and reading and writing what never changes in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.request_file = path / "run.json"
        self.items_file = path / "items.jsonl"
        self.record = path / "record"
        self.logs = path / "logs"
        self.state = path / "state"

    @contextmanager
    def open(self) -> Iterator[Record]:
        """The record, for this process alone.

        Raises:
            SettingError: another process has it.
            RunStopped: inside, the disk did not take an event.
        """
        with self.locked():
            record = Record(self.record)
            try:
                yield record
            except RecordError as error:
                raise RunStopped(str(error)) from error
            finally:
                with suppress(RecordError):  # who must hear of it has heard
                    record.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The folder for this process alone; SettingError where another one has it."""
        held = hold(
            self.record / "lock",
            f"{self.path} is in use by another process; wait for it or stop it",
        )
        try:
            yield
        finally:
            os.close(held)

    def must_be_new(self) -> None:
        """Raises SettingError unless a run may begin here."""
        if self.request_file.exists():
            raise SettingError(
                f"{self.path} holds a run already; continue it with "
                f"`{program()} resume {self.path}`, or name another folder"
            )
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise SettingError(f"{self.path} is not an empty folder; name another one for --run")

    def create(self, request: Request, items: Items) -> None:
        """Write what was asked for; `run.json` last, so that it stands for a whole folder.

        Of a run that grows the items that it had come first in each task, as they were.
        """
        rows = [{"task": task, **asdict(i)} for task, own in items.items() for i in own.values()]
        write_whole(self.items_file, "".join(json.dumps(row) + "\n" for row in rows).encode())
        whole = json.dumps({"format": FORMAT, **asdict(request)}, indent=2)
        write_whole(self.request_file, f"{whole}\n".encode())

    def request(self) -> Request:
        """What the run was asked to do; raises SettingError if this is no run of ours."""
        if not self.request_file.exists():
            raise SettingError(f"{self.path} holds no run; begin one with `{program()} run`")
        found = read_object(self.request_file, REMEDY).get("format")
        if found != FORMAT:
            by = {
                "1": "agentflow-graph 0.1 reads it (git checkout 49036a0)",
                "None": "it is damaged",
            }
            known = by.get(str(found), "another version wrote it")
            raise SettingError(
                f"{self.request_file} is of format {found}, not {FORMAT}: {known}; begin a new run"
            )
        request = read_as(Request, self.request_file, REMEDY)
        if set(request.subsets) != set(request.expected):
            raise SettingError(
                f"{self.request_file} is damaged (subsets and expected name other tasks); {REMEDY}"
            )
        return request

    def items(self) -> dict[str, dict[str, Item]]:
        """The items by task and id; raises SettingError if the file is gone or damaged."""
        asked = self.request().expected
        found: dict[str, dict[str, Item]] = {}
        for number, line in enumerate(read_bytes(self.items_file, REMEDY).splitlines(), 1):
            try:
                row = ROW.validate_json(line)
            except ValidationError as error:
                raise SettingError(
                    f"{self.items_file}:{number} is damaged ({faults(error)}); {REMEDY}"
                ) from None
            own = found.setdefault(row.task, {})
            if row.id in own or len(own) < asked.get(row.task, 0):
                own[row.id] = row.item
        found = {task: own for task, own in found.items() if task in asked}
        self._must_hold(found, asked)
        return found

    def _must_hold(self, found: Items, expected: Mapping[str, int]) -> None:
        """Raises SettingError unless the items are those that `run.json` speaks of."""
        there = {task: len(own) for task, own in found.items()}
        if there != expected:
            raise SettingError(
                f"{self.items_file} is damaged (it holds {there}, {self.request_file.name} says "
                f"{expected}); {REMEDY}"
            )
