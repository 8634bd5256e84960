"""From trajectories to turn rows: who is counted, what a row's advantage is, and blank rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rl.adapter.objective.credit import Credit, assign, describe
from rl.adapter.update.buffer import WINDOW
from rl.adapter.update.experience import FlowExperienceMaker
from rl.prefix.tree import size
from rl.rollout import Trajectory
from rl.settings.config import Algorithm, Config

Make = Callable[..., Trajectory]


def credit_of(runs: Sequence[Trajectory], seed: int = 0, **algorithm: Any) -> Credit:
    record = {
        "run": "runs/x",
        "model": {"path": "there"},
        "rollout": {"reply_tokens": 4},
        "algorithm": algorithm,
        "agent": {"max_turns": 5},
    }
    return assign(list(runs), Config.model_validate(record), seed)


def test_a_failed_run_is_left_out_of_its_groups_statistics(trajectory: Make) -> None:
    rewards = [1.0, None, 0.0, 0.0]
    credit = credit_of([trajectory("a", reward) for reward in rewards])
    assert [t.reward for t in credit.trajectories] == [1.0, 0.0, 0.0]
    expected = torch.tensor([2**0.5, -(0.5**0.5), -(0.5**0.5)])
    torch.testing.assert_close(credit.advantage, expected, rtol=0, atol=1e-5)
    assert (credit.failed, credit.dropped_groups) == (1, 0)


def test_a_group_with_one_judged_run_is_dropped(trajectory: Make) -> None:
    runs = [trajectory("a", 1.0), trajectory("a", None), trajectory("b", 1.0), trajectory("b", 0.0)]
    credit = credit_of(runs)
    assert credit.trajectories == runs[2:]
    assert (credit.failed, credit.dropped_groups) == (1, 1)


def test_a_group_that_the_judge_left_open_is_dropped_whole(trajectory: Make) -> None:
    """Only what a rule refused is put to a judge: what is left of the group is what was right."""
    runs = [trajectory("a", r) for r in (1.0, 1.0, 0.0)] + [trajectory("a", None, fault="judge")]
    runs += [trajectory("b", 1.0), trajectory("b", 0.0), trajectory("b", None)]
    credit = credit_of(runs)
    assert credit.trajectories == runs[4:6], "a run that the world failed costs itself alone"
    assert (credit.failed, credit.dropped_groups, credit.unscored_groups) == (2, 1, 1)
    assert describe(credit, 3)["groups_unscored"] == 1


def test_nothing_is_left_when_every_run_failed(trajectory: Make) -> None:
    credit = credit_of([trajectory(question, None) for question in "aabb"])
    assert (credit.trajectories, credit.failed, credit.dropped_groups) == ([], 4, 2)
    assert len(credit.advantage) == 0
    described = describe(credit, 3)
    assert described["rows"] == described["groups_used"] == described["staleness_max"] == 0


def test_groups_without_spread_are_dropped_and_counted(trajectory: Make) -> None:
    rewards = {"a": (1.0, 1.0), "b": (0.0, 0.0), "c": (0.0, 1.0)}
    runs = [trajectory(name, reward, turns=2) for name in rewards for reward in rewards[name]]
    credit = credit_of(runs)
    assert credit.trajectories == runs[4:]
    assert describe(credit, 3) == {
        "groups_used": 1,
        "groups_dropped": 2,
        "groups_unscored": 0,
        "failed_rollouts": 0,
        "rows": 4,
        "cut_off": 0,
        "policy_version": 3,
        "staleness_max": 3,  # each run's turns were sampled by versions 0 and 1
        "staleness_mean": 2.5,
    }


def test_a_group_is_a_questions_id_in_whatever_order_runs_come(trajectory: Make) -> None:
    runs = [trajectory(name, reward) for name, reward in zip("abba", (1.0, 0, 1, 0), strict=True)]
    credit = credit_of(runs)
    assert credit.groups[0] == credit.groups[3] != credit.groups[1] == credit.groups[2]
    torch.testing.assert_close(credit.advantage, torch.tensor([1.0, -1, 1, -1]), rtol=0, atol=1e-5)
    turned = credit_of(runs[::-1])
    torch.testing.assert_close(turned.advantage, credit.advantage.flip(0))


def test_ragged_turns_are_kept_and_count_only_where_rows_vote(trajectory: Make) -> None:
    runs = [trajectory("a", 1.0, turns=1), trajectory("a", 0.0, turns=3)]
    assert credit_of(runs).turns.tolist() == [1, 3]
    assert credit_of(runs).advantage.tolist() == pytest.approx([1, -1], abs=1e-5)
    by_row = credit_of(runs, statistics="row").advantage.tolist()
    assert by_row == pytest.approx([1.5, -0.5], abs=1e-5)


def test_shuffled_advantages_are_the_same_ones_dealt_out_anew(trajectory: Make) -> None:
    runs = [trajectory(name, float(i == 0)) for name in "abcd" for i in range(4)]
    plain = credit_of(runs).advantage
    dealt = [credit_of(runs, seed, shuffle_advantages=True).advantage for seed in (1, 1, 2)]
    assert torch.equal(dealt[0], dealt[1])
    assert not torch.equal(dealt[0], dealt[2])
    for advantage in dealt:
        assert not torch.equal(advantage, plain)
        assert torch.equal(advantage.sort().values, plain.sort().values)


def cut(run: Trajectory, turn: int) -> Trajectory:
    """The run, one of whose replies was cut off at its limit of 4 tokens."""
    actions = list(run.actions)
    whole = replace(actions[turn], token_ids=[9] * 4, logprobs=[-0.5] * 4)
    actions[turn] = replace(whole, finish_reason="length")
    return replace(run, actions=actions)


def test_a_reply_that_was_cut_off_teaches_nothing_and_its_run_counts_all_the_same(
    trajectory: Make,
) -> None:
    runs = [cut(trajectory("a", 0.0, turns=3), 1), trajectory("a", 1.0), trajectory("a", 0.0)]
    credit = credit_of(runs, overlong="mask")
    assert [owner for owner, _ in credit.rows] == [0, 0, 1, 2]
    assert [action.finish_reason for _, action in credit.rows] == ["stop"] * 4
    assert credit.turns.tolist() == [3, 1, 1], "its other turns weigh what they did"
    torch.testing.assert_close(credit.advantage, credit_of(runs).advantage)
    described = describe(credit, 3)
    assert (described["rows"], described["cut_off"]) == (4, 1)
    (batch,) = maker_of(4, 4).split_rollout_samples(credit)
    assert batch.action_mask.bool().any(-1).all()


def test_without_a_whole_reply_no_row_is_left(trajectory: Make) -> None:
    runs = [cut(trajectory("a", reward), 0) for reward in (1.0, 0.0)]
    credit = credit_of(runs, overlong="mask")
    assert (credit.rows, len(credit.trajectories)) == ([], 2)
    assert len(credit_of(runs).rows) == 2


def test_a_run_with_a_long_reply_loses_reward_by_its_longest(trajectory: Make) -> None:
    """Replies of 1, 2 and 3 tokens, and one of 4 at the limit; the buffer begins at 2."""
    runs = [trajectory("a", 1.0, turns) for turns in (1, 2, 3)] + [cut(trajectory("a", 1.0), 0)]
    credit = credit_of(
        runs,
        overlong="punish",
        overlong_buffer=2,
        overlong_penalty=0.5,
        advantage="centred",
    )
    assert credit.advantage.tolist() == pytest.approx([0.1875, 0.1875, -0.0625, -0.3125])
    assert credit_of(runs).trajectories == [], "without it there is no spread"


# ---------------------------------------------------------------------- rows


def maker_of(
    micro_batch: int,
    rows: int,
    share: str = "off",
    tokens: int = 0,
    packed: bool = False,
    **algorithm: Any,
) -> FlowExperienceMaker:
    """OpenRLHF's maker without its Ray groups; shared, a micro-batch has 16 tokens of a tree."""
    maker = object.__new__(FlowExperienceMaker)
    maker.tokenizer = SimpleNamespace(pad_token_id=0)
    maker.algorithm = Algorithm(**algorithm)
    maker.args = SimpleNamespace(
        data=SimpleNamespace(max_len=64),
        rollout=SimpleNamespace(micro_batch_size=micro_batch),
        train=SimpleNamespace(
            batch_size=rows,
            micro_batch_size=micro_batch,
            dynamic_batch_enable=share != "off" or tokens > 0,
        ),
        actor=SimpleNamespace(num_nodes=1, num_gpus_per_node=1),
        flow_share=share,
        flow_row_tokens=tokens,
        ds=SimpleNamespace(packing_samples=packed),
    )
    maker.sharing, maker.micro_tokens = {"padded": False, "off": None}.get(share, True), 16
    return maker


def ragged_runs(trajectory: Make) -> list[Trajectory]:
    """Groups of 2 and 3, of 1 to 3 turns: 10 rows, each known by its token."""
    given = [("a", 1.0, 3), ("a", 0.0, 1), ("b", 0.0, 2), ("b", 1.0, 3), ("b", 0.0, 1)]
    return [
        trajectory(name, reward, turns, mark=10 * (i + 1))
        for i, (name, reward, turns) in enumerate(given)
    ]


def with_logprobs(batches: list[Any], gap: float = 0.0) -> list[Any]:
    """As after the actors' forward pass; the last action token of each row is off by `gap`."""
    for batch in batches:
        batch.action_log_probs = batch.rollout_log_probs.clone()
        for row, mask in enumerate(batch.action_mask):
            if mask.any():
                batch.action_log_probs[row, mask.nonzero()[-1]] += gap
    return batches


@pytest.mark.parametrize(("micro_batch", "rows", "blanks"), [(4, 8, 6), (5, 10, 0), (16, 16, 6)])
def test_rows_are_padded_with_blanks_to_whole_optimizer_steps(
    trajectory: Make, micro_batch: int, rows: int, blanks: int
) -> None:
    batches = maker_of(micro_batch, rows).split_rollout_samples(credit_of(ragged_runs(trajectory)))
    assert {len(batch.index) for batch in batches} == {micro_batch}
    masks = [mask for batch in batches for mask in batch.action_mask]
    assert len(masks) == 10 + blanks
    assert len(masks) % rows == 0
    assert [bool(mask.any()) for mask in masks] == [True] * 10 + [False] * blanks
    for batch in batches:
        width = {len(batch.index)}
        assert {len(value) for value in batch.info.values()} == width
        assert {len(batch.rewards), len(batch.prompts), len(batch.truncated)} == width
        assert batch.attention_mask.sum(-1).min() >= 2


def test_a_row_is_one_turn_with_its_own_prompt(trajectory: Make) -> None:
    (batch,) = maker_of(16, 16).split_rollout_samples(credit_of(ragged_runs(trajectory)))
    assert batch.sequences[2].tolist() == [1, 2, 3, 12, 12, 12]
    assert batch.action_mask[2].tolist() == [0, 0, 1, 1, 1]
    assert batch.rollout_log_probs[2].tolist() == [0, 0, -0.5, -0.5, -0.5]
    assert batch.sequences[1].tolist() == [1, 2, 3, 11, 11, 0]
    assert batch.action_mask[1].tolist() == [0, 0, 1, 1, 0]


@pytest.mark.parametrize("share", ["on", "padded"])
def test_a_shared_step_has_whole_groups_in_windows_and_no_blanks(
    trajectory: Make, share: str
) -> None:
    maker = maker_of(2, 6, share)
    batches = maker.split_rollout_samples(credit_of(ragged_runs(trajectory)))
    assert sorted(number for batch in batches for number in batch.index) == list(range(10))
    windows = [batch.info[WINDOW].tolist() for batch in batches]
    assert [number for window in windows for number in set(window)] == sorted(
        number for window in windows for number in set(window)
    )
    assert {number for window in windows for number in window} == {0.0, 1.0}
    assert all(
        len(window) == len(batch.index) for window, batch in zip(windows, batches, strict=True)
    )
    if share == "padded":
        assert {len(batch.index) for batch in batches} == {2}
        return
    # Group a has rows 0 to 3, group b 4 to 9; the rows of a trajectory follow one another.
    first = {n for batch in batches for n in batch.index if batch.info[WINDOW][0] == 0}
    assert first == {0, 1, 2, 3}
    for batch in batches:
        rows = [
            r[m.bool()].tolist() for r, m in zip(batch.sequences, batch.attention_mask, strict=True)
        ]
        assert size(rows) <= 16 or len(rows) == 1


@pytest.mark.parametrize("share", ["off", "padded"])
@pytest.mark.parametrize("packed", [False, True])
def test_padded_rows_keep_within_a_number_of_tokens(
    trajectory: Make, share: str, packed: bool
) -> None:
    maker = maker_of(2, 6, share, tokens=16, packed=packed)
    batches = maker.split_rollout_samples(credit_of(ragged_runs(trajectory)))
    assert sorted(number for batch in batches for number in batch.index) == list(range(10))
    windows = [batch.info[WINDOW].tolist() for batch in batches]
    assert [set(window) for window in windows] == sorted(set(w) for w in windows)
    for batch in batches:
        taken = batch.attention_mask.sum() if packed else batch.sequences.numel()
        assert taken <= 16
    # Rows of 4 to 6 tokens, 28 and 19 in the two windows.
    assert len(batches) == (4 if packed else 5)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("micro_batch", "share"), [(2, "off"), (4, "off"), (16, "off"), (2, "padded"), (4, "on")]
)
def test_every_rows_advantage_is_its_trajectorys_own(
    trajectory: Make, micro_batch: int, share: str, backwards: bool
) -> None:
    maker = maker_of(micro_batch, 16, share)
    batches = with_logprobs(maker.split_rollout_samples(credit_of(ragged_runs(trajectory))))
    batches = batches[::-1] if backwards else batches
    batches = maker.compute_advantages_and_returns(batches)
    low, high = -(0.5**0.5), 2**0.5
    # By the first digit of a row's token: A_i, and M / (Q G_q T_i) with M = 10 and Q = 2.
    advantage = {1: 1.0, 2: -1.0, 3: low, 4: high, 5: low}
    factor = {1: 10 / (2 * 2 * 3), 2: 10 / 4, 3: 10 / (2 * 3 * 2), 4: 10 / (2 * 3 * 3), 5: 10 / 6}
    seen = 0
    for batch in batches:
        assert torch.equal(batch.returns, batch.advantages)
        for row, mask in enumerate(batch.action_mask.bool()):
            assert not batch.advantages[row][~mask].any()
            if mask.any():
                seen += 1
                owner = int(batch.sequences[row, 3]) // 10
                given = batch.advantages[row][mask].tolist()
                wanted = advantage[owner] * factor[owner]
                assert given == pytest.approx([wanted] * len(given), rel=1e-4)
    assert seen == 10


def test_token_mean_gives_every_row_its_trajectorys_advantage(trajectory: Make) -> None:
    maker = maker_of(16, 16, weighting="token-mean")
    batches = with_logprobs(maker.split_rollout_samples(credit_of(ragged_runs(trajectory))))
    (batch,) = maker.compute_advantages_and_returns(batches)
    assert batch.info["return"][:4].tolist() == pytest.approx([1, 1, 1, -1], abs=1e-5)
    assert not batch.info["return"][10:].any()


def test_a_constant_gives_every_token_of_every_run_the_same_weight(trajectory: Make) -> None:
    how: dict[str, Any] = {"weighting": "constant", "advantage": "centred"}
    maker = maker_of(16, 16, **how)
    credit = credit_of(ragged_runs(trajectory), **how)
    (batch,) = maker.compute_advantages_and_returns(
        with_logprobs(maker.split_rollout_samples(credit))
    )
    owner = torch.tensor([0, 0, 0, 1, 2, 2, 3, 3, 3, 4])
    centred = torch.tensor([0.5, -0.5, -1 / 3, 2 / 3, -1 / 3])[owner]
    groups = torch.tensor([2, 2, 3, 3, 3])[owner]
    # OpenRLHF gives a token 1 / (10 rows |a|); wanted is 1 / (2 questions x G x 4 x 5 tokens).
    tokens = batch.action_mask.sum(-1)[:10]
    weight = batch.info["return"][:10] / (10 * tokens)
    assert_close = torch.testing.assert_close
    assert_close(weight, centred / (2 * groups * 20), rtol=1e-5, atol=1e-8)


def test_the_mismatch_is_over_action_tokens_only(trajectory: Make) -> None:
    maker = maker_of(4, 8)
    batches = maker.split_rollout_samples(credit_of(ragged_runs(trajectory)))
    batches = with_logprobs(batches, gap=0.25)
    for batch in batches:
        batch.action_log_probs[~batch.action_mask.bool()] = 99.0
    maker.compute_advantages_and_returns(batches)
    tokens = sum(turn + 1 for turns in (3, 1, 2, 3, 1) for turn in range(turns))
    share = 10 / tokens
    assert maker.mismatch == pytest.approx(
        {
            "mismatch_max": 0.25,
            "mismatch_mean": 0.25 * share,
            "ratio_max": math.exp(0.25),
            "ratio_mean": 1 + share * (math.exp(0.25) - 1),
        }
    )
