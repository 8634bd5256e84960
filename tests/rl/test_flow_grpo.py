"""The objective of Flow-GRPO against the paper's formula in plain loops, and OpenRLHF's loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from openrlhf.models.loss import PolicyLoss, aggregate_loss
from openrlhf.models.utils import compute_approx_kl
from openrlhf.utils.loss_utils import get_loss_batch_info
from torch import Tensor
from torch.testing import assert_close

from rl import flow_grpo
from rl.flow_grpo import Statistics, Weighting, advantages

LOW, HIGH = 0.2, 0.3


@dataclass(frozen=True)
class Batch:
    """Ragged turn rows of trajectories in groups of different size."""

    logprobs: Tensor
    old_logprobs: Tensor
    reference: Tensor
    mask: Tensor
    rewards: Tensor
    groups: Tensor
    owner: Tensor


def ragged(seed: int, dtype: torch.dtype = torch.float64) -> Batch:
    """Groups of 4, 3 and 5 trajectories, 1 to 4 turns each, 1 to 7 tokens a turn."""
    dice = torch.Generator().manual_seed(seed)
    groups = torch.tensor([4, 3, 5]).repeat_interleave(torch.tensor([4, 3, 5]))
    rewards = torch.randint(0, 2, (12,), generator=dice).to(dtype)
    rewards[:2] = torch.tensor([0.0, 1.0], dtype=dtype)
    turns = torch.randint(1, 5, (12,), generator=dice)
    owner = torch.arange(12).repeat_interleave(turns)
    lengths = torch.randint(1, 8, (len(owner),), generator=dice)
    mask = (torch.arange(7) < lengths[:, None]).to(dtype)
    old = -3 * torch.rand(len(owner), 7, generator=dice, dtype=dtype)
    logprobs = old + 0.4 * torch.randn(old.shape, generator=dice, dtype=dtype)
    reference = old + 0.4 * torch.randn(old.shape, generator=dice, dtype=dtype)
    return Batch(logprobs.requires_grad_(), old, reference, mask, rewards, groups, owner)


def objective_of(batch: Batch, **how: Any) -> Tensor:
    return flow_grpo.objective(**vars(batch), low=LOW, high=HIGH, **how)


def gradient(value: Tensor, batch: Batch) -> Tensor:
    return torch.autograd.grad(value, batch.logprobs)[0]


# ----------------------------------------------------------------- objective


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.0, 2.0, 2.0),
        (1.5, 2.0, 2.6),  # no reward for going beyond 1 + high
        (0.5, 2.0, 1.0),
        (1.5, -2.0, -3.0),
        (0.5, -2.0, -1.6),  # nor below 1 - low
        (0.9, -2.0, -1.8),
    ],
)
def test_the_surrogate_is_clipped_on_the_side_that_pays(
    ratio: float, advantage: float, expected: float
) -> None:
    logprobs = torch.tensor([[ratio]]).log()
    got = flow_grpo.surrogate(logprobs, torch.zeros(1, 1), torch.tensor([[advantage]]), LOW, HIGH)
    assert got.item() == pytest.approx(expected, rel=1e-6)


def test_k3_is_openrlhfs_with_both_of_its_bounds() -> None:
    reference = torch.tensor([-30.0, -11, -9.5, -2, -0.1, 0, 0.1, 1, 2, 2.7, 9, 11, 30, 200])
    logprobs = torch.zeros_like(reference).requires_grad_()
    ours, theirs = (
        flow_grpo.k3(logprobs, reference),
        compute_approx_kl(logprobs, reference, kl_estimator="k3"),
    )
    assert torch.equal(ours, theirs)
    assert ours.min() >= 0
    assert ours.max() == 10
    slopes = [torch.autograd.grad(kl.sum(), logprobs)[0] for kl in (ours, theirs)]
    assert torch.isfinite(slopes[0]).all()
    assert torch.equal(*slopes)


def equation_6(batch: Batch, beta: float) -> Tensor:
    """The paper's objective, symbol by symbol."""
    value = torch.zeros((), dtype=torch.float64)
    every_token = batch.mask.sum().item()
    questions = batch.groups.unique().tolist()
    for question in questions:
        members = [i for i, group in enumerate(batch.groups.tolist()) if group == question]
        own = [batch.rewards[i].item() for i in members]
        mean = sum(own) / len(own)
        deviation = (sum((reward - mean) ** 2 for reward in own) / len(own)) ** 0.5
        for i in members:
            advantage = (batch.rewards[i].item() - mean) / (deviation + 1e-6)
            rows = [m for m, trajectory in enumerate(batch.owner.tolist()) if trajectory == i]
            for m in rows:
                tokens = int(batch.mask[m].sum())
                share = 1 / (len(questions) * len(members) * len(rows) * tokens)
                for j in range(tokens):
                    rho = torch.exp(batch.logprobs[m, j] - batch.old_logprobs[m, j])
                    clipped = rho.clamp(1 - LOW, 1 + HIGH)
                    value = value + share * torch.minimum(rho * advantage, clipped * advantage)
                    apart = batch.reference[m, j] - batch.logprobs[m, j]
                    kl = torch.exp(apart) - 1 - apart
                    value = value - beta * kl / every_token
    return value


@pytest.mark.parametrize("seed", [0, 1])
def test_the_objective_is_equation_6(seed: int) -> None:
    batch = ragged(seed)
    ours, paper = objective_of(batch, beta=0.3), equation_6(batch, beta=0.3)
    assert_close(ours, paper, rtol=1e-7, atol=1e-9)
    assert_close(gradient(ours, batch), gradient(paper, batch), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("weighting", ["paper", "token-mean"])
def test_groups_without_spread_have_no_gradient(weighting: Weighting) -> None:
    batch = ragged(0)
    batch.rewards.copy_(batch.groups % 2)
    assert not gradient(objective_of(batch, beta=0.0, weighting=weighting), batch).any()


# ------------------------------------------------------------ OpenRLHF's loss


def openrlhf_loss(batch: Batch, weighting: Weighting, statistics: Statistics) -> Tensor:
    """The loss of one optimizer step over all rows and a blank one, as the trainer has it."""
    turns = torch.bincount(batch.owner)
    advantage = advantages(batch.rewards, batch.groups, turns, statistics)
    rows = flow_grpo.row_advantages(advantage, batch.groups, turns, batch.owner, weighting)
    blank = torch.zeros(1, 7, dtype=batch.mask.dtype)
    mask = torch.cat([batch.mask, blank])
    loss = PolicyLoss(LOW, HIGH, token_level_loss=weighting == "token-mean")(
        torch.cat([batch.logprobs, blank]),
        torch.cat([batch.old_logprobs, blank]),
        torch.cat([rows[:, None] * batch.mask, blank]),
        mask,
        **get_loss_batch_info(None, mask),
    )
    return loss[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("statistics", ["trajectory", "row"])
@pytest.mark.parametrize("weighting", ["paper", "token-mean"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_openrlhfs_loss_is_minus_the_objective(
    seed: int, weighting: Weighting, statistics: Statistics, dtype: torch.dtype
) -> None:
    batch = ragged(seed, dtype)
    how: dict[str, Any] = {"weighting": weighting, "statistics": statistics}
    ours, theirs = -objective_of(batch, beta=0.0, **how), openrlhf_loss(batch, **how)
    assert_close(theirs, ours, rtol=1e-6, atol=1e-6, check_dtype=False)
    assert_close(gradient(theirs, batch), gradient(ours, batch), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weighting", ["paper", "token-mean"])
def test_the_kl_penalty_is_openrlhfs_too(weighting: Weighting) -> None:
    batch = ragged(0, torch.float32)
    kl = compute_approx_kl(batch.logprobs, batch.reference, kl_estimator="k3")
    tokens = batch.mask.sum().item()
    loss = openrlhf_loss(batch, weighting, "trajectory")
    theirs = loss + 0.3 * aggregate_loss(kl, batch.mask, batch_num_tokens=tokens)
    ours = -objective_of(batch, beta=0.3, weighting=weighting)
    assert_close(gradient(theirs, batch), gradient(ours, batch), rtol=1e-5, atol=1e-6)
