"""Advantages and weights of Flow-GRPO: by hand, and what must not change them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from rl import flow_grpo
from rl.flow_grpo import Statistics, advantages


def test_advantages_are_over_trajectories_with_the_population_deviation() -> None:
    rewards, groups = torch.tensor([1.0, 0, 0, 1, 0]), torch.tensor([7, 7, 7, 3, 3])
    expected = torch.tensor([2**0.5, -(0.5**0.5), -(0.5**0.5), 1.0, -1.0])
    assert_close(advantages(rewards, groups), expected, rtol=0, atol=1e-5)


def test_a_long_trajectory_has_one_vote() -> None:
    rewards, groups, turns = torch.tensor([1.0, 0]), torch.zeros(2), torch.tensor([1, 3])
    assert_close(advantages(rewards, groups, turns), torch.tensor([1.0, -1]), rtol=0, atol=1e-5)


def test_row_statistics_count_turn_rows_and_take_the_sample_deviation() -> None:
    rewards, groups, turns = torch.tensor([1.0, 0]), torch.zeros(2), torch.tensor([1, 3])
    got = advantages(rewards, groups, turns, statistics="row")
    assert_close(got, torch.tensor([1.5, -0.5]), rtol=0, atol=1e-5)


def test_row_statistics_without_turns_are_refused() -> None:
    with pytest.raises(ValueError, match="needs the turns"):
        advantages(torch.tensor([1.0, 0]), torch.zeros(2), statistics="row")


@pytest.mark.parametrize("statistics", ["trajectory", "row"])
@pytest.mark.parametrize("reward", [0.0, 1.0, 0.1])
def test_no_spread_gives_exactly_zero(statistics: Statistics, reward: float) -> None:
    rewards, turns = torch.full((7,), reward), torch.tensor([1, 2, 3, 1, 2, 3, 1])
    assert not advantages(rewards, torch.zeros(7), turns, statistics).any()
    assert not flow_grpo.has_spread(rewards, torch.zeros(7)).any()


def test_a_single_member_teaches_nothing_and_disturbs_nobody() -> None:
    rewards, groups = torch.tensor([1.0, 1, 0]), torch.tensor([0, 1, 1])
    assert_close(advantages(rewards, groups), torch.tensor([0.0, 1, -1]), rtol=0, atol=1e-5)
    assert flow_grpo.has_spread(rewards, groups).tolist() == [False, True, True]


Outcomes = tuple[Tensor, Tensor]


@st.composite
def outcomes(draw: st.DrawFn) -> Outcomes:
    """Rewards and groups of up to 20 trajectories."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=20))
    rewards, groups = zip(*pairs, strict=True)
    return torch.tensor(rewards, dtype=torch.float64), torch.tensor(groups)


@given(outcomes(), st.lists(st.integers(-9, 9), min_size=4, max_size=4))
def test_a_shift_of_a_groups_rewards_changes_nothing(given: Outcomes, shift: list[int]) -> None:
    rewards, groups = given
    shifted = rewards + torch.tensor(shift)[groups]
    assert_close(advantages(shifted, groups), advantages(rewards, groups))


@given(outcomes(), st.lists(st.sampled_from([0.5, 2.0, 8.0]), min_size=4, max_size=4))
def test_a_positive_scale_changes_nothing(given: Outcomes, scale: list[float]) -> None:
    rewards, groups = given
    scaled = rewards * torch.tensor(scale)[groups]
    assert_close(advantages(scaled, groups), advantages(rewards, groups), rtol=1e-4, atol=0)


@given(outcomes(), st.randoms())
def test_the_order_of_trajectories_does_not_matter(given: Outcomes, dice: Any) -> None:
    rewards, groups = given
    order = torch.tensor(dice.sample(range(len(rewards)), len(rewards)))
    assert_close(advantages(rewards[order], groups[order]), advantages(rewards, groups)[order])


@given(outcomes(), st.permutations([40, -1, 7, 0]))
def test_the_names_of_groups_do_not_matter(given: Outcomes, names: list[int]) -> None:
    rewards, groups = given
    renamed = torch.tensor(names)[groups]
    assert torch.equal(advantages(rewards, renamed), advantages(rewards, groups))


# ------------------------------------------------------------------- weights


@given(outcomes(), st.data())
def test_the_weights_of_all_turn_rows_sum_to_one(given: Outcomes, data: st.DataObject) -> None:
    groups = given[1]
    turns = data.draw(st.lists(st.integers(1, 9), min_size=len(groups), max_size=len(groups)))
    weights = flow_grpo.trajectory_weights(groups, torch.tensor(turns))
    assert (weights * torch.tensor(turns)).sum().item() == pytest.approx(1, abs=1e-5)


def test_row_advantages_by_hand() -> None:
    advantage, groups, turns = torch.tensor([1.0, -1]), torch.zeros(2), torch.tensor([1, 3])
    owner = torch.tensor([0, 1, 1, 1])
    paper = flow_grpo.row_advantages(advantage, groups, turns, owner, "paper")
    assert_close(paper, torch.tensor([2.0, -2 / 3, -2 / 3, -2 / 3]))
    plain = flow_grpo.row_advantages(advantage, groups, turns, owner, "token-mean")
    assert plain.tolist() == [1, -1, -1, -1]


def test_a_turn_is_compared_with_those_at_its_place_in_its_questions_runs() -> None:
    # Runs of 2, 1 and 2 turns of question 7; one of 1 turn of question 3, alone at its place.
    rewards = torch.tensor([1.0, 5.0, 0.0, 0.0, 3.0, 9.0])
    groups, places = torch.tensor([7, 7, 7, 7, 7, 3]), torch.tensor([0, 1, 0, 0, 1, 0])
    low = -(0.5**0.5)
    expected = torch.tensor([2**0.5, 1.0, low, low, -1.0, 0.0])
    got = flow_grpo.turn_advantages(rewards, groups, places)
    assert_close(got, expected, rtol=0, atol=1e-5)
    scaled = flow_grpo.turn_advantages(100 * rewards - 7, groups, places)
    assert_close(scaled, expected, rtol=0, atol=1e-5)
