"""Training in which nothing scores any more stops and says why; a resumed one remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rl.adapter.trainer import FlowTrainer, check_finite
from rl.rollout import Trajectory
from rl.settings.config import Config
from rl.settings.errors import Stalled, TrainingFailed

Make = Callable[..., Trajectory]


@pytest.fixture
def trainer() -> Any:
    made: Any = object.__new__(FlowTrainer)
    record = {"run": "r", "model": {"path": "m"}, "stalled_after": 3}
    made.config = Config.model_validate(record)
    made._hopeless = made._version = 0
    return made


def test_steps_in_which_every_run_failed_end_training_with_the_reasons(
    trainer: Any, trajectory: Make
) -> None:
    runs = [trajectory(name, None) for name in "aabb"]
    for step in range(2):
        status, _ = trainer.train_step(runs, step)
        assert (status["updated"], status["groups_used"], status["groups_dropped"]) == (0, 0, 2)
        assert (status["failed"], status["rows"]) == (4, 0)
    with pytest.raises(Stalled, match="last 3 steps scored; runs failed with: it broke"):
        trainer.train_step(runs, 2)


def test_one_run_that_scores_begins_the_count_anew(trainer: Any, trajectory: Make) -> None:
    nothing = [trajectory("a", 0.0), trajectory("a", None)]
    one = [trajectory("a", 1.0), trajectory("a", 1.0)]
    for step, runs in enumerate([nothing, nothing, one, nothing, nothing]):
        trainer.train_step(runs, step)
    assert trainer._hopeless == 2


def test_an_update_that_spoilt_the_weights_ends_training() -> None:
    nan = float("nan")
    check_finite(3, {"actor_grad_norm": 0.5})
    check_finite(3, {"actor_grad_norm": nan, "skipped_updates": 1})
    with pytest.raises(TrainingFailed, match="step 3 is nan and was not left out"):
        check_finite(3, {"actor_grad_norm": nan, "skipped_updates": 0})
