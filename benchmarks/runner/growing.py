"""A finished run may grow: more trials of its items, more items of its tasks, more tasks.

    request, items = grown(request, items, trials=3)
    request, items = grown(request, items, 1, {"aime24": ("agentflow", more)})
    Folder(path).create(request, items)

What the run had stays as it was, so that its record answers for it; `resume` then runs the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agentflow_graph.errors import SettingError
from benchmarks.items.item import Item
from benchmarks.runner.store.folder import Items, Request

Selection = tuple[str, Mapping[str, Item]]
"""Name of a subset and the items that are wanted of it."""


def grown(
    request: Request, items: Items, trials: int, wanted: Mapping[str, Selection]
) -> tuple[Request, Items]:
    """The request and the items of the larger run.

    Args:
        request: of the run as it is.
        items: those that it has.
        trials: of each item, all in all.
        wanted: by task the subset and all items that the task is to have.

    Raises:
        SettingError: the run would lose or change something, or nothing is added.
    """
    if trials < request.trials:
        raise SettingError(
            f"--trials {trials} is fewer than the {request.trials} of the run; a run only grows"
        )
    merged = {name: dict(own) for name, own in items.items()}
    for task, (subset, own) in wanted.items():
        had = items.get(task, {})
        _must_keep(task, subset, had, own)
        merged[task] = {**had, **own}
    expected = {task: len(own) for task, own in merged.items()}
    if expected == request.expected and trials == request.trials:
        raise SettingError(
            f"nothing is added: the run has {request.trials} trials of {expected} items already; "
            "ask for more with --trials, --limit, --subset or another task"
        )
    subsets = request.subsets | {task: subset for task, (subset, _) in wanted.items()}
    return replace(request, subsets=subsets, expected=expected, trials=trials), merged


def with_data(request: Request, told: Mapping[str, Mapping[str, str]]) -> Request:
    """The request with what is known of the data of some tasks.

    Raises:
        SettingError: a data set of the hub is at another commit than the run's items are from.
    """
    for task, commit in request.commits.items():
        now = told.get(task, {}).get("revision", "")
        if now not in ("", commit):
            raise SettingError(
                f"{task}: the run read {told[task]['origin']} at commit {commit}, and it is at "
                f"{now} now: give that commit's rows with --data DIR, or begin a new run"
            )
    data = request.provenance.get("data", {}) | {t: dict(each) for t, each in told.items()}
    return replace(request, provenance={**request.provenance, "data": data})


def _must_keep(task: str, subset: str, had: Mapping[str, Item], wanted: Mapping[str, Item]) -> None:
    """Raises SettingError unless `wanted` holds every item that the run has, unchanged."""
    gone = [name for name in had if name not in wanted]
    if gone:
        raise SettingError(
            f"{task}: {len(gone)} of the run's {len(had)} items, such as {gone[0]!r}, are not "
            f"among the {len(wanted)} of {subset} that are asked for; a run only grows: give a "
            "higher --limit, or a --subset that holds them"
        )
    changed = [name for name, item in had.items() if item != wanted[name]]
    if changed:
        raise SettingError(
            f"{task}: {len(changed)} of the run's items, such as {changed[0]!r}, have another "
            "question or answer in these data; give the data that the run was begun with"
        )
