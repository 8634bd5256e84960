"""What a resumed run may change: what neither its past nor its weights depend on.

    hold_to_changes(known, wanted)

A run that goes on has questions, rollouts and optimizer states from before. A setting that would
make them another run's is refused by name, with those that may be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import servers_of
from rl.settings.config import Config
from rl.settings.paths import MODULES

FREE = (
    *("steps", "save_every", "stalled_after", "model.path", "model.reference", "evaluation.*"),
    *("rollout.workers", "rollout.in_flight", "rollout.deadline", "rollout.grace"),
    *("record.keep", "rollout.retries", "rollout.outage_*", "rollout.max_money", "reward.seconds"),
    *("engine.threads", "optimizer.threads", "engine.count", "engine.cache_gib"),
    *("engine.gpu_utilization", "optimizer.lr", "optimizer.warmup", "optimizer.schedule"),
    *("optimizer.min_lr", "export_every", "keep_exports", "logging.*", "reward.parts.*.seconds"),
)
"""Patterns of dotted names. Weights at a new place must be the same (`rl/run/folder.py`)."""
FIXED = ("evaluation.runs", "evaluation.sets*")
"""Of these, what makes measurements that cannot be compared with those before."""
LEARNING = ("optimizer.lr", "optimizer.warmup", "optimizer.schedule", "optimizer.min_lr")
"""Of these, what makes another policy of the same rollouts."""
ENDPOINTS = (*(f"agent.{name}" for name in MODULES), "reward.judge", "reward.parts.*.judge")
"""May name another server with the same model."""


def may_change(name: str) -> str:
    """What a resume may do with a field: yes, the address alone, or no."""
    if _is_among(name, ENDPOINTS):
        return "address"
    return "yes" if _is_among(name, FREE) and not _is_among(name, FIXED) else "no"


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def hold_to_changes(known: Config, wanted: Config) -> list[str]:
    """The names of what is changed from `known` to `wanted`.

    Raises:
        SettingError: some of it may not be; a line for each.
    """
    before, after = (dict(_leaves(config.model_dump())) for config in (known, wanted))
    changed = [n for n in {**before, **after} if before.get(n) != after.get(n) and n != "run"]
    wrong = [
        _why(n, before.get(n), after.get(n)) for n in changed if not _allowed(n, before, after)
    ]
    if wrong:
        free = ", ".join(FREE)
        raise SettingError(
            "\n".join(wrong) + f"\na resume may change {free}, and the address of a server; for "
            "others start a new run, with model.path=RUN/model to go on from its planner"
        )
    return changed


def _allowed(name: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    if may_change(name) != "address":
        return may_change(name) == "yes"
    old, new = before.get(name), after.get(name)
    served = [servers_of(str(spec)) for spec in (old, new) if spec]
    return len(served) == 2 and all(served) and served[0][0] == served[1][0]  # type: ignore[index]


def _why(name: str, old: Any, new: Any) -> str:
    rule = "only its address may change" if may_change(name) == "address" else "it cannot change"
    return f"{name}={new!r} was {old!r} in this run, and {rule} in a resume"


def _leaves(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
