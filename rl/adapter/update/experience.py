"""Credit: from trajectories to turn rows with advantages, through `rl.flow_grpo`.

Runs that the world failed are left out. A group in which the judge left a run unscored is dropped
whole and counted: where only what a rule refused is put to the judge, the others are right.
So are groups without spread. Rows are padded with blank ones to whole micro-batches, or DeepSpeed's
accumulation window would drift from rollout to rollout.
A blank's mask is all zero, so that it counts in no mean of the loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from openrlhf.trainer.ppo_utils.experience import Experience
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker

from rl import flow_grpo
from rl.adapter.update.buffer import WINDOW
from rl.adapter.update.rows import turn_row
from rl.prefix import packing
from rl.rollout import Trajectory
from rl.settings.config import Algorithm


@dataclass(frozen=True)
class Credit:
    """What a step's trajectories teach; tensors over the N usable trajectories."""

    trajectories: list[Trajectory]
    advantage: torch.Tensor
    groups: torch.Tensor
    turns: torch.Tensor
    dropped_groups: int
    failed: int
    unscored_groups: int = 0


def assign(trajectories: list[Trajectory], algorithm: Algorithm, seed: int) -> Credit:
    """Advantages of those trajectories that teach something; a group is a question's id."""
    unscored = {t.task.id for t in trajectories if t.fault == "judge"}
    graded = [t for t in trajectories if t.reward is not None]
    judged = [t for t in graded if t.task.id not in unscored]
    names = {t.task.id: i for i, t in enumerate(trajectories)}
    rewards = torch.tensor([t.reward for t in judged], dtype=torch.float32)
    groups = torch.tensor([names[t.task.id] for t in judged], dtype=torch.long)
    turns = torch.tensor([len(t.actions) for t in judged], dtype=torch.long)
    advantage = flow_grpo.advantages(rewards, groups, turns, algorithm.statistics)
    keep = flow_grpo.has_spread(rewards, groups)
    advantage, groups, turns = advantage[keep], groups[keep], turns[keep]
    if algorithm.shuffle_advantages:
        order = torch.randperm(len(advantage), generator=torch.Generator().manual_seed(seed))
        advantage = advantage[order]
    return Credit(
        [t for t, kept in zip(judged, keep.tolist(), strict=True) if kept],
        advantage,
        groups,
        turns,
        dropped_groups=len(names) - len(groups.unique()),
        failed=len(trajectories) - len(graded),
        unscored_groups=len(unscored),
    )


class FlowExperienceMaker(RemoteExperienceMaker):  # type: ignore[misc]
    """OpenRLHF's maker (log-probabilities of policy and reference) on turn rows."""

    algorithm: Algorithm
    credit: Credit
    micro_tokens = 0
    """Tree tokens of a micro-batch."""
    sharing: bool | None = None
    """Whether rows are computed as prefix trees; None: not decided yet."""
    mismatch: dict[str, float]
    """Between engine and trainer in the last step; see `logprob_mismatch`."""

    def split_rollout_samples(self, rollout_samples: Credit) -> list[Experience]:
        """Turn rows in micro-batches, with blanks where a rank would have less than others."""
        credit = self.credit = rollout_samples
        owner = [i for i, t in enumerate(credit.trajectories) for _ in t.actions]
        self._advantages = flow_grpo.row_advantages(
            credit.advantage,
            credit.groups,
            credit.turns,
            torch.tensor(owner),
            self.algorithm.weighting,
        )
        window = self.args.data.max_len
        rows = [
            turn_row(trajectory, action, window)
            for trajectory in credit.trajectories
            for action in trajectory.actions
        ]
        if self.args.train.dynamic_batch_enable:
            return self._in_windows(rows, owner)
        blanks = [_blank(rows[0]) for _ in range(-len(rows) % self._multiple())]
        batches: list[Experience] = super().split_rollout_samples(rows + blanks)
        return batches

    def _in_windows(self, rows: list[Experience], owner: list[int]) -> list[Experience]:
        """Micro-batches that know their optimizer window, those of a rank behind one another."""
        plan = self._plan(rows, owner)
        return [
            self._micro_batch(rows, numbers, window)
            for rank in range(len(plan[0]))
            for window, shares in enumerate(plan)
            for numbers in shares[rank]
        ]

    def _plan(self, rows: list[Experience], owner: list[int]) -> list[packing.Window]:
        args, groups = self.args, self.credit.groups.tolist()
        size, ranks = args.train.batch_size, args.actor.num_nodes * args.actor.num_gpus_per_node
        if self.sharing is not False and args.flow_share != "off":
            known = [
                packing.Row(row.sequences[0].tolist(), run, groups[run])
                for row, run in zip(rows, owner, strict=True)
            ]
            return packing.windows(known, size, ranks, self.micro_tokens)
        if tokens := args.flow_row_tokens:
            lengths = [row.sequences.shape[1] for row in rows]
            return packing.in_budget(lengths, size, ranks, tokens, args.ds.packing_samples)
        return packing.in_order(len(rows), size, ranks, args.train.micro_batch_size)

    def _micro_batch(self, rows: list[Experience], numbers: list[int], window: int) -> Experience:
        some = [rows[number] for number in numbers] or [_blank(rows[0])]
        for number, row in zip(numbers or [len(rows)], some, strict=True):
            row.index = [number]
        batch = Experience.concat_experiences(some, self.tokenizer.pad_token_id)
        batch.info[WINDOW] = torch.full((len(some),), float(window))
        return batch

    def first_batch(self, credit: Credit) -> Experience:
        """The micro-batch with most rows, of a step as it would be with prefixes shared."""
        return max(self.split_rollout_samples(credit), key=lambda batch: len(batch.sequences))

    def _multiple(self) -> int:
        args = self.args
        ranks = args.actor.num_nodes * args.actor.num_gpus_per_node
        return math.lcm(args.train.batch_size, args.rollout.micro_batch_size * ranks)

    @torch.no_grad()
    def compute_advantages_and_returns(self, experiences: list[Experience]) -> list[Experience]:
        """Give each row its advantage; measure the mismatch between engine and trainer."""
        table = torch.cat([self._advantages, torch.zeros(1)])
        blank = len(self._advantages)
        differences = []
        for batch in experiences:
            of_row = table[[min(i, blank) for i in batch.index]]
            batch.advantages = of_row.unsqueeze(-1) * batch.action_mask
            batch.returns, batch.kl = batch.advantages.clone(), None
            batch.info["return"] = of_row
            difference = batch.action_log_probs.float() - batch.rollout_log_probs.float()
            differences.append(difference[batch.action_mask.bool()])
        self.mismatch = logprob_mismatch(torch.cat(differences))
        return experiences


def logprob_mismatch(difference: torch.Tensor) -> dict[str, float]:
    """Of `difference`, log p(trainer) - log p(engine) of the action tokens, (K,).

    `mismatch_max` and `mismatch_mean` are of its absolute value, `ratio_mean` and `ratio_max` of
    its exponential, which is the weight that the importance correction starts from.
    """
    size, ratio = difference.abs(), difference.exp()
    return {
        "mismatch_max": size.max().item(),
        "mismatch_mean": size.mean().item(),
        "ratio_max": ratio.max().item(),
        "ratio_mean": ratio.mean().item(),
    }


def _blank(like: Experience) -> Experience:
    """A row of two padding tokens that no mean counts."""
    one = torch.zeros(1, 1)
    return Experience(
        sequences=torch.zeros(1, 2, dtype=torch.long),
        attention_mask=torch.ones(1, 2, dtype=torch.long),
        action_mask=torch.zeros(1, 1, dtype=like.action_mask.dtype),
        rollout_log_probs=one,
        rewards=torch.zeros(1),
        scores=torch.zeros(1),
        response_length=torch.zeros(1, dtype=torch.long),
        truncated=torch.tensor([False]),
        total_length=torch.tensor([2.0]),
        prompts=[""],
        labels=[""],
        images=[None],
        mm_train_inputs=[None],
        info={name: torch.zeros_like(value) for name, value in like.info.items()},
    )


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
        "rows": int(credit.turns.sum()),
        "policy_version": version,
        "staleness_max": max(stale, default=0),
        "staleness_mean": sum(stale) / max(1, len(stale)),
    }
