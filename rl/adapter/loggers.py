"""Loggers of the trainer beside the run's own files, with the methods that OpenRLHF calls.

Its own logger of Weights & Biases is not used: it sends every flag, a key among them.
"""

from __future__ import annotations

import importlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.record.artifacts import write_whole
from rl.settings.config import Config

SETTINGS = {
    "console": "off",
    "disable_git": True,
    "save_code": False,
    "silent": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}
"""Settings and metrics go out alone: no terminal, command line, host's name, code or packages."""


class WandbLogger:
    """Metrics of a run in a project of Weights & Biases; a resumed run goes on in the same one."""

    def __init__(self, config: Config) -> None:
        wandb = importlib.import_module("wandb")
        chosen, told = config.logging.wandb, json.loads(config.model_dump_json())
        self._run: Any = wandb.init(
            project=chosen.project,
            entity=chosen.entity or None,
            name=str(hidden_in(config.run.name)),
            mode=chosen.mode,
            dir=str(config.run),
            id=_id_of(config.run),
            resume="allow",
            config=hidden_in(told),
            settings=wandb.Settings(**SETTINGS),
        )
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")

    def log_train(self, global_step: int, logs_dict: Mapping[str, Any]) -> None:
        """Metrics of a step; none of one that a resumed run made again."""
        if logs_dict:
            self._log("train", global_step, logs_dict)

    def log_eval(self, global_step: int, logs_dict: Mapping[str, Any]) -> None:
        """Metrics of an evaluation."""
        self._log("eval", global_step, logs_dict)

    def _log(self, kind: str, step: int, metrics: Mapping[str, Any]) -> None:
        self._run.log({"step": step, **{f"{kind}/{n}": v for n, v in metrics.items()}})

    def close(self) -> None:
        """Send what has not been sent."""
        self._run.finish()


def wandb_logger(config: Config) -> WandbLogger | None:
    """The logger that `logging.wandb` asks for."""
    return WandbLogger(config) if config.logging.wandb.project else None


def numbers(metrics: Mapping[str, Any] | None) -> dict[str, int | float]:
    """The numbers of a step's metrics; those of a mapping, as of tools or parts, by `name/key`."""
    found: dict[str, int | float] = {}
    for name, value in (metrics or {}).items():
        inner = value.items() if isinstance(value, Mapping) else ()
        known = {f"{name}/{key}": one for key, one in inner} or {name: value}
        found |= {key: one for key, one in known.items() if isinstance(one, int | float)}
    return found


def _id_of(run: Path) -> str:
    """The name under which the project knows this run; made once."""
    known = run / "wandb" / "id"
    if not known.exists():
        write_whole(known, secrets.token_hex(4).encode())
    return known.read_text()
