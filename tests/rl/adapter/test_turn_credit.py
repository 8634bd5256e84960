"""Rewards of single turns in the update: which groups teach, and what a row's advantage is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from agentflow_graph.state import State, Turn
from rl.adapter.objective.credit import Credit, assign
from rl.adapter.update.experience import FlowExperienceMaker
from rl.adapter.workers.samples import _spread
from rl.reward import Grade
from rl.rollout import Trajectory
from rl.settings.config import Algorithm, Config

Make = Callable[..., Trajectory]


def settings(turn_weight: float = 1.0) -> Config:
    reward = {"turn_weight": turn_weight}
    return Config.model_validate({"run": "r", "model": {"path": "p"}, "reward": reward})


@pytest.fixture
def run(trajectory: Make) -> Callable[..., Trajectory]:
    """A run of a question with these rewards of its turns."""

    def made(question: str, reward: float, *turns: float) -> Trajectory:
        return replace(
            trajectory(question, reward, len(turns)), grade=Grade(reward, "own", turns=turns)
        )

    return made


def rows_of(credit: Credit, weighting: str) -> torch.Tensor:
    """The advantages that the maker gives the rows, in their order."""
    maker = object.__new__(FlowExperienceMaker)
    maker.algorithm = Algorithm.model_validate({"weighting": weighting})
    maker.args = SimpleNamespace(
        data=SimpleNamespace(max_len=64),
        rollout=SimpleNamespace(micro_batch_size=1),
        train=SimpleNamespace(batch_size=1, micro_batch_size=1, dynamic_batch_enable=False),
        actor=SimpleNamespace(num_nodes=1, num_gpus_per_node=1),
        flow_share="off",
    )
    maker.tokenizer = SimpleNamespace(pad_token_id=0)
    maker.split_rollout_samples(credit)
    return maker._advantages


def test_a_turns_advantage_is_added_to_that_of_its_run_and_weighs_as_much(run: Make) -> None:
    runs = [run("a", 1.0, 0.0, 1.0), run("a", 0.0, 1.0)]
    credit = assign(runs, settings(0.5), 0)
    # Outcomes give 1 and -1; at the first place -1 and 1, at the second there is one turn alone.
    own = [1 - 0.5, 1.0, -1 + 0.5]
    plain = rows_of(credit, "token-mean")
    assert plain.tolist() == pytest.approx(own, abs=1e-5)
    factor = [3 / (1 * 2 * 2), 3 / (1 * 2 * 2), 3 / (1 * 2 * 1)]  # M / (Q G_q T_i)
    wanted = [a * f for a, f in zip(own, factor, strict=True)]
    assert rows_of(credit, "paper").tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_group_whose_turns_alone_differ_teaches(run: Make) -> None:
    runs = [run("a", 1.0, 0.0), run("a", 1.0, 1.0), run("b", 1.0, 2.0), run("b", 1.0, 2.0)]
    credit = assign(runs, settings(), 0)
    assert credit.trajectories == runs[:2]
    assert credit.dropped_groups == 1
    assert rows_of(credit, "token-mean").tolist() == pytest.approx([-1.0, 1.0], abs=1e-5)
    assert (_spread(runs[:2]), _spread(runs[2:])) == (True, False), "nor is it asked anew"


def test_runs_of_other_lengths_alone_are_no_spread(run: Make) -> None:
    runs = [run("a", 1.0, 1.0, 1.0), run("a", 1.0, 1.0)]
    assert not _spread(runs)
    assert assign(runs, settings(), 0).trajectories == []


def test_a_repaired_turn_has_a_row_for_each_reply_and_one_vote(run: Make) -> None:
    twice = run("a", 1.0, 1.0)
    turn = twice.state["turns"][0]
    state = State(**{**twice.state, "turns": [Turn(**{**turn, "planner": turn["planner"] * 2})]})
    repaired = replace(twice, actions=twice.actions * 2, state=state)
    credit = assign([repaired, run("a", 0.0, 0.0)], settings(), 0)
    assert rows_of(credit, "token-mean").tolist() == pytest.approx([2.0, 2.0, -2.0], abs=1e-5)


def test_without_rewards_of_turns_nothing_is_added(trajectory: Make) -> None:
    credit = assign([trajectory("a", 1.0), trajectory("a", 0.0)], settings(), 0)
    assert credit.of_rows is None
