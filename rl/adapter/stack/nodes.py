"""Whether every machine of a run sees its folder, its planner and its files at the same place."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import write_whole
from rl.settings.config import Config


def hold_to_one_folder(config: Config) -> None:
    """Ask each machine of the cluster that has been joined.

    Raises:
        SettingError: one lacks a file, or has another folder of the run's name.
    """
    mark, word = config.run / "record" / "seen", secrets.token_hex(8)
    write_whole(mark, word.encode())
    look = ray.remote(num_cpus=0)(missing)
    found = {
        node["NodeManagerHostname"]: look.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(str(mark), word, _needed(config))
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    }
    answers: list[list[str]] = ray.get(list(found.values()))
    refuse(dict(zip(found, answers, strict=True)))
    mark.unlink()


def _needed(config: Config) -> list[str]:
    """Files that processes on every machine open."""
    model, tools = config.model, config.agent.get("tools_file", "")
    folders = [f"{path}/config.json" for path in (model.path, model.reference) if path]
    return [*folders, tools] if tools else folders


def missing(mark: str, word: str, needed: Sequence[str]) -> list[str]:
    """What this machine does not see of `needed`, and the mark if it does not hold `word`."""
    here = Path(mark)
    seen = here.exists() and here.read_text() == word
    return [*([] if seen else [mark]), *(path for path in needed if not Path(path).exists())]


def refuse(found: Mapping[str, Sequence[str]]) -> None:
    """Raise SettingError for what machines lack, by name."""
    lacks = [f"{name} does not see {', '.join(paths)}" for name, paths in found.items() if paths]
    if lacks:
        raise SettingError(
            f"{'; '.join(lacks)}: the run's folder, the planner and the tools' file must be the "
            "same on every machine; put them on a disk that all share, at the same place"
        )
