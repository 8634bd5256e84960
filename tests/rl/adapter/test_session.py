"""A session's policy client: what it asks the engine, and what it makes of its failure."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import ray

from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.models.policy import Completion, Sampling
from rl.adapter.engines.policy import EnginePolicy

DONE = Completion([5, 2], [-0.5, -0.1], "stop", 3)


class Engine:
    """An engine's handle, whose answer or failure is given."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[tuple[list[int], Sampling, int]] = []
        self._answer = answer
        self.generate_ids = SimpleNamespace(remote=self._generate)

    async def _generate(self, prompt_ids: list[int], sampling: Sampling, eos_id: int) -> Completion:
        self.asked.append((prompt_ids, sampling, eos_id))
        if isinstance(self._answer, Exception):
            raise self._answer
        assert isinstance(self._answer, Completion)
        return self._answer


def test_the_window_bounds_the_reply() -> None:
    engine = Engine(DONE)
    policy = EnginePolicy([engine], window=8, eos_id=2)
    assert asyncio.run(policy.generate([1, 2, 3], Sampling(0.7, 32))) is DONE
    asyncio.run(policy.generate([1, 2, 3], Sampling(0.7, 4)))
    assert [sampling.max_tokens for _, sampling, _ in engine.asked] == [5, 4]
    assert {eos_id for _, _, eos_id in engine.asked} == {2}


def test_a_prompt_that_fills_the_window_is_refused_unasked() -> None:
    engine = Engine(DONE)
    with pytest.raises(PromptTooLong, match="has 8 tokens and the window 8.*raise rollout.window"):
        asyncio.run(EnginePolicy([engine], window=8, eos_id=2).generate([1] * 8, Sampling()))
    assert not engine.asked


def test_an_engine_that_died_is_a_model_that_did_not_answer() -> None:
    engine = Engine(ray.exceptions.RayActorError())
    with pytest.raises(ModelError, match="engine failed"):
        asyncio.run(EnginePolicy([engine], window=8, eos_id=2).generate([1], Sampling()))
