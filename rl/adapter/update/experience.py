"""Turn rows with advantages, from the credit of a step, in micro-batches.

Rows are padded with blank ones to whole micro-batches, or DeepSpeed's accumulation window would
drift from rollout to rollout. A blank's mask is all zero, so that it counts in no mean of the loss.
"""

from __future__ import annotations

import math

import torch
from openrlhf.trainer.ppo_utils.experience import Experience
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker

from rl.adapter.objective.advantages import row_advantages
from rl.adapter.objective.credit import Credit
from rl.adapter.update.buffer import WINDOW
from rl.adapter.update.rows import turn_row
from rl.prefix import packing
from rl.settings.config import Algorithm


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
        window, owner = self.args.data.max_len, [owner for owner, _ in credit.rows]
        rows = [turn_row(credit.trajectories[i], action, window) for i, action in credit.rows]
        self._advantages = self._of_each(credit.advantage, rows)
        if credit.of_rows is not None:
            # Linear in the advantage, so a row's weight is what one of 1 comes to.
            weights = self._of_each(torch.ones_like(credit.advantage), rows)
            self._advantages += weights * credit.of_rows
        if self.args.train.dynamic_batch_enable:
            return self._in_windows(rows, owner)
        blanks = [_blank(rows[0]) for _ in range(-len(rows) % self._multiple())]
        batches: list[Experience] = super().split_rollout_samples(rows + blanks)
        return batches

    def _of_each(self, advantage: torch.Tensor, rows: list[Experience]) -> torch.Tensor:
        """(M,) what each row has of its trajectory's advantage, as the loss weighs it."""
        credit = self.credit
        return row_advantages(
            advantage,
            credit.groups,
            credit.turns,
            torch.tensor([owner for owner, _ in credit.rows]),
            torch.stack([row.action_mask.sum() for row in rows]),
            self.algorithm,
            credit.run_tokens,
        )

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
