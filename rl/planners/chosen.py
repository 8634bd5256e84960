"""The planner that a configuration names, in a folder of this machine."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from agentflow_graph.record.artifacts import move_in
from rl.preflight.planner import made_from_nothing
from rl.questions import hub
from rl.settings.config import Config
from rl.settings.weights import home_of, wants_door


def make_planner(config: Config) -> float:
    """Warm-start the nano planner if the run wants one; returns the seconds that took."""
    begun = time.time()
    path = Path(config.model.path)
    if config.model.warm_start and not (path / "config.json").exists():
        if (told := made_from_nothing(config)).state == "warning":
            print(f"warning: {told.text}; {told.remedy}", file=sys.stderr, flush=True)
        # In a process of its own: its threads and its copy of torch go with it.
        fresh = path.with_name(f"{path.name}.partial")
        command = [sys.executable, "-m", "rl.planners.warmstart", "--out", str(fresh)]
        command += ["--seed", str(config.seed), "--world", config.world.name]
        subprocess.run(command, check=True)
        move_in(fresh, path)
    return round(time.time() - begun, 1)


def at_hand(config: Config) -> Config:
    """The configuration with folders for names and GGUF files of planner and reference.

    A name on the hub is downloaded if need be; a GGUF file is converted, and a short name fetched,
    once for all runs beside this one. Graph workers read the tokenizer's own files, so a name alone
    is not enough for them.

    Raises:
        SettingError: it cannot be had, or not converted.
    """
    model = config.model
    to_be_made = model.warm_start and not wants_door(model.path)
    found = {"path": model.path if to_be_made else _folder(config, model.path)}
    if model.reference:
        found["reference"] = _folder(config, model.reference)
    return config.model_copy(update={"model": model.model_copy(update=found)})


def _folder(config: Config, name: str) -> str:
    if wants_door(name):
        from rl.planners.weights.door import local

        return str(local(name, home_of(config.run)))
    if Path(name).exists() or not hub.NAME.fullmatch(name):
        return name
    return str(hub.download(name))
