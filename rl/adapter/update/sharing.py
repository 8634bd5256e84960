"""Whether rows are computed as prefix trees: asked for, refused, or measured on the first step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray
import torch
from torch import Tensor

from agentflow_graph.errors import SettingError
from rl.adapter.objective.credit import Credit
from rl.adapter.update.actor import FlowActor
from rl.adapter.update.experience import FlowExperienceMaker
from rl.prefix.attention import install, refusal
from rl.prefix.logprobs import unpadded
from rl.prefix.tree import size

ROUNDS = 2
"""Each form is timed so often, in turn; the faster time counts."""


@dataclass(frozen=True)
class Choice:
    """What was decided and why, for the terminal, the metrics and a resumed run."""

    shared: bool
    why: str


def measured(maker: FlowExperienceMaker, credit: Credit, timed: bool) -> Choice:
    """What the policy finds on a micro-batch of a step; see `choose`."""
    batch = maker.first_batch(credit)
    rows = maker.args.train.micro_batch_size
    if tokens := maker.args.flow_row_tokens:
        rows = max(1, tokens // batch.sequences.shape[1])
    found: list[Choice] = ray.get(
        maker.actor_model_group.async_run_method(
            method_name="choose_form",
            rows=rows,
            timed=timed,
            sequences=batch.sequences,
            acted=batch.action_mask,
            attended=batch.attention_mask,
        )
    )
    return found[0]


def settle(maker: FlowExperienceMaker, choice: Choice, wanted: bool) -> None:
    """Let maker, policy and reference go by a choice; see `choose`.

    Raises:
        SettingError: sharing is wanted and cannot be.
    """
    maker.sharing = choice.shared
    if not choice.shared:
        if wanted:
            raise SettingError(
                f"optimizer.share_prefixes=on cannot be: {choice.why}; set it to off"
            )
        return
    for group in filter(None, (maker.actor_model_group, maker.initial_model_group)):
        ray.get(group.async_run_method(method_name="share_prefixes"))


def choose(
    actor: FlowActor, sequences: Tensor, acted: Tensor, attended: Tensor, rows: int, timed: bool
) -> Choice:
    """Time a forward pass of a micro-batch both ways, or decide without.

    Args:
        actor: of the policy.
        sequences: (B, T) token ids of a micro-batch, padded on the right.
        acted: (B, T-1).
        attended: (B, T).
        rows: of one padded pass.
        timed: if not, prefixes are shared wherever the architecture can.
    """
    if reason := refusal(actor.plain_model.config):
        return Choice(False, f"padded rows: {reason}")
    ids = unpadded(sequences, attended)
    nodes, given = size(ids), sum(map(len, ids))
    sizes = f"{nodes:,} of {given:,} tokens of its first micro-batch are different"
    if not timed:
        return Choice(True, f"prefixes are shared: {sizes}")
    install(actor.plain_model)
    batch = sequences, acted, attended
    ways: list[Callable[[], Any]] = [
        lambda: actor.shared(*batch),
        lambda: [actor.padded(*part) for part in zip(*(b.split(rows) for b in batch), strict=True)],
    ]
    taken: list[list[float]] = [[], []]
    with torch.no_grad():
        for _ in range(ROUNDS):
            for way, times in zip(ways, taken, strict=True):
                times.append(_seconds(way))
    shared, padded = map(min, taken)
    if shared < padded:
        return Choice(True, f"prefixes are shared: {padded / shared:.1f} times as fast; {sizes}")
    return Choice(False, f"padded rows: {shared / padded:.1f} times as fast as a tree; {sizes}")


def _seconds(work: Callable[[], Any]) -> float:
    torch.cuda.synchronize()
    begun = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - begun
