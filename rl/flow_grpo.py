"""Flow-GRPO, pure: what arXiv 2510.05592 section 3.2 writes down, equation by equation.

For a question there are trajectories i = 1..G, each with turns t = 1..T_i, each turn an action of
|a| tokens sampled from its own prompt. One outcome reward R_i is given to every turn (eq. 5), so a
multi-turn problem becomes single-turn updates:

    A_i = (R_i - mean_G R) / std_G R                                                       (eq. 7)
    J   = E_q[ 1/G sum_i 1/T_i sum_t 1/|a| sum_j min(rho A_i, clip(rho, 1-e_lo, 1+e_hi) A_i) ]
          - beta KL(pi || pi_ref)                                                          (eq. 6)

Statistics are over the trajectories of a question, not over its turn rows: a long trajectory has
one vote, not T_i. Q, the number of questions in the mean, counts those it is given: the trainer
drops questions whose runs all scored alike first. `objective` is the closed form that tests hold
the trainer to; the trainer itself uses OpenRLHF's loss, which it reaches by `row_advantages`.
Nothing here imports OpenRLHF.

Shapes: N trajectories, M turn rows of all of them, L tokens of the longest action. Tensors are
float32, ids int64, masks float32 of 0 and 1.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Weighting = Literal["paper", "token-mean"]
Statistics = Literal["trajectory", "row"]


def advantages(
    rewards: Tensor,
    groups: Tensor,
    turns: Tensor | None = None,
    statistics: Statistics = "trajectory",
    eps: float = 1e-6,
) -> Tensor:
    """Group-normalised advantages (eq. 7).

    Args:
        rewards: (N,) outcome rewards.
        groups: (N,) the question of each trajectory, any integers.
        turns: (N,) turns of each trajectory; needed for `statistics="row"` only.
        statistics: `trajectory` as in the paper, with the population deviation; `row` as in the
            paper's code, where each turn row counts and the deviation is the sample's (N-1).
        eps: added to the deviation.

    Returns:
        (N,); exactly 0 throughout a group whose rewards are all equal.
    """
    result = torch.zeros_like(rewards)
    for group in groups.unique():
        members = groups == group
        own = rewards[members]
        if own.max() == own.min():
            continue
        voters = own
        if statistics == "row":
            if turns is None:
                raise ValueError("statistics='row' needs the turns of each trajectory")
            voters = own.repeat_interleave(turns[members])
        deviation = voters.std(correction=int(statistics == "row"))
        result[members] = (own - voters.mean()) / (deviation + eps)
    return result


def has_spread(rewards: Tensor, groups: Tensor) -> Tensor:
    """(N,) bool: whether a trajectory's group holds different rewards and so teaches something."""
    result = torch.zeros_like(rewards, dtype=torch.bool)
    for group in groups.unique():
        members = groups == group
        result[members] = rewards[members].max() != rewards[members].min()
    return result


def turn_advantages(rewards: Tensor, groups: Tensor, places: Tensor) -> Tensor:
    """Advantages of single turns among those at the same place in a question's trajectories.

        A'_{i,t} = (r_{i,t} - mean_j r_{j,t}) / std_j r_{j,t}

    over the trajectories j of the question that have a turn t. A row of the update then has the
    advantage A_i + w A'_{i,t}: the form of arXiv 2505.10978 (GiGPO, A^E + w A^S), with the place of
    the turn for what makes steps comparable, as in arXiv 2505.11821 (MT-GRPO). r_{i,t} is the
    turn's reward alone, not the sum of those that follow.

    Args:
        rewards: (K,) rewards of turns, of any size.
        groups: (K,) the question of each, any integers.
        places: (K,) which turn of its trajectory it is.

    Returns:
        (K,); 0 where all at a place are alike, or one is alone there.
    """
    _, alike = torch.stack([groups, places]).unique(dim=1, return_inverse=True)
    return advantages(rewards, alike)


def trajectory_weights(groups: Tensor, turns: Tensor) -> Tensor:
    """(N,) weight of one turn row of each trajectory in eq. 6: 1 / (Q G_q T_i).

    G_q counts the trajectories that are there: a failed rollout is left out of its group.
    """
    _, group, sizes = groups.unique(return_inverse=True, return_counts=True)
    weights: Tensor = 1.0 / (len(sizes) * sizes[group] * turns)
    return weights


def row_advantages(
    advantage: Tensor, groups: Tensor, turns: Tensor, owner: Tensor, weighting: Weighting
) -> Tensor:
    """(M,) advantages with which a plain PPO loss yields the wanted objective.

    PPO's clipped term is homogeneous of degree one in A, so a row's weight can be folded into its
    advantage. OpenRLHF's `seq-mean-token-mean` gives each of M rows the weight 1/M; a factor
    M / (Q G_q T_i) turns that into eq. 6. `token-mean` takes advantages as they are.

    Args:
        advantage: (N,) of `advantages`.
        groups: (N,).
        turns: (N,).
        owner: (M,) the trajectory of each row.
        weighting: see above.
    """
    if weighting == "token-mean":
        return advantage[owner]
    return (advantage * trajectory_weights(groups, turns))[owner] * len(owner)


def surrogate(
    logprobs: Tensor, old_logprobs: Tensor, advantage: Tensor, low: float, high: float
) -> Tensor:
    """(M, L) token-level clipped surrogate of eq. 6, to be maximised.

    Args:
        logprobs: (M, L) under the policy.
        old_logprobs: (M, L) under the policy that sampled.
        advantage: (M, 1) or (M, L).
        low: the ratio is clipped below at 1 - low.
        high: and above at 1 + high.
    """
    ratio = (logprobs - old_logprobs).exp()
    return torch.min(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)


def k3(logprobs: Tensor, reference: Tensor, bound: float = 10.0) -> Tensor:
    """(M, L) non-negative KL estimate exp(r) - 1 - r with r = log pi_ref - log pi.

    Source: J. Schulman, "Approximating KL divergence". r is bounded and so is the value: one
    improbable token would otherwise outweigh a whole batch.
    """
    ratio = (reference - logprobs).clamp(max=bound)
    return (ratio.exp() - 1 - ratio).clamp(max=bound)


def token_means(values: Tensor, mask: Tensor) -> Tensor:
    """(M,) mean over each row's own tokens: 1/|a| sum_j."""
    return (values * mask).sum(-1) / mask.sum(-1)


def objective(
    logprobs: Tensor,
    old_logprobs: Tensor,
    reference: Tensor,
    mask: Tensor,
    rewards: Tensor,
    groups: Tensor,
    owner: Tensor,
    *,
    low: float = 0.2,
    high: float = 0.3,
    beta: float = 0.001,
    weighting: Weighting = "paper",
    statistics: Statistics = "trajectory",
) -> Tensor:
    """Eq. 6 written out: a scalar to be maximised. See the module docstring for shapes.

    The paper leaves open how the KL term is averaged: here, as in OpenRLHF, it is the mean of `k3`
    over all action tokens, whatever the weighting of the surrogate.
    """
    turns = torch.bincount(owner, minlength=len(rewards))
    advantage = advantages(rewards, groups, turns, statistics)
    clipped = surrogate(logprobs, old_logprobs, advantage[owner, None], low, high)
    penalty = beta * (k3(logprobs, reference) * mask).sum() / mask.sum()
    if weighting == "token-mean":
        return (clipped * mask).sum() / mask.sum() - penalty
    weights = trajectory_weights(groups, turns)[owner]
    return (weights * token_means(clipped, mask)).sum() - penalty
