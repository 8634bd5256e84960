"""What goes to Weights & Biases. A recorded fake stands in for its package."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rl.adapter.loggers import numbers, wandb_logger
from rl.preflight import machine
from rl.settings.config import Config

SECRET = "very-secret-value-0123456789"


class Recorded:
    """In the place of the package wandb."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []
        self.logged: list[dict[str, Any]] = []
        self.logged_in = False

    def Settings(self, **settings: Any) -> dict[str, Any]:
        return settings

    def init(self, **given: Any) -> Any:
        self.given.append(given)
        return SimpleNamespace(
            define_metric=lambda *_, **__: None, log=self.logged.append, finish=lambda: None
        )

    def login(self, **_: Any) -> bool:
        return self.logged_in


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()
    monkeypatch.setitem(sys.modules, "wandb", recorded)  # type: ignore[arg-type]
    return recorded


def config_of(run: Path, **wandb: str) -> Config:
    record = {"run": str(run), "model": {"path": f"/models/{SECRET}"}}
    return Config.model_validate(record | {"logging": {"wandb": wandb}})


def test_settings_go_without_secrets_and_a_resumed_run_is_the_same_one(
    wandb: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", SECRET)
    config = config_of(tmp_path / "nano", project="planners", entity="us")
    for _ in range(2):
        logger = wandb_logger(config)
        assert logger is not None
        logger.close()
    first, second = wandb.given
    assert (first["project"], first["entity"], first["mode"]) == ("planners", "us", "online")
    assert first["config"]["steps"] == 40
    assert first["config"]["model"]["path"] == "/models/[hidden]"
    assert first["id"] == second["id"] != ""
    assert first["settings"]["console"] == "off" and first["settings"]["x_disable_meta"]


def test_steps_and_evaluations_are_logged_by_name(wandb: Recorded, tmp_path: Path) -> None:
    logger = wandb_logger(config_of(tmp_path / "nano", project="planners"))
    assert logger is not None
    logger.log_train(3, numbers({"reward": 0.5, "parts": {"right": 1.0}, "left_out": "", "kl": 0}))
    logger.log_train(3, numbers({}))
    logger.log_eval(3, {"heldout_success": 0.5})
    assert wandb.logged == [
        {"step": 3, "train/reward": 0.5, "train/parts/right": 1.0, "train/kl": 0},
        {"step": 3, "eval/heldout_success": 0.5},
    ]


def test_nothing_is_imported_where_no_project_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert wandb_logger(config_of(tmp_path)) is None
    assert list(machine.tracking(config_of(tmp_path))) == []


def test_what_is_lacking_is_refused_with_the_command_that_helps(
    wandb: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_version", lambda package: "")
    config = config_of(tmp_path, project="planners")
    (lacking,) = machine.tracking(config)
    assert lacking.state == "failed" and lacking.remedy.startswith("pip install wandb")
    monkeypatch.setattr(machine, "_version", lambda package: "0.31.0")
    (stranger,) = machine.tracking(config)
    assert stranger.state == "failed" and "WANDB_API_KEY" in stranger.remedy
    (offline,) = machine.tracking(config_of(tmp_path, project="planners", mode="offline"))
    assert offline.state == "ok"
    wandb.logged_in = True
    (online,) = machine.tracking(config)
    assert online.state == "ok"
