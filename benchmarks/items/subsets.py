"""Ways to choose a subset: everything, the first so many, or those that a list names.

`fingerprints.json` holds the lists: by task and subset the fingerprints of the questions, and no
question. They find the paper's items inside the whole official data set.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from benchmarks.items.item import Item, Part, Subset

LISTS = Path(__file__).with_name("fingerprints.json")


def everything(size: int) -> Part:
    """All items, `size` of them."""
    return Part(size, lambda items: items)


def first(size: int) -> Part:
    """The first `size` items of the file, as the original's scripts count them."""
    return Part(size, lambda items: items[:size])


def by_fingerprint(task: str, subset: str) -> Part:
    """The items whose fingerprints the project keeps, in the order of the list."""
    names = fingerprints(task, subset)
    return Part(len(names), _named(task, names))


def whole_set(size: int) -> dict[str, Subset]:
    """The subsets of a benchmark that the paper used as a whole."""
    part = everything(size)
    return {
        "agentflow": {"original": part, "official": part},
        "full": {"official": part, "original": part},
    }


def fingerprints(task: str, subset: str) -> tuple[str, ...]:
    """The fingerprints of a subset, in the paper's order.

    Raises:
        KeyError: the project keeps no such list.
    """
    return tuple(_lists()[task][subset])


def _named(task: str, names: Sequence[str]) -> Callable[[Sequence[Item]], Sequence[Item]]:
    def choose(items: Sequence[Item]) -> Sequence[Item]:
        by_id = {item.id: item for item in items}
        return [by_id[found] for name in names if (found := f"{task}-{name}") in by_id]

    return choose


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    lists: dict[str, dict[str, list[str]]] = json.loads(LISTS.read_text(encoding="utf-8"))
    return lists
