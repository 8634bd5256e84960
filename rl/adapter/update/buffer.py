"""The replay buffer of micro-batches that stay as the experience maker put them together.

OpenRLHF's own buffer takes them apart and shuffles the rows, which would tear trees. Its micro-
batches by tokens (`train.max_tokens_per_gpu`) take as many rows as a step has runs, and drop the
rest of the turns: so they are ours too.
"""

from __future__ import annotations

from typing import Any

import torch
from openrlhf.trainer.ppo_utils.experience import Experience
from openrlhf.trainer.ppo_utils.replay_buffer import NaiveReplayBuffer
from torch import distributed

WINDOW = "window"
"""In an experience's `info`: the number of its optimizer step, for each row."""


class TreeBuffer(NaiveReplayBuffer):  # type: ignore[misc]
    """Whole micro-batches, in the order and the optimizer windows of the maker.

    It fills the tables that OpenRLHF's trainer reads where `train.dynamic_batch_enable` is on.
    """

    def __init__(self) -> None:
        super().__init__(1, dynamic_batch=True)

    @torch.no_grad()
    def append(self, experience: Experience) -> None:
        """Keep a micro-batch."""
        experience.to_device(torch.device("cpu"))
        self.items.append(experience)

    def __getitem__(self, place: int) -> Experience:
        return self.items[place]

    def collate_fn(self, batch: list[Experience]) -> Experience:
        """The one micro-batch of a batch."""
        return batch[0]

    def setup_dynamic_batch(self, strategy: Any) -> None:
        """The tables, one entry a micro-batch.

        Every window is normalised by its even share of the step's rows and tokens, over all ranks.
        So a row weighs the same in whichever window it is.
        """
        numbers = [int(item.info.pop(WINDOW)[0]) for item in self.items]
        count = len(set(numbers))
        acted = [item.action_mask.float().sum(-1) for item in self.items]
        found = torch.stack([torch.cat(acted).sum(), (torch.cat(acted) > 0).sum().float()])
        found = found.to(torch.cuda.current_device())
        group = strategy.ds_device_mesh["dp"].get_group()
        distributed.all_reduce(found, op=distributed.ReduceOp.SUM, group=group)
        tokens, rows = (found / count).tolist()
        places = len(self.items)
        self.dynamic_indices = [[place] for place in range(places)]
        self.dynamic_sample_loss_scale = [1 / numbers.count(number) for number in numbers]
        self.dynamic_batch_num_tokens = [tokens] * places
        self.dynamic_global_batch_size = [rows] * places
        ends = [*numbers[1:], -1]
        self.dynamic_optimizer_step = [int(a != b) for a, b in zip(numbers, ends, strict=True)]
