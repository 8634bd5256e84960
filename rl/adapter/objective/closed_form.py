"""The objective in all its forms, written out: what tests hold a real trainer step's gradient to.

With rho a token's ratio to the policy that sampled it, s a reply's, |a| its tokens:

    s = exp(1/|a| sum_j log rho_j)                     sequence: GSPO, arXiv 2507.18071
    min(rho A, clip(rho, 1-e_lo, 1+e_hi) A)            PPO, arXiv 1707.06347; with s in rho's place
    max(that, c A) where A < 0                         dual clip, arXiv 1912.09729
    w * that, w = pi_old / pi_engine                   importance correction of a token, w clipped
                                                       to bounds or, beyond them, 0: "Your efficient
                                                       RL framework secretly brings you off-policy
                                                       RL training", F. Yao et al., 2025
    J + eta 1/K sum_K H(pi)                            entropy bonus over all K tokens of a step,
                                                       arXiv 1602.01783

Which rows count how much is in `rl.flow_grpo` and `rl.adapter.objective.advantages`. The trainer
uses OpenRLHF's loss; nothing here is on its way.

Shapes: N trajectories, M turn rows of all of them, L tokens of the longest action.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rl import flow_grpo
from rl.settings.algorithm import Algorithm


class Rows(NamedTuple):
    """The rows that teach; all (M, L) but `owner` (M,)."""

    logprobs: Tensor
    old: Tensor
    """Log-probabilities under the trained policy, before the step."""
    sampled: Tensor
    """Under the policy that sampled, as its engine says."""
    reference: Tensor
    entropy: Tensor
    """Of the distribution that each token was drawn from, nats."""
    mask: Tensor
    owner: Tensor
    """The trajectory of each row."""


def objective(
    rows: Rows,
    advantage: Tensor,
    groups: Tensor,
    turns: Tensor,
    algorithm: Algorithm,
    run_tokens: int,
    correction: str = "none",
) -> Tensor:
    """A scalar to be maximised.

    Args:
        rows: see `Rows`.
        advantage: (N,) of `advantages.advantages`.
        groups: (N,).
        turns: (N,) all turns of each trajectory.
        algorithm: everything else.
        run_tokens: tokens that a run may sample, at most.
        correction: none, clip or mask.
    """
    mask = rows.mask
    gain = surrogate(ratios(rows, algorithm, correction), advantage[rows.owner, None], algorithm)
    if algorithm.ratio == "token" and correction != "none":
        gain = gain * corrections(rows, algorithm.correction_bounds, correction)
    weights = row_weights(groups, turns, rows, algorithm, run_tokens)
    penalty = flow_grpo.k3(rows.logprobs, rows.reference)
    extra = algorithm.entropy * rows.entropy - algorithm.kl * penalty
    return (weights * flow_grpo.token_means(gain, mask)).sum() + (extra * mask).sum() / mask.sum()


def row_weights(
    groups: Tensor, turns: Tensor, rows: Rows, algorithm: Algorithm, run_tokens: int
) -> Tensor:
    """(M,) the weight of each row's mean over its tokens: 1/(QGT), |a|/K or |a|/(QGL)."""
    tokens = rows.mask.sum(-1)
    if algorithm.weighting == "token-mean":
        return tokens / tokens.sum()
    if algorithm.weighting == "constant":
        runs = flow_grpo.trajectory_weights(groups, torch.ones_like(turns))
        return runs[rows.owner] * tokens / run_tokens
    return flow_grpo.trajectory_weights(groups, turns)[rows.owner]


def ratios(rows: Rows, algorithm: Algorithm, correction: str) -> Tensor:
    """(M, L) of tokens, or (M, 1) of replies.

    Where a step is corrected, that of a reply is to the policy that sampled it, as in OpenRLHF.
    """
    if algorithm.ratio == "token":
        return (rows.logprobs - rows.old).exp()
    before = rows.old if correction == "none" else rows.sampled
    return flow_grpo.token_means(rows.logprobs - before, rows.mask).exp()[:, None]


def surrogate(ratio: Tensor, advantage: Tensor, algorithm: Algorithm) -> Tensor:
    """The clipped surrogate, shape of `ratio`; `advantage` is (M, 1)."""
    clipped = ratio.clamp(1 - algorithm.clip_low, 1 + algorithm.clip_high)
    gain = torch.min(ratio * advantage, clipped * advantage)
    if not algorithm.dual_clip:
        return gain
    bounded = torch.max(gain, algorithm.dual_clip * advantage)
    return torch.where(advantage < 0, bounded, gain)


def corrections(rows: Rows, bounds: tuple[float, float], how: str) -> Tensor:
    """(M, L) importance weights of tokens; no gradient flows through them."""
    weight = (rows.old - rows.sampled).exp().detach()
    low, high = bounds
    if how == "clip":
        return weight.clamp(low, high)
    return torch.where((weight >= low) & (weight <= high), weight, 0.0)
