"""Sampling: OpenRLHF's generator of samples, with trajectories of the graph for samples.

Which questions a step asks is a function of the step alone: those that stand at its place in the
run's `data/train.jsonl`. So no reader's state can be lost.
"""

from __future__ import annotations

from typing import Any

from openrlhf.trainer.ppo_utils.experience import Experience
from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator

from agentflow_graph.policy import Sampling
from rl.adapter.pool import WorkerPool
from rl.adapter.rows import read
from rl.adapter.worker import Batch
from rl.config import Config
from rl.rollout import Action, Trajectory


class FlowSamplesGenerator(SamplesGenerator):  # type: ignore[misc]
    """Runs the graph on the questions of a step or of an evaluation."""

    def __init__(self, strategy: Any, config: Config, pool: WorkerPool) -> None:
        super().__init__(strategy, None, None, None, [])
        self.config = config
        self.pool = pool
        self.train = read(config.run / "data" / "train.jsonl")
        self.heldout = read(config.run / "data" / "heldout.jsonl")

    def of_step(self, step: int) -> list[Trajectory]:
        """The trajectories of a step, counted from 1; runs of a question stand together."""
        rollout = self.config.rollout
        sampling = Sampling(rollout.temperature, rollout.max_tokens)
        tasks = self.train[(step - 1) * rollout.questions : step * rollout.questions]
        groups = self.pool.run(tasks, Batch(f"train-{step:05d}", rollout.group, sampling))
        return [run for group in groups for run in group]

    def evaluate(self, step: int, temperature: float) -> list[Trajectory]:
        """One trajectory for each held-out question."""
        sampling = Sampling(temperature, self.config.rollout.max_tokens)
        batch = Batch(f"heldout-{step:05d}-{temperature}", 1, sampling)
        return [group[0] for group in self.pool.run(self.heldout, batch)]

    def row(self, trajectory: Trajectory, action: Action, window: int) -> Experience:
        """One turn as a single-row Experience."""
        prompt = len(action.prompt_ids)
        response = {
            "prompt": trajectory.task.question,
            "label": trajectory.task.answers[0],
            "observation_tokens": action.prompt_ids + action.token_ids,
            "action_ranges": [(prompt, prompt + len(action.token_ids))],
            "rollout_log_probs": [0.0] * prompt + action.logprobs,
            "truncated": action.finish_reason == "length",
            "reward": trajectory.reward,
            "scores": trajectory.reward,
        }
        return self._process_response_into_experience(response, max_len=window)
