"""Reading a run folder: what the report and the comparison work on.

session = read_session(Path("runs/bench"))

It may be read while the run goes on: what has not happened yet is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentflow_graph.record.artifacts import interpreting
from agentflow_graph.record.reading import events
from benchmarks.items.item import Item
from benchmarks.report.numbers.result import UNMARKED, Result, Session
from benchmarks.runner.store.folder import REMEDY, Folder, Items, Request
from benchmarks.runner.store.records import Event, Key, Records, owes_audit
from benchmarks.runner.store.sittings import provenance_in, sittings_of


def read_session(path: Path, scoring: int | None = None) -> Session:
    """The run in a folder, as scored last, or by the scoring of that number (0: the run's own).

    Raises:
        SettingError: the folder holds no run, or no such scoring.
    """
    folder = Folder(path)
    request, items = folder.request(), folder.items()
    with interpreting(folder.record, REMEDY):
        records = Records.of(events(folder.record), _summary)
        number = records.chosen(scoring)
        asked = keys(request, items)
        results = [result_of(k, items[k.task][k.item], records, number) for k in asked]
    sittings = sittings_of(request, records, number)
    return Session(
        name=request.name,
        subsets=request.subsets,
        expected=request.expected,
        trials=request.trials,
        settings=request.settings,
        versions=request.versions,
        results=results,
        judge=records.judges[number] if number else request.judge,
        scoring=number,
        baseline=request.baseline,
        as_is=request.as_is,
        folder=str(path),
        seed=request.seed,
        filter_leaks=request.filter_leaks,
        sources=_sources(request),
        provenance=provenance_in(request, sittings, number),
        sittings=sittings,
    )


def scoring_of(path: Path, scoring: int | None = None) -> tuple[int, str]:
    """Number and judge of a scoring, by default of the one that is shown.

    Raises:
        SettingError: as `read_session`.
    """
    request, records = light(path)
    number = records.chosen(scoring)
    return number, records.judges[number] if number else request.judge


def spent(path: Path) -> float:
    """US dollars that a run has cost so far, as far as prices are known."""
    return light(path)[1].spent


def scorings(path: Path) -> list[int]:
    """Numbers of a run's scorings, unfinished ones too."""
    return light(path)[1].known


def light(path: Path) -> tuple[Request, Records]:
    """What is on record, without what the finished states say; errors as of `read_session`."""
    folder = Folder(path)
    with interpreting(folder.record, REMEDY):
        return folder.request(), Records.of(events(folder.record), lambda state: {"kept": False})


def _sources(request: Request) -> dict[str, str]:
    """By task what tells its data from others: the commit or the file, else the items."""
    data = request.provenance.get("data", {})
    names = ("revision", "sha256", "items")
    return {t: next((d[n][:12] for n in names if d.get(n)), "") for t, d in data.items()}


def keys(request: Request, items: Items) -> Iterator[Key]:
    """Every trial that was asked for."""
    for task, own in items.items():
        for item in own:
            for trial in range(1, request.trials + 1):
                yield Key(task, item, trial)


def result_of(key: Key, item: Item, records: Records, scoring: int) -> Result:
    """What is known of one trial."""
    ran = records.finished.get(key) or records.failed.get(key)
    mark = records.scored.get(scoring, {}).get(key)
    return Result(
        **key._asdict(),
        level=item.level,
        golds=item.golds,
        question=item.question,
        hops=item.hops,
        least_calls=item.calls,
        twin=item.twin,
        **(_marked(mark) if mark else {"score": None, "error": why_missing(key, records, scoring)}),
        **_judging(mark or records.unscored.get(scoring, {}).get(key, {})),
        **(_ran(ran) if ran else {}),
    )


def _marked(mark: Event) -> dict[str, Any]:
    same = {name: mark[name] for name in ("answer", "rule", "f1")}
    # Marks of earlier versions have none of these.
    same |= {name: mark.get(name) for name in ("official_em", "official_f1", "audit")}
    owed = owes_audit(mark)
    return {"score": mark["value"], "scored_by": mark["by"], "audit_owed": owed, **same}


def _judging(event: Event) -> dict[str, Any]:
    """Marks of earlier versions do not say what the judge was asked."""
    return {"judging": event.get("spent", {}), "judging_cost": event.get("cost")}


def why_missing(key: Key, records: Records, scoring: int) -> str:
    """Why a trial has no mark in a scoring."""
    if key in records.finished:
        unscored = records.unscored.get(scoring, {}).get(key)
        return str(unscored["error"]) if unscored else UNMARKED
    failed = records.failed.get(key)
    return str(failed["error"]) if failed else "not run"


def _ran(event: Event) -> dict[str, Any]:
    summary: dict[str, Any] = event["state"]
    return {"seconds": event["seconds"], "cost": event["cost"], **summary}


def _summary(state: dict[str, Any]) -> dict[str, Any]:
    """What a result says of a finished state."""
    calls = [call for turn in state["turns"] for call in turn.get("calls", [])]
    usage = state["usage"].values()
    return {
        "stopped_by": state["stopped_by"],
        "turns": len(state["turns"]),
        "input_tokens": int(sum(spent["input_tokens"] for spent in usage)),
        "output_tokens": int(sum(spent["output_tokens"] for spent in usage)),
        "usage": state["usage"],
        "money": state.get("money", {}).get("by", {}),
        "tools": dict(Counter(call["tool"] for call in calls if call["tool"])),
        "leaks": sum(bool(call.get("data", {}).get("leak")) for call in calls),
        "tool_errors": sum(call["status"] != "ok" for call in calls if call["tool"]),
    }
