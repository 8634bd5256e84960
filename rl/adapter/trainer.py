"""The trainer: OpenRLHF's PPO trainer with the graph for rollouts and Flow-GRPO for credit."""

from __future__ import annotations

import math
import time
from typing import Any

import openrlhf.trainer.ppo_trainer as ppo_trainer
import ray

from rl.adapter.loggers import numbers, wandb_logger
from rl.adapter.measuring import Measuring
from rl.adapter.objective.credit import Credit, assign, describe
from rl.adapter.stack.cluster import unwrap_ray_actor
from rl.adapter.stack.cpu import made_on
from rl.adapter.stack.loading import load_tokenizer
from rl.adapter.update import sharing
from rl.adapter.update.experience import FlowExperienceMaker
from rl.adapter.update.sharing import Choice
from rl.adapter.workers.pool import worker_pool
from rl.adapter.workers.samples import FlowSamplesGenerator
from rl.rollout import Trajectory
from rl.run.metrics import Recorder, outcome
from rl.run.saved.ledger import Ledger
from rl.run.saved.parts import tidied
from rl.settings.config import Config
from rl.settings.errors import Stalled, TrainingFailed


class FlowTrainer(Measuring, unwrap_ray_actor(ppo_trainer.PPOTrainer)):  # type: ignore[misc]
    """Single controller; lives in the driver process (see `patches.InDriver`)."""

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
        self.config, self.recorder = config, recorder
        self.wandb_logger = wandb_logger(config)
        self.pool = worker_pool(self.config, engines)
        self.pool.on_lost_weights = self._push
        self.samples_generator = FlowSamplesGenerator(
            strategy, self.config, self.pool, engines, self.recorder.say
        )
        self.experience_maker = FlowExperienceMaker(
            actor, critic, reward, reference, self.kl_ctl, strategy, self.tokenizer
        )
        self.experience_maker.algorithm = self.config.algorithm
        self.experience_maker.micro_tokens = self.config.micro_tokens
        self.ledger = Ledger(config.run) if config.deterministic else None
        self._hopeless = self._version = 0
        self.stopped = False

    def get_max_steps(self) -> int:
        """Horizon of a stock learning-rate schedule; ours goes by training steps."""
        return self.config.steps

    def fit(self, global_step: int = 0) -> None:
        """Evaluate, train, evaluate; a resumed run goes on from its checkpoint.

        The stock loop, without its data loader, which reads ahead of what it has handed out: a
        step's questions, seeds and record are named by its number, and so nothing is in between.
        """
        versions = ray.get([engine.ready.remote() for engine in self.vllm_engines])
        self.recorder.engines_ready(versions[0])
        ends = [self.config.evaluation.temperature] + [0.0] * self.config.evaluation.greedy
        step = self._restored()
        if not step:
            self._measure(0, ends)
        while step < self.config.steps and not self.stopped:
            self.recorder.hold_to_money(self.config.rollout.max_money)
            step = self._step(step)
        self._measure(step, ends)
        for logger in self.loggers:
            logger.close()

    def _restored(self) -> int:
        """The step of the checkpoint that the policy has loaded; the engines get its weights."""
        states = self.init_checkpoint_states()
        step = int(states["global_step"])
        if step:
            self._hopeless, self._version = states["hopeless"], states["policy_version"]
            self._push()
            self.samples_generator.recall(step)  # late groups go on with these weights
            self.recorder.say(f"resumed after step {step}")
            self._consider_stopping(step)
        self.recorder.done = step
        if self.ledger:
            self.ledger.begin(step, self._digests(), made_on())
        return step

    def _digests(self) -> dict[str, str]:
        """Of the weights that the policy has now, by name."""
        found: dict[str, str] = ray.get(self.actor_model_group.async_run_method("digests"))[0]
        return found

    def _step(self, step: int) -> int:
        begun = time.time()
        samples = self.samples_generator.of_step(step + 1)
        gathered = {"timing/generation": time.time() - begun} | self.samples_generator.counts
        status, step = self.train_step(samples, step)
        status |= gathered
        news = status if self.recorder.step(step, status, samples) else {}
        check_finite(step, status)
        if self.ledger:
            self.ledger.step(step, self._version, self._digests())
        if step % self.config.evaluation.every == 0:
            self.evaluate(step)
        self.export_due(step)
        # Save last, so that a resumed run never misses this evaluation.
        self.save_logs_and_checkpoints(step, news, {"global_step": step})
        return step

    def _push(self) -> None:
        """Give the engines the weights that the policy has now."""
        with self.samples_generator.awake():
            ray.get(self.actor_model_group.async_run_method(method_name="push"))

    def train_step(self, rollout_samples: list[Trajectory], global_step: int) -> tuple[Any, int]:
        """One update from one step's trajectories; none if they teach nothing."""
        step = global_step + 1
        self._check_hope(rollout_samples)
        credit = assign(rollout_samples, self.config, self.config.seed + step)
        counts = outcome(rollout_samples) | describe(credit, self._version)
        if not credit.rows:
            why = "every reply was cut off" if credit.trajectories else "no group has spread"
            return counts | {"updated": 0, "left_out": why}, step
        if self.config.optimizer.share_prefixes != "off" and self.experience_maker.sharing is None:
            self._decide_sharing(credit)
        progress = global_step / self.config.steps
        ray.get(self.actor_model_group.async_run_method(method_name="begin", progress=progress))
        status, step = super().train_step(credit, global_step)
        self._version += 1
        return status | counts | self.experience_maker.mismatch | updated(status), step

    def _decide_sharing(self, credit: Credit) -> None:
        """Whether rows become prefix trees: as the run has decided before, or as it does now."""
        maker, known = self.experience_maker, self.recorder.sharing
        timed = self.config.optimizer.share_prefixes == "auto" and not self.config.deterministic
        choice = Choice(*known) if known else sharing.measured(maker, credit, timed)
        self.recorder.decided_sharing(choice.shared, choice.why)
        sharing.settle(maker, choice, self.config.optimizer.share_prefixes == "on")

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
        """Stock; then the record counts for good what the checkpoint stands for."""
        states = {**client_states, "hopeless": self._hopeless}
        super().save_logs_and_checkpoints(global_step, numbers(logs_dict), states)
        if global_step % self.args.ckpt.save_steps == 0:
            self.pool.record.settle(global_step)
        tidied(self.config.run, self.pool.record, global_step, self.config.record.keep)


def updated(status: dict[str, Any]) -> dict[str, Any]:
    """Whether an update changed the weights, and why it did not, or not all the way."""
    left_out, steps = status["skipped_updates"], status["optimizer_steps"]
    if not left_out:
        return {"updated": 1, "left_out": ""}
    why = f"{left_out} of {steps} optimizer steps: the gradient is not finite"
    return {"updated": int(left_out < steps), "left_out": why}


def check_finite(step: int, status: dict[str, Any]) -> None:
    """Stop where an update has spoilt the weights; `rl.adapter.update.finite` leaves such out.

    Raises:
        TrainingFailed: the gradient was not finite, and no optimizer step was left out for it.
    """
    norm = float(status.get("actor_grad_norm", 0.0))
    if not math.isfinite(norm) and not status.get("skipped_updates"):
        raise TrainingFailed(
            f"the gradient of step {step} is {norm} and was not left out: the weights are spoilt. "
            "Go back to a checkpoint before it, with a lower optimizer.lr: "
            "`python -m rl.train --resume RUN --checkpoint NAME optimizer.lr=...`"
        )
