"""What the trainer does beside training: evaluations, when they end it, and planners to keep."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import ray

from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.record.artifacts import move_in
from rl.adapter.workers.samples import FlowSamplesGenerator
from rl.run.export import describe_planner
from rl.run.metrics import Recorder, best, stale
from rl.run.saved import exports
from rl.run.saved.ledger import Ledger
from rl.settings.config import Config


class Measuring:
    """Half of the trainer; the other makes the steps."""

    config: Config
    recorder: Recorder
    samples_generator: FlowSamplesGenerator
    ledger: Ledger | None
    actor_model_group: Any
    wandb_logger: Any
    tensorboard_logger: Any
    stopped: bool

    @property
    def loggers(self) -> list[Any]:
        """Who takes metrics beside the recorder."""
        return [logger for logger in (self.tensorboard_logger, self.wandb_logger) if logger]

    def evaluate(self, global_step: int, **_: Any) -> dict[str, float]:
        """Success on every set; training ends if that on the set which chooses rises no more."""
        logs = self._measure(global_step, [self.config.evaluation.temperature])
        self._consider_stopping(global_step)
        return logs

    def _consider_stopping(self, step: int) -> None:
        until_now = [e for e in self.recorder.evaluations if e["step"] <= step]
        asked = self.config.evaluation
        without = stale(until_now, asked.choose)
        if asked.patience and without >= asked.patience and step < self.config.steps:
            self.stopped = True
            self.recorder.stopped(step, f"{without} evaluations without a new best")

    def _measure(self, step: int, temperatures: list[float]) -> dict[str, float]:
        """Evaluations after `step`; one that is on record is not made again."""
        logs: dict[str, float] = {}
        for temperature in temperatures:
            for name in self.config.sets:
                logs |= self._measure_one(step, temperature, name)
            if temperature:
                self._keep_best(step)
        for logger in self.loggers * bool(logs):
            logger.log_eval(step, logs)
        return logs

    def _measure_one(self, step: int, temperature: float, name: str) -> dict[str, float]:
        logs: dict[str, float] = {}
        if self.recorder.evaluation(step, temperature, name) is None:
            begun = time.time()
            runs = self.samples_generator.evaluate(step, temperature, name)
            seconds = time.time() - begun
            logs = self.recorder.evaluated(step, temperature, runs, seconds, name)
        if self.ledger:
            self.ledger.evaluation(step, temperature, name)
        return logs

    def _keep_best(self, step: int) -> None:
        """Export the policy if the evaluation after `step` is the best so far."""
        asked = self.config.evaluation
        found = best(self.recorder.evaluations, asked.choose) if asked.best else None
        if found is not None and found["step"] == step:
            self._export(self.config.run / "best", step)

    def export_due(self, step: int) -> None:
        """Export the policy if `export_every` says so, and keep no more than are wanted."""
        every, run = self.config.export_every, self.config.run
        if every and step % every == 0:
            self._export(exports.folder(run, step), step)
            exports.thin(run, self.config.keep_exports)

    def _export(self, folder: Path, step: int) -> None:
        """Put the planner after `step` into `folder`, whole, unless it is there."""
        if trained_under(folder).get("steps") == step:
            return
        # Written to another folder and then renamed: after a kill `folder` is still complete.
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(exist_ok=True)
        ray.get(self.actor_model_group.async_run_method(method_name="export", folder=str(fresh)))
        describe_planner(self.config, fresh, step)
        move_in(fresh, folder)
