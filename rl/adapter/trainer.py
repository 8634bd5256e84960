"""The trainer: OpenRLHF's PPO trainer with the graph for rollouts and Flow-GRPO for credit."""

from __future__ import annotations

import shutil
import time
from typing import Any

import openrlhf.trainer.ppo_trainer as ppo_trainer
import ray

from agentflow_graph.policy import Sampling
from rl.adapter.engine import plain
from rl.adapter.experience import FlowExperienceMaker, assign, describe
from rl.adapter.flags import SCHEDULE
from rl.adapter.models import load_tokenizer
from rl.adapter.pool import WorkerPool
from rl.adapter.samples import FlowSamplesGenerator
from rl.adapter.worker import Limits
from rl.config import Config
from rl.export import describe_planner
from rl.metrics import Recorder, best, outcome, stale
from rl.rollout import Trajectory


class Stalled(RuntimeError):
    """Training cannot go on: no run scores any more."""


class FlowTrainer(plain(ppo_trainer.PPOTrainer)):  # type: ignore[misc]
    """Single controller; lives in the driver process (see `launch.InDriver`)."""

    def __init__(
        self,
        config: Config,
        recorder: Recorder,
        pretrain: str,
        strategy: Any,
        actor: Any,
        critic: Any,
        reward: Any,
        reference: Any,
        engines: list[Any],
        **generate_kwargs: Any,
    ) -> None:
        ppo_trainer.get_tokenizer = load_tokenizer
        super().__init__(
            pretrain, strategy, actor, critic, reward, reference, engines, **generate_kwargs
        )
        self.config = config
        self.recorder = recorder
        self.pool = worker_pool(self.config, engines)
        self.samples_generator = FlowSamplesGenerator(
            strategy, self.prompts_dataloader, self.eval_dataloader, self.pool, engines
        )
        self.samples_generator.on_group = self.recorder.group
        self.experience_maker = FlowExperienceMaker(
            actor, critic, reward, reference, self.kl_ctl, strategy, self.tokenizer
        )
        self.experience_maker.algorithm = self.config.algorithm
        self.experience_maker.samples = self.samples_generator
        self._last_evaluated = -1
        self._last_step = 0
        self._hopeless = 0

    def get_max_steps(self) -> int:
        """Horizon of the learning-rate schedule, in optimizer steps.

        The stock formula counts trajectories, not turn rows. The schedule is constant after the
        warm-up, whose length `rl.adapter.flags` gives as a share of this.
        """
        return SCHEDULE

    def fit(self, global_step: int = 0) -> None:
        """Evaluate, train, evaluate."""
        versions = ray.get([engine.ready.remote() for engine in self.vllm_engines])
        self.recorder.engines_ready(versions[0])
        ends = [self.config.evaluation.temperature] + [0.0] * self.config.evaluation.greedy
        self._measure(0, ends)
        super().fit(global_step)
        measured = self._last_evaluated == self._last_step
        self._measure(self._last_step, ends[1:] if measured else ends)

    def train_step(self, rollout_samples: list[Trajectory], global_step: int) -> tuple[Any, int]:
        """One update from one step's trajectories; none if they teach nothing."""
        step = global_step + 1
        self._check_hope(rollout_samples)
        credit = assign(rollout_samples, self.config.algorithm, self.config.seed + step)
        counts = outcome(rollout_samples) | describe(credit)
        if not credit.trajectories:
            return counts | {"updated": 0}, step
        status, step = super().train_step(credit, global_step)
        gap = {
            "gap_max": self.experience_maker.gap_max,
            "gap_mean": self.experience_maker.gap_mean,
        }
        return status | counts | gap | {"updated": 1}, step

    def _check_hope(self, trajectories: list[Trajectory]) -> None:
        """Stop loudly when nothing scores: a collapsed policy does not come back.

        Raises:
            Stalled: after `stalled_after` such steps in a row.
        """
        hopeless = not any(t.reward for t in trajectories)
        self._hopeless = self._hopeless + 1 if hopeless else 0
        if self._hopeless >= self.config.stalled_after:
            reasons = {t.failure for t in trajectories if t.failure}
            why = f"; runs failed with: {'; '.join(sorted(reasons)[:3])}" if reasons else ""
            raise Stalled(
                f"no run of the last {self._hopeless} steps scored{why}. If rewards had been "
                "rising before, lower optimizer.lr or raise optimizer.warmup; if not, warm-start "
                "longer"
            )

    def save_logs_and_checkpoints(
        self, global_step: int, logs_dict: Any = None, client_states: Any = None
    ) -> None:
        """Stock logs and checkpoints, and our metrics."""
        self._last_step = global_step
        self.recorder.step(global_step, logs_dict)
        scalars = {key: value for key, value in logs_dict.items() if isinstance(value, int | float)}
        super().save_logs_and_checkpoints(global_step, scalars, client_states)

    def evaluate(self, global_step: int, **_: Any) -> dict[str, float]:
        """Held-out success; called by the stock loop, which ends if that rises no more."""
        logs = self._measure(global_step, [self.config.evaluation.temperature])
        self._consider_stopping(global_step)
        return logs

    def _consider_stopping(self, step: int) -> None:
        patience, without = self.config.evaluation.patience, stale(self.recorder.evaluations)
        if patience and without >= patience and step < self.config.steps:
            self.samples_generator.stopped = True
            self.recorder.stopped(step, f"{without} evaluations without a new best")

    def _measure(self, step: int, temperatures: list[float]) -> dict[str, float]:
        self._last_evaluated = step
        logs: dict[str, float] = {}
        for temperature in temperatures:
            begun = time.time()
            sampling = Sampling(temperature, self.config.rollout.max_tokens)
            runs = self.samples_generator.evaluate(sampling)
            logs |= self.recorder.evaluated(step, temperature, runs, time.time() - begun)
            if temperature:
                self._keep_best(step)
        if self.tensorboard_logger:
            self.tensorboard_logger.log_eval(step, logs)
        return logs

    def _keep_best(self, step: int) -> None:
        """Export the policy if its evaluation, the latest one, is the best so far."""
        if not self.config.evaluation.best or best(self.recorder.evaluations)["step"] != step:
            return
        # Written beside it and then renamed: whatever happens, `best` is whole.
        kept = self.config.run / "best"
        fresh = kept.with_name("best.new")
        shutil.rmtree(fresh, ignore_errors=True)
        ray.get(self.actor_model_group.async_run_method(method_name="export", folder=str(fresh)))
        describe_planner(self.config, fresh, step)
        shutil.rmtree(kept, ignore_errors=True)
        fresh.rename(kept)


def worker_pool(config: Config, engines: list[Any]) -> WorkerPool:
    """The graph workers that `config` asks for."""
    rollout = config.rollout
    limits = Limits(
        deadline=rollout.deadline,
        grace=rollout.grace,
        retries=rollout.retries,
        in_flight=rollout.in_flight,
        window=rollout.window,
        scoring=config.reward.longest,
    )
    return WorkerPool(
        engines,
        config.model.path,
        config.context(),
        limits,
        rollout.workers,
        reward=config.reward,
    )
