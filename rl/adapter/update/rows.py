"""A turn of a trajectory as a row of OpenRLHF's: an Experience of one sequence."""

from __future__ import annotations

from openrlhf.trainer.ppo_utils.experience import Experience
from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator

from rl.rollout import Action, Trajectory


def turn_row(trajectory: Trajectory, action: Action, window: int) -> Experience:
    """The row of one turn, cut to `window` tokens of prompt and reply."""
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
    # A method without state: a canary test sees to it that it never looks at its generator.
    return SamplesGenerator._process_response_into_experience(None, response, max_len=window)
