"""Advantages, ratios and clips beside the paper's, by hand; and the paper's own where none is set.

That a real trainer step has these gradients: test_gradient.py.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from openrlhf.models.loss import PolicyLoss
from torch import Tensor
from torch.testing import assert_close

from rl import flow_grpo
from rl.adapter.objective.advantages import advantages, punished
from rl.adapter.objective.closed_form import Rows, corrections, objective, ratios, surrogate
from rl.settings.config import Algorithm

REWARDS, GROUPS = torch.tensor([1.0, 0, 0, 1, 0]), torch.tensor([7, 7, 7, 3, 3])
TURNS = torch.tensor([1, 3, 2, 1, 1])


def of(rewards: Tensor = REWARDS, **algorithm: Any) -> Tensor:
    return advantages(rewards, GROUPS, TURNS, Algorithm(**algorithm))


def test_centred_advantages_are_not_divided() -> None:
    assert_close(of(advantage="centred"), torch.tensor([2 / 3, -1 / 3, -1 / 3, 0.5, -0.5]))
    by_row = of(advantage="centred", statistics="row")
    assert_close(by_row, torch.tensor([5 / 6, -1 / 6, -1 / 6, 0.5, -0.5]))


def test_a_run_that_is_left_out_is_held_against_the_others() -> None:
    assert_close(of(advantage="leave-one-out"), torch.tensor([1.0, -0.5, -0.5, 1, -1]))


@pytest.mark.parametrize("kind", ["normalised", "centred", "leave-one-out"])
def test_a_group_without_spread_has_exactly_none(kind: str) -> None:
    assert not of(torch.full((5,), 0.1), advantage=kind).any()
    alone = advantages(torch.tensor([1.0]), torch.zeros(1), torch.ones(1), Algorithm())
    assert alone.tolist() == [0]


def test_normalised_ones_are_the_papers() -> None:
    assert torch.equal(of(), flow_grpo.advantages(REWARDS, GROUPS))


def test_the_punishment_grows_over_the_buffer() -> None:
    """By eq. 13 of arXiv 2503.14476, with L_max 10 and L_cache 4."""
    longest = torch.tensor([1, 6, 7, 8, 10, 12])
    lessened = punished(given := torch.ones(6), longest, 10, 4, 0.5)
    assert lessened.tolist() == [1, 1, 0.875, 0.75, 0.5, 0.5]
    assert given.tolist() == [1] * 6, "what was given is left as it is"


def rows(seed: int = 0) -> Rows:
    """Turn rows of GROUPS and TURNS, 1 to 6 tokens each."""
    dice = torch.Generator().manual_seed(seed)
    owner = torch.arange(5).repeat_interleave(TURNS)
    mask = (torch.arange(6) < torch.randint(1, 7, (len(owner), 1), generator=dice)).float()
    old, *noise = (torch.randn(len(owner), 6, generator=dice) for _ in range(5))
    old = -old.abs() - 1
    logprobs, sampled, reference = (old + 0.4 * each for each in noise[:3])
    return Rows(logprobs.requires_grad_(), old, sampled, reference, noise[3].abs(), mask, owner)


@pytest.mark.parametrize("weighting", ["paper", "token-mean"])
@pytest.mark.parametrize("seed", [0, 1])
def test_without_options_the_objective_is_the_papers(seed: int, weighting: Any) -> None:
    given, algorithm = rows(seed), Algorithm(weighting=weighting, kl=0.3)
    ours = objective(given, of(), GROUPS, TURNS, algorithm, 99)
    logprobs, old, _, reference, _, mask, owner = given
    table = (logprobs, old, reference, mask, REWARDS, GROUPS, owner)
    paper = flow_grpo.objective(*table, beta=0.3, weighting=weighting)
    assert_close(ours, paper)
    slopes = [torch.autograd.grad(value, given.logprobs)[0] for value in (ours, paper)]
    assert_close(*slopes)


def test_the_bonus_is_the_mean_entropy_of_all_tokens() -> None:
    given = rows()
    plain, more = (
        objective(given, of(), GROUPS, TURNS, Algorithm(entropy=weight), 99) for weight in (0, 0.5)
    )
    assert_close(more - plain, 0.5 * given.entropy[given.mask.bool()].mean())


def test_a_replys_ratio_is_the_geometric_mean_of_its_tokens() -> None:
    one = torch.tensor([[2.0, 8.0, 99.0]]).log()
    zero, mask = torch.zeros(1, 3), torch.tensor([[1.0, 1, 0]])
    given = Rows(one, zero, zero + 1, zero, zero, mask, torch.tensor([0]))
    how = Algorithm(ratio="sequence")
    assert ratios(given, how, "none").item() == pytest.approx(4)
    to_engine = ratios(given, how, "clip").item()
    assert to_engine == pytest.approx(4 / torch.e), "corrected, it is to the policy that sampled"


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(2.0, -1.0, -2.0), (5.0, -1.0, -3.0), (5.0, 1.0, 1.3), (0.5, -1.0, -0.8)],
)
def test_a_dual_clip_bounds_what_a_negative_advantage_costs(
    ratio: float, advantage: float, expected: float
) -> None:
    given = torch.tensor([[ratio]]), torch.tensor([[advantage]])
    assert surrogate(*given, Algorithm(dual_clip=3.0)).item() == pytest.approx(expected)


@pytest.mark.parametrize(("how", "expected"), [("clip", [0.5, 1.5, 2]), ("mask", [0, 1.5, 0])])
def test_a_correction_clips_or_leaves_out_and_has_no_gradient(
    how: str, expected: list[float]
) -> None:
    weights = torch.tensor([[0.1, 1.5, 7.0]]).log()
    zero = torch.zeros(1, 3)
    given = Rows(zero, weights.requires_grad_(), zero, zero, zero, zero + 1, torch.tensor([0]))
    found = corrections(given, (0.5, 2.0), how)
    assert found.tolist()[0] == pytest.approx(expected)
    assert not found.requires_grad


def test_openrlhf_has_what_is_left_to_it() -> None:
    """A sequence's loss is averaged by rows, whatever is asked for: so weighting must be paper."""
    loss = PolicyLoss(token_level_loss=True, policy_loss_type="gspo")
    assert loss.token_level_loss is False
    with pytest.raises(AssertionError, match="must be > 1.0"):
        PolicyLoss(dual_clip=1.0)
