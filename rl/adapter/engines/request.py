"""A request to a rollout engine: how it is put to vLLM, and how its answer is recorded."""

from __future__ import annotations

from typing import Any

from agentflow_graph.models.policy import Completion, Sampling


def sampling_params(sampling: Sampling, eos_id: int) -> Any:
    """VLLM's parameters for exactly the distribution that log-probabilities are computed under.

    min_tokens must be 0: OpenRLHF's default of 1 masks the first end token, and so shifts every
    first log-probability away from the trainer's.
    """
    from vllm import SamplingParams

    return SamplingParams(
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        min_tokens=0,
        seed=sampling.seed or None,
        logprobs=0,
        detokenize=False,
        stop_token_ids=[eos_id],
    )


def completion(output: Any, version: int) -> Completion:
    """A finished vLLM request as our record."""
    done = output.outputs[0]
    ids = list(done.token_ids)
    logprobs = [position[token].logprob for position, token in zip(done.logprobs, ids, strict=True)]
    return Completion(ids, logprobs, done.finish_reason, version)
