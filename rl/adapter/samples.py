"""Sampling: OpenRLHF's generator of samples, with trajectories of the graph for samples.

The list elements it hands on are trajectories, not turn rows, so everything stock that slices or
buffers by `batch_size * n_samples_per_prompt` stays right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from openrlhf.trainer.ppo_utils.experience import Experience
from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator, _collect_prompt_batch
from openrlhf.trainer.ray.vllm_engine import batch_vllm_engine_call

from agentflow_graph.policy import Sampling
from rl.adapter.pool import WorkerPool
from rl.adapter.rows import unpacked
from rl.rollout import Action, Trajectory


class FlowSamplesGenerator(SamplesGenerator):  # type: ignore[misc]
    """Draws questions from the stock data loader and runs the graph on them."""

    def __init__(
        self, strategy: Any, prompts: Any, evaluation: Any, pool: WorkerPool, engines: list[Any]
    ) -> None:
        super().__init__(strategy, prompts, evaluation, None, engines)
        self.pool = pool
        self.on_group: Callable[[list[Trajectory]], None] = lambda _: None
        self.stopped = False
        """Set, it ends the stock loop as the end of the questions does."""

    def generate_samples(self, **generate_kwargs: Any) -> tuple[Any, float | None, int, bool]:
        """Stock; none once training is to stop."""
        if self.stopped:
            return [], None, 0, True
        batch: tuple[Any, float | None, int, bool] = super().generate_samples(**generate_kwargs)
        return batch

    def _generate_vllm(
        self,
        dataloader_iter: Iterator[Any],
        num_prompts: int,
        dynamic_filtering: bool,
        **generate_kwargs: Any,
    ) -> tuple[list[Trajectory], int, bool]:
        questions, labels, _, exhausted = _collect_prompt_batch(dataloader_iter, num_prompts)
        if not questions:
            return [], 0, True
        tasks = [unpacked(*row) for row in zip(questions, labels, strict=True)]
        sampling = Sampling(generate_kwargs["temperature"], generate_kwargs["max_new_tokens"])
        runs = self.args.rollout.n_samples_per_prompt
        groups = self.pool.run(tasks, runs, sampling, self.on_group)
        return [run for group in groups for run in group], len(tasks), exhausted

    def evaluate(self, sampling: Sampling) -> list[Trajectory]:
        """One trajectory for each held-out question."""
        rows = [
            unpacked(question, label)
            for _, questions, labels, _ in self.eval_dataloader
            for question, label in zip(questions, labels, strict=True)
        ]
        with self._awake():
            return [group[0] for group in self.pool.run(rows, 1, sampling)]

    @contextmanager
    def _awake(self) -> Iterator[None]:
        """Sleeping engines are awake inside; for steps, stock code wakes them."""
        if not self.args.vllm.enable_sleep:
            yield
            return
        batch_vllm_engine_call(self.vllm_engines, "wake_up")
        try:
            yield
        finally:
            batch_vllm_engine_call(self.vllm_engines, "sleep")

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
