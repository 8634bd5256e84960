"""`python -m benchmarks check`: prove the loaders and the scorers on the data at hand.

For each benchmark: as many items as there must be; every gold answer scores 1 on its own item in
each usual spelling; the next item's gold scores 0 on it; the original's file is the known one.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from agentflow_graph.errors import SettingError
from benchmarks.items.data import PAPER, Loaded, NoData, locate, must_be_folder
from benchmarks.items.item import Benchmark, Item
from benchmarks.report.table import render_table
from benchmarks.tasks.registry import benchmark, registry
from benchmarks.tasks.spellings import right_replies, wrong_replies

SHOWN = 5
"""So many faults of a task are printed; `--json` has them all."""
HEAD = ("task", "subset", "source", "items", "of", "golds=1", "shifted=0", "twice", "file", "")


@dataclass(frozen=True)
class Fault:
    """An answer that was scored wrongly."""

    item: str
    kind: Literal["gold", "shifted"]
    reply: str
    """Empty for a gated data set: what is in it must not be shown."""


@dataclass(frozen=True)
class Checked:
    """What was found about one subset of one benchmark."""

    task: str
    subset: str
    status: Literal["ok", "fault", "no data"]
    source: str = ""
    found: int = 0
    expected: int = 0
    golds: int = 0
    """Items whose gold scores 1 in every spelling."""
    shifted: int = 0
    """Items on which the answer of another item scores 0 in every spelling."""
    lone: int = 0
    """Items without any other answer in the subset to be compared with."""
    twice: int = 0
    """Items whose question stood there before."""
    file: Literal["", "known", "changed"] = ""
    """Whether the original's file has the known checksum."""
    faults: tuple[Fault, ...] = ()
    note: str = ""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("check", help="prove loaders and scorers on the data at hand")
    parser.add_argument(
        "tasks", nargs="*", metavar="TASK", help="default: every task of which there are data"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with the data")
    parser.add_argument("--subset", default=PAPER, metavar="NAME", help="default: agentflow")
    parser.add_argument("--json", action="store_true", help="as a JSON list, with every fault")
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Check and print; 1 if anything is at fault, or a task that was named has no data."""
    must_be_folder(args.data)
    tasks = [benchmark(name) for name in args.tasks] or [
        each for each in registry().values() if args.subset in each.subsets
    ]
    if not tasks:
        raise SettingError(f"--subset {args.subset!r}: no task has a subset of that name")
    found = [check(task, args.subset, args.data) for task in tasks]
    print(json.dumps([asdict(each) for each in found], indent=2) if args.json else render(found))
    bad = ("fault", "no data") if args.tasks else ("fault",)
    return int(any(each.status in bad for each in found))


def check(of: Benchmark, subset: str, data: Path | None) -> Checked:
    """Check one subset; a fault of the data is part of the answer.

    Raises:
        SettingError: the benchmark has no such subset.
    """
    of.subset(subset)
    if data is None and of.generate is None:
        note = f"{of.name}: no folder was given with --data"
        return Checked(of.name, subset, "no data", note=note)
    try:
        loaded = locate(of, subset, data)
    except NoData as error:
        return Checked(of.name, subset, "no data", note=str(error))
    except SettingError as error:
        return Checked(of.name, subset, "fault", note=str(error))
    return _judged(of, subset, loaded)


def render(found: Sequence[Checked]) -> str:
    """The table, and below it what is wrong or missing."""
    rows = [_cells(each) for each in found]
    below = [line for each in found for line in _remarks(each)]
    return "\n".join([render_table(HEAD, rows), *([""] if below else []), *below])


def _judged(of: Benchmark, subset: str, loaded: Loaded) -> Checked:
    items = loaded.items
    golds = [_unequal(of, item, right_replies(of.rule, item), 1.0) for item in items]
    replies = [wrong_replies(of.rule, items, index) for index in range(len(items))]
    shifted = [_unequal(of, item, each, 0.0) for item, each in zip(items, replies, strict=True)]
    faults = [*_faults(of, "gold", items, golds), *_faults(of, "shifted", items, shifted)]
    short = not items or (subset == PAPER and len(items) != loaded.part.size)
    known: Literal["known", "changed"] = "changed" if loaded.changed else "known"
    return Checked(
        task=of.name,
        subset=subset,
        status="fault" if faults or short else "ok",
        source=loaded.source,
        found=len(items),
        expected=loaded.part.size,
        golds=sum(not wrong for wrong in golds),
        shifted=sum(bool(each) and not wrong for each, wrong in zip(replies, shifted, strict=True)),
        lone=sum(not each for each in replies),
        twice=len(items) - len({item.question for item in items}),
        file=known if loaded.source == "original" else "",
        faults=tuple(faults),
        note=_short(of, loaded) if short else "",
    )


def _short(of: Benchmark, loaded: Loaded) -> str:
    return f"{of.name}: {len(loaded.items)} items in {loaded.origin}, not {loaded.part.size}"


def _unequal(of: Benchmark, item: Item, replies: Sequence[str], value: float) -> list[str]:
    """The replies that do not get the score `value`."""
    return [reply for reply in replies if _value(of, item, reply) != value]


def _value(of: Benchmark, item: Item, reply: str) -> float | None:
    try:
        return of.score(item, reply).value
    except ValueError:  # A gold that nobody could meet: neither right nor wrong.
        return None


def _faults(
    of: Benchmark, kind: Literal["gold", "shifted"], items: Sequence[Item], wrong: list[list[str]]
) -> Iterator[Fault]:
    for item, replies in zip(items, wrong, strict=True):
        for reply in replies:
            yield Fault(item.id, kind, "" if of.gated else reply)


def _cells(each: Checked) -> list[str]:
    if not each.source:
        return [each.task, each.subset, "-", "-", "-", "-", "-", "-", "-", each.status]
    numbers = (each.found, each.expected, each.golds, each.shifted, each.twice)
    cells = [each.task, each.subset, each.source, *map(str, numbers)]
    return [*cells, each.file or "-", each.status]


def _remarks(each: Checked) -> Iterator[str]:
    if each.note:
        yield each.note
    for fault in each.faults[:SHOWN]:
        said = "gold scores less than 1" if fault.kind == "gold" else "another's gold scores"
        yield f"{each.task}: {fault.item}: {said}: {fault.reply!r}"
    if len(each.faults) > SHOWN:
        yield f"{each.task}: and {len(each.faults) - SHOWN} more, see --json"
    if each.lone:
        yield f"{each.task}: {each.lone} items have no other answer to be compared with"
