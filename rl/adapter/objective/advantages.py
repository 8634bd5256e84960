"""Advantages and weights beside the paper's.

Of a question with rewards R_1..R_G:

    A_i = R_i - mean_G R                              centred: Dr. GRPO, arXiv 2503.20783
    A_i = R_i - 1/(G-1) sum_{k != i} R_k              leave-one-out: RLOO, arXiv 2402.14740

Neither divides by the deviation, so a question that is nearly always or nearly never answered
counts less than with the paper's. Of a run whose longest reply has n tokens, of L at most:

    R_i - penalty * min(max(n - (L - buffer), 0), buffer) / buffer
                                                      soft overlong punishment: DAPO, 2503.14476

Shapes: N trajectories, M turn rows of all of them.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch
from openrlhf.trainer.ppo_utils.length_penalty import apply_overlong_penalty
from torch import Tensor

from rl import flow_grpo
from rl.settings.algorithm import Algorithm


def advantages(rewards: Tensor, groups: Tensor, turns: Tensor, algorithm: Algorithm) -> Tensor:
    """(N,) advantages of the kind that `algorithm` names.

    Args:
        rewards: (N,).
        groups: (N,) the question of each trajectory, any integers.
        turns: (N,) turns of each trajectory.
        algorithm: its `advantage` and `statistics`.

    Returns:
        (N,); exactly 0 throughout a group whose rewards are all equal.
    """
    if algorithm.advantage == "normalised":
        return flow_grpo.advantages(rewards, groups, turns, algorithm.statistics)
    votes = turns.to(rewards) if algorithm.statistics == "row" else torch.ones_like(rewards)
    result = torch.zeros_like(rewards)
    for group in groups[flow_grpo.has_spread(rewards, groups)].unique():
        members = groups == group
        own, share = rewards[members], votes[members] / votes[members].sum()
        result[members] = own - (share * own).sum()
        if algorithm.advantage == "leave-one-out":
            # R - (S - R) / (G-1) = G / (G-1) (R - S / G), with S the sum of all.
            result[members] *= len(own) / (len(own) - 1)
    return result


def row_advantages(
    advantage: Tensor,
    groups: Tensor,
    turns: Tensor,
    owner: Tensor,
    tokens: Tensor,
    algorithm: Algorithm,
    run_tokens: int,
) -> Tensor:
    """(M,) advantages with which OpenRLHF's loss yields the wanted objective.

    See `rl.flow_grpo.row_advantages` for how. The weight of a token is 1 / (Q G L) with
    `weighting=constant`, where L is `run_tokens`; a row of |a| tokens then has |a| / (Q G L).

    Args:
        advantage: (N,).
        groups: (N,).
        turns: (N,) all turns of each trajectory, also those that are no row.
        owner: (M,) the trajectory of each row.
        tokens: (M,) sampled tokens of each row.
        algorithm: its `weighting`.
        run_tokens: L, tokens that a run may sample.
    """
    if algorithm.weighting != "constant":
        return flow_grpo.row_advantages(advantage, groups, turns, owner, algorithm.weighting)
    of_run = flow_grpo.trajectory_weights(groups, torch.ones_like(turns))
    return (advantage * of_run)[owner] * tokens / run_tokens * len(owner)


def punished(
    rewards: Tensor, longest: Tensor, reply_tokens: int, buffer: int, penalty: float
) -> Tensor:
    """(N,) rewards less the soft overlong punishment, by OpenRLHF's own function.

    Args:
        rewards: (N,).
        longest: (N,) tokens of each trajectory's longest reply.
        reply_tokens: tokens of a reply, at most.
        buffer: tokens before that over which the punishment grows.
        penalty: its size at the limit.
    """
    runs = SimpleNamespace(rewards=rewards.clone(), response_length=longest)
    apply_overlong_penalty([runs], reply_tokens, buffer, penalty)
    lessened: Tensor = runs.rewards
    return lessened
