"""Evaluations: what one records, which planner is kept, when training stops early."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow_graph.models.strings import NANO
from agentflow_graph.models.tokens.weights import trained_under
from rl.adapter import trainer as trainer_module
from rl.adapter.workers.samples import FlowSamplesGenerator
from rl.rollout import Trajectory
from rl.run.metrics import Recorder, best, evaluation, stale
from rl.run.summary import summarise
from rl.settings.config import Config

Make = Callable[..., Trajectory]
STEPS = 9


def entries(*successes: float) -> list[dict[str, Any]]:
    """Sampled evaluations at steps 0, 1, ..., a greedy one of success 1 after each."""
    return [
        {"step": step, "temperature": temperature, "success": success if temperature else 1.0}
        for step, success in enumerate(successes)
        for temperature in (0.7, 0.0)
    ]


# --------------------------------------------------------------------- record


def test_an_evaluation_records_everything_of_its_runs(trajectory: Make) -> None:
    runs = [trajectory("a", 1.0, 1, level="easy"), trajectory("b", 0.0, 3, level="hard")]
    runs += [trajectory("c", None, level="hard")]
    found = evaluation(0.7, runs, seconds=6.0)
    assert (found["n"], found["solved"], found["failed"], found["unscored"]) == (2, 1, 1, 1)
    assert found["success"] == 0.5
    low, high = found["interval"]
    assert (low, high) == (pytest.approx(0.0945, abs=1e-3), pytest.approx(0.9055, abs=1e-3))
    assert found["levels_n"] == {"easy": 1, "hard": 1}
    assert (found["levels"]["easy"], found["levels"]["hard"]) == (1.0, 0.0)
    assert (found["turns"], found["one_turn"]) == (2.0, 0.5), "of judged runs"
    assert found["tools"] == {"look_up": 1.0}
    assert (found["tool_errors"], found["run_seconds"], found["seconds"]) == (0.0, 2.0, 6.0)
    assert found["reply_tokens"] == (1 + 1 + 2 + 3) / 4


# ----------------------------------------------------------------- selection


@pytest.mark.parametrize(
    ("successes", "step", "without"),
    [([0.2], 0, 0), ([0.2, 0.5, 0.4], 1, 1), ([0.3, 0.3, 0.3], 0, 2), ([0.1, 0.2, 0.3], 2, 0)],
)
def test_the_best_is_the_first_of_the_highest(
    successes: list[float], step: int, without: int
) -> None:
    found = best(entries(*successes))
    assert found is not None
    assert found["step"] == step
    assert stale(entries(*successes)) == without


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1))
def test_nothing_before_the_best_is_as_good_and_nothing_after_is_better(
    successes: list[float],
) -> None:
    found = entries(*successes)
    highest = best(found)
    assert highest is not None
    step = int(highest["step"])
    assert all(earlier < successes[step] for earlier in successes[:step])
    assert all(later <= successes[step] for later in successes[step:])
    assert stale(found) == len(successes) - 1 - step


# -------------------------------------------------------------------- trainer


class Actors:
    """The policy's actor group: writes a file where the weights would be."""

    def __init__(self) -> None:
        self.exports: list[Path] = []

    def async_run_method(self, method_name: str, folder: str) -> list[Any]:
        assert method_name == "export"
        self.exports.append(Path(folder))
        Path(folder).mkdir()
        (Path(folder) / "weights").write_text(str(len(self.exports)))
        return []


@pytest.fixture
def evaluate(
    tmp_path: Path, trajectory: Make, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """A trainer whose evaluations, at steps 1, 2, ..., give these numbers right of four."""
    monkeypatch.setattr("ray.get", list)

    def made(solved: Sequence[int], **settings: Any) -> Any:
        trainer: Any = object.__new__(trainer_module.FlowTrainer)
        record = {"run": tmp_path, "steps": STEPS, "model": {"path": str(NANO)}}
        trainer.ledger = None
        trainer.config = Config.model_validate(record | {"evaluation": settings})
        trainer.recorder = Recorder(tmp_path, STEPS)
        trainer.recorder.screen = io.StringIO()
        trainer.actor_model_group = Actors()
        trainer.tensorboard_logger = trainer.wandb_logger = None
        runs = iter([trajectory(q, float(int(q) < n)) for q in "0123"] for n in solved)
        trainer.samples_generator = object.__new__(FlowSamplesGenerator)
        trainer.stopped = False
        trainer.samples_generator.evaluate = lambda step, temperature, name: next(runs)
        for step in range(1, len(solved) + 1):
            if not trainer.stopped:
                trainer.evaluate(step)
        return trainer

    return made


def test_the_best_planner_is_kept_with_its_settings(
    evaluate: Callable[..., Any], tmp_path: Path
) -> None:
    trainer = evaluate([1, 3, 2, 3])
    assert len(trainer.actor_model_group.exports) == 2, "after steps 1 and 2; a tie is no gain"
    assert (tmp_path / "best" / "weights").read_text() == "2"
    assert trained_under(tmp_path / "best")["steps"] == 2
    assert not (tmp_path / "best.new").exists()
    summary = summarise(trainer.config, trainer.recorder)
    assert (summary["best_step"], summary["heldout_best"]) == (2, 0.75)
    assert (summary["best_model"], summary["heldout_after"]) == ("best", 0.75)


def test_a_half_written_export_is_never_the_best(
    evaluate: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "best.new").mkdir()
    (tmp_path / "best.new" / "torn").touch()
    evaluate([1])
    assert [file.name for file in sorted((tmp_path / "best").iterdir())] == [
        "agentflow.json",
        "weights",
    ]


def test_no_planner_is_kept_where_none_is_wanted(
    evaluate: Callable[..., Any], tmp_path: Path
) -> None:
    trainer = evaluate([1, 3], best=False)
    assert not (tmp_path / "best").exists()
    assert summarise(trainer.config, trainer.recorder)["best_model"] is None


def test_training_stops_once_patience_is_over(evaluate: Callable[..., Any]) -> None:
    trainer = evaluate([1, 3, 2, 3, 4], patience=2)
    assert [e["step"] for e in trainer.recorder.evaluations] == [1, 2, 3, 4]
    reason = "after step 4: 2 evaluations without a new best"
    assert summarise(trainer.config, trainer.recorder)["stopped_early"] == reason
    assert reason in trainer.recorder.screen.getvalue()
    assert trainer.stopped


def test_training_goes_on_without_patience_and_at_its_last_step(
    evaluate: Callable[..., Any],
) -> None:
    assert not evaluate([3, 2, 1, 1, 1]).stopped
    last = evaluate([3] * STEPS, patience=STEPS - 1)
    assert not last.stopped, "it ends there anyway"
    assert last.recorder.stopped_early is None


# ---------------------------------------------------------------- integration


@pytest.mark.integration
def test_a_run_without_gain_stops_and_leaves_a_best_planner_that_answers(
    warm_planner: Path, tmp_path: Path
) -> None:
    from launched import run_program

    run = tmp_path / "run"
    given = {
        "run": run,
        "steps": 6,
        "model.path": warm_planner,
        "optimizer.lr": 1e-12,
        "rollout.questions": 8,
        "data.heldout_n": 20,
        "evaluation.every": 1,
        "evaluation.patience": 1,
    }
    pairs = [f"{name}={value}" for name, value in given.items()]
    done = run_program("-m", "rl.train", "--config", "rl/configs/nano.yaml", *pairs)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((run / "summary.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    sampled = [e for e in lines if e["kind"] == "evaluation" and e["temperature"]]
    if summary["stopped_early"] is None:  # six gains in a row, by the luck of sampling
        assert summary["best_step"] == 6
    else:
        assert summary["steps"] == sampled[-1]["step"] < 6
        assert "stopping early" in done.stdout
    highest = best(sampled)
    assert highest is not None
    assert summary["best_step"] == highest["step"]
    planner = f"planner=local:{run / summary['best_model']}"
    asked = run_program("-m", "agentflow_graph", "What is 2 + 3?", "--json", "--set", planner)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["layout"] == "terse"
