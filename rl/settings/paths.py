"""Paths of a configuration, made whole where it is loaded.

Ray's workers have another working folder than the command where they joined a cluster from
elsewhere, and a run may be resumed from any folder: a relative path would name another place there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentflow_graph.models.strings import NANO
from agentflow_graph.nodes.operator import SHIPPED
from benchmarks.worlds import WORLDS
from rl.settings.weights import GGUF, SHORT_NAMES

MODULES = ("analysis", "executor", "verifier", "generator", "tool_model")
"""Fields of `agent` that name a model each."""
LOCAL = "local:"


def whole(path: str) -> str:
    """`path` from the root; an empty one stays empty."""
    return os.path.abspath(os.path.expanduser(path)) if path else ""


def closed(folder: Path) -> str:
    """Why nothing can be written in a folder, there already or not; empty where it can."""
    there = next(one for one in (folder, *folder.absolute().parents) if os.path.lexists(one))
    told = str(folder) if there == folder else f"{folder} cannot be made: {there}"
    if not there.is_dir():
        return f"{told} is a file, not a folder" if there.exists() else f"{told} leads nowhere"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{told} cannot be written by this user"
    return ""


def with_whole_paths(record: Mapping[str, Any]) -> dict[str, Any]:
    """A checked configuration as sections and values, with every path from the root."""
    made = {name: dict(of) if isinstance(of, Mapping) else of for name, of in record.items()}
    made["run"] = Path(whole(str(made["run"])))
    model, warm = made["model"], made["model"]["warm_start"]
    model["path"] = _weights(model["path"], warm)
    model["reference"] = _weights(model["reference"], False)
    named = [(made["data"], "train"), (made["data"], "heldout")]
    named += [(one, "questions") for one in made["evaluation"]["sets"].values()]
    for section, name in named:
        if section[name] not in WORLDS:
            section[name] = whole(section[name])
    made["agent"] = {name: _agent(name, value) for name, value in made["agent"].items()}
    return made


def _weights(path: str, made_here: bool) -> str:
    """A folder or a file; OWNER/NAME of the hub and a short name stay as they are.

    `nano` is the planner that ships, unless there is a folder of that name.
    """
    if path == "nano" and not Path(path).is_dir():
        return str(NANO)
    if not path or (path in SHORT_NAMES and not Path(path).is_dir()):
        return path
    file = made_here or Path(path).exists() or Path(path).suffix == GGUF
    return whole(path) if file or path.startswith((".", "/", "~")) else path


def _agent(name: str, value: Any) -> Any:
    if name == "tools_file" and isinstance(value, str):
        return whole(value)
    if name == "corpus" and isinstance(value, str) and value not in SHIPPED:
        return whole(value)
    if name in MODULES and isinstance(value, str) and value.startswith(LOCAL):
        return LOCAL + whole(value.removeprefix(LOCAL))
    return value


def relative(path: str) -> str:
    """`path` as somebody in the current folder would write it, where it is inside."""
    found = Path(path)
    return str(found.relative_to(Path.cwd())) if found.is_relative_to(Path.cwd()) else path
