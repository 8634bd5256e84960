"""What an update reports of a micro-batch is its mean, whatever the loss is divided by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from openrlhf.models.loss import aggregate_loss

from rl.adapter.update.training import FlowActorTrainer


@pytest.mark.parametrize("by_tokens", [True, False])
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_part_of_a_window_is_told_as_its_own_mean(ranks: int, by_tokens: bool) -> None:
    mask = torch.tensor([[1.0, 1, 1], [1, 0, 0], [0, 0, 0]])
    values = torch.tensor([[1.0, 2, 3], [6, 9, 9], [9, 9, 9]])
    by: dict[str, Any] = {"dp_size": ranks, "batch_num_tokens": 40.0, "global_batch_size": 10.0}
    parts = {
        "policy_loss": aggregate_loss(values, mask, by_tokens, **by),
        "kl": aggregate_loss(values, mask, **by),
        "entropy_loss": aggregate_loss(values, mask, **by),
    }
    trainer = object.__new__(FlowActorTrainer)
    trainer.actor_loss_fn = SimpleNamespace(token_level_loss=by_tokens)
    trainer._own_means({"metrics": parts}, mask, 0, by)
    # Of tokens 1, 2, 3 and 6; of rows 2 and 6.
    assert parts["kl"].item() == pytest.approx(3)
    assert parts["entropy_loss"].item() == pytest.approx(3)
    assert parts["policy_loss"].item() == pytest.approx(3 if by_tokens else 4)
