"""Credit: which trajectories of a step teach, and what each is worth.

Runs that the world failed are left out. A group in which the judge left a run unscored is dropped
whole and counted: where only what a rule refused is put to the judge, the others are right.
So are groups without spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from rl import flow_grpo
from rl.adapter.objective.advantages import advantages, punished
from rl.rollout import Action, Trajectory
from rl.settings.config import Algorithm, Config


@dataclass(frozen=True)
class Credit:
    """What a step's trajectories teach; tensors over the N usable trajectories."""

    trajectories: list[Trajectory]
    rows: list[tuple[int, Action]]
    """The turns that teach, each with the place of its trajectory."""
    advantage: torch.Tensor
    groups: torch.Tensor
    turns: torch.Tensor
    """All turns of each trajectory, also those that are no row."""
    run_tokens: int
    """Tokens that a run may sample, at most."""
    dropped_groups: int
    failed: int
    unscored_groups: int = 0
    of_rows: torch.Tensor | None = None
    """(M,) what turn rows have beside the advantage of their trajectory; None: nothing."""


def assign(trajectories: list[Trajectory], config: Config, seed: int) -> Credit:
    """Advantages of those trajectories that teach something; a group is a question's id."""
    algorithm = config.algorithm
    unscored = {t.task.id for t in trajectories if t.fault == "judge"}
    graded = [t for t in trajectories if t.reward is not None]
    judged = [t for t in graded if t.task.id not in unscored]
    names = {t.task.id: i for i, t in enumerate(trajectories)}
    rewards = _rewards(judged, config)
    groups = torch.tensor([names[t.task.id] for t in judged], dtype=torch.long)
    turns = torch.tensor([len(t.actions) for t in judged], dtype=torch.long)
    advantage = advantages(rewards, groups, turns, algorithm)
    keep = flow_grpo.has_spread(rewards, groups)
    own = _of_rows(judged, groups, config.reward.turn_weight)
    if own is not None:
        keep |= _moved(own, groups, turns)
        own = own[keep.repeat_interleave(turns)]
    advantage, groups, turns = advantage[keep], groups[keep], turns[keep]
    if algorithm.shuffle_advantages:
        order = torch.randperm(len(advantage), generator=torch.Generator().manual_seed(seed))
        advantage = advantage[order]
    teachers = [t for t, kept in zip(judged, keep.tolist(), strict=True) if kept]
    taught = [_teaches(action, algorithm) for t in teachers for action in t.actions]
    every = [(owner, action) for owner, t in enumerate(teachers) for action in t.actions]
    return Credit(
        teachers,
        [row for row, kept in zip(every, taught, strict=True) if kept],
        advantage,
        groups,
        turns,
        config.run_tokens,
        dropped_groups=len(names) - len(groups.unique()),
        failed=len(trajectories) - len(graded),
        unscored_groups=len(unscored),
        of_rows=None if own is None else own[torch.tensor(taught, dtype=torch.bool)],
    )


def _rewards(trajectories: list[Trajectory], config: Config) -> torch.Tensor:
    """(N,) what a run is worth to the update: its reward, less what its length costs."""
    rewards = torch.tensor([t.reward for t in trajectories], dtype=torch.float32)
    if config.algorithm.overlong != "punish":
        return rewards
    longest = [max((len(a.token_ids) for a in t.actions), default=0) for t in trajectories]
    buffer, penalty = config.algorithm.overlong_buffer, config.algorithm.overlong_penalty
    return punished(rewards, torch.tensor(longest), config.rollout.reply_tokens, buffer, penalty)


def _teaches(action: Action, algorithm: Algorithm) -> bool:
    return algorithm.overlong != "mask" or not _cut_off(action)


def _cut_off(action: Action) -> bool:
    return action.finish_reason == "length"


def _of_rows(runs: list[Trajectory], groups: torch.Tensor, weight: float) -> torch.Tensor | None:
    """(M,) weighted advantages of the turns that rows belong to; None where no turn has a reward.

    A turn whose reply was repaired has a row for each reply, and counts once among the others.
    """
    known = [run.grade.turns if run.grade else () for run in runs]
    if not any(known):
        return None
    rewards = torch.tensor([reward for turns in known for reward in turns])
    owner = torch.tensor([group for group, of in zip(groups, known, strict=True) for _ in of])
    places = torch.tensor([place for turns in known for place in range(len(turns))])
    replies = [len(turn["planner"]) for run in runs for turn in run.state["turns"]]
    of_turns = flow_grpo.turn_advantages(rewards, owner, places)
    return weight * of_turns.repeat_interleave(torch.tensor(replies))


def _moved(own: torch.Tensor, groups: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """(N,) bool: whether some turn in a trajectory's group has an advantage of its own."""
    moved = groups.repeat_interleave(turns)[own != 0]
    return torch.isin(groups, moved)


def describe(credit: Credit, version: int) -> dict[str, Any]:
    """Counts of a step for the metrics; `version` is that of the policy that is trained on it.

    Staleness of a turn: weight updates between the policy that sampled it and `version`.
    """
    stale = [version - a.policy_version for t in credit.trajectories for a in t.actions]
    return {
        "groups_used": len(credit.groups.unique()),
        "groups_dropped": credit.dropped_groups,
        "groups_unscored": credit.unscored_groups,
        "failed_rollouts": credit.failed,
        "rows": len(credit.rows),
        "cut_off": sum(_cut_off(a) for t in credit.trajectories for a in t.actions),
        "policy_version": version,
        "staleness_max": max(stale, default=0),
        "staleness_mean": sum(stale) / max(1, len(stale)),
    }
