"""Whether the planner's replies are of the weights that they say: their log-probabilities anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from agentflow_graph.record.events import Answer
from agentflow_graph.record.reading import RecordedRun
from rl.adapter.verifying.retraining import Retraining
from rl.prefix import packing

TOLERANCE = {"fp32": 1e-3, "bf16": 0.5}
"""Of log-probabilities, between engine and trainer; far above what they differ by in each."""


class Reply(NamedTuple):
    """One recorded reply of the planner."""

    run: str
    turn: int
    number: int
    answer: Answer

    def __str__(self) -> str:
        again = f", call {self.number + 1}" * bool(self.number)
        return f"run {self.run}: turn {self.turn}{again}"


class Gap(NamedTuple):
    """Distances of a reply's recorded log-probabilities from those computed anew."""

    reply: Reply
    sizes: list[float]
    """By token; infinite where it is none of the planner's."""
    anew: list[float]

    def told(self, tolerance: float) -> str:
        """The first token beyond `tolerance`; empty if there is none."""
        at = next((i for i, size in enumerate(self.sizes) if not size <= tolerance), None)
        if at is None:
            return ""
        answer = self.reply.answer
        said = f"token {at + 1} of {len(self.sizes)} (id {answer['token_ids'][at]})"
        return (
            f"{said} is not what weights {answer['policy_version']} said after its prompt: log-"
            f"probability {answer['logprobs'][at]:.4f} on record, {self.anew[at]:.4f} anew"
        )


def replies_of(runs: Iterable[RecordedRun]) -> list[Reply]:
    """Every answer of the planner in some runs, in all their attempts; runs in order."""
    return [
        Reply(run.name, turn, number, answer)
        for run in sorted(runs, key=lambda run: run.name)
        for (turn, number), answer in sorted(run.answers_of("planner").items())
        if answer["token_ids"]
    ]


def gaps(training: Retraining, replies: Sequence[Reply], temperature: float) -> list[Gap]:
    """Compare replies with the weights that `training` has now.

    `temperature`: they were sampled at it. What an engine says of greedy replies is at 1.
    """
    names = training.policy.actor.plain_model.config.vocab_size
    strange = [r for r in replies if not all(0 <= i < names for i in _ids(r))]
    known = [reply for reply in replies if reply not in strange]
    found = [Gap(r, *[[float("inf")] * len(r.answer["token_ids"])] * 2) for r in strange]
    with _sampled_at(training, temperature or 1.0):
        for numbers in _batches(training, known):
            found += _of_batch(training, [known[number] for number in numbers])
    return found


def _ids(reply: Reply) -> list[int]:
    return [*reply.answer["prompt_ids"], *reply.answer["token_ids"]]


@contextmanager
def _sampled_at(training: Retraining, temperature: float) -> Iterator[None]:
    actor = training.policy.actor
    before, actor.temperature = actor.temperature, temperature
    try:
        yield
    finally:
        actor.temperature = before


def _batches(training: Retraining, replies: Sequence[Reply]) -> Iterator[list[int]]:
    """Numbers of replies that are computed together: trees of questions, or padded rows."""
    if not replies:
        return
    size, micro = len(replies), training.config.optimizer.micro_batch
    if training.shared:
        rows = []
        asked = groupby(replies, lambda reply: reply.run.split("/")[1])
        for group, (_, members) in enumerate(asked):
            rows += [packing.Row(_ids(reply), hash(reply.run), group) for reply in members]
        windows = packing.windows(rows, size, 1, training.config.micro_tokens)
    else:
        windows = packing.in_order(size, size, 1, micro)
    for window in windows:
        yield from window[0]


def _of_batch(training: Retraining, replies: Sequence[Reply]) -> Iterator[Gap]:
    ids = [torch.tensor(_ids(reply)) for reply in replies]
    attended = pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)
    sequences = pad_sequence(ids, batch_first=True)
    acted = torch.zeros_like(sequences)[:, 1:]
    for row, reply in enumerate(replies):
        begin = len(reply.answer["prompt_ids"]) - 1
        acted[row, begin : begin + len(reply.answer["token_ids"])] = 1
    found: Any = training.policy.forward(sequences, acted, attended)
    for reply, row, mask in zip(replies, found, acted.bool(), strict=True):
        anew, before = row[mask], torch.tensor(reply.answer["logprobs"])
        if len(anew) != len(before):
            yield Gap(reply, [float("inf")] * len(anew), anew.tolist())
            continue
        yield Gap(reply, (anew - before).abs().tolist(), anew.tolist())
