"""Supervised steps on token ids: the training loop of the warm start and of offline fine-tuning."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from transformers import PreTrainedModel

from rl.prefix.attention import install, refusal
from rl.prefix.logprobs import of_nodes
from rl.prefix.tree import PrefixTree, size


@dataclass(frozen=True)
class Recipe:
    """Sizes and rates of the steps."""

    seed: int = 7
    steps: int = 800
    batch: int = 32
    lr: float = 6e-3
    """AdamW, for embeddings, norms and biases."""
    muon_lr: float = 0.03
    """Muon, for the matrices: copying comes several times faster than with AdamW alone (0)."""
    threads: int = 2
    warmup: int = 20
    """Steps in which the rates rise."""


@dataclass(frozen=True)
class Example:
    """Token ids of one planner turn, and 1.0 where the loss counts."""

    ids: list[int]
    weights: list[float]
    run: str = ""
    """Examples of one run have long prompts in common: drawn together they cost half."""


def supervise(
    model: PreTrainedModel, examples: Sequence[Example], recipe: Recipe
) -> Iterator[tuple[int, float]]:
    """Next-token steps; yields (step, loss). Changes `model` in place."""
    rng = random.Random(recipe.seed)
    draw = partial(_draw_runs if examples[0].run else _draw, examples)
    optimizers = _optimizers(model, recipe)
    rates = [o.param_groups[0]["lr"] for o in optimizers]
    model.train()
    for step in range(1, recipe.steps + 1):
        decay = min(1.0, step / recipe.warmup) * (1 - 0.9 * step / recipe.steps)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * decay
        loss = next_token_loss(model, draw(rng, recipe.batch))
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        yield step, loss.item()


def _optimizers(model: PreTrainedModel, recipe: Recipe) -> list[torch.optim.Optimizer]:
    named = list(model.named_parameters())
    matrices = [p for n, p in named if recipe.muon_lr and p.ndim == 2 and "embed" not in n]
    others = [p for n, p in named if not recipe.muon_lr or p.ndim != 2 or "embed" in n]
    adam = torch.optim.AdamW(others, lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.01)
    if not matrices:
        return [adam]
    return [
        adam,
        torch.optim.Muon(matrices, lr=recipe.muon_lr, momentum=0.9, weight_decay=0.01),
    ]


def _draw_runs(examples: Sequence[Example], rng: random.Random, size: int) -> list[Example]:
    """Whole runs of about `size` examples together."""
    runs: dict[str, list[Example]] = {}
    for one in examples:
        runs.setdefault(one.run, []).append(one)
    drawn: list[Example] = []
    for name in rng.sample(list(runs), len(runs)):
        if drawn and len(drawn) + len(runs[name]) / 2 > size:
            break
        drawn += runs[name]
    return drawn


def _draw(examples: Sequence[Example], rng: random.Random, size: int) -> list[Example]:
    """A batch of similar lengths: a quarter of a four times larger sorted draw."""
    pool = sorted(rng.sample(examples, min(len(examples), 4 * size)), key=lambda e: len(e.ids))
    quarter = max(1, len(pool) // 4)
    start = rng.randrange(len(pool) // quarter) * quarter
    return pool[start : start + quarter]


def next_token_loss(model: PreTrainedModel, batch: Sequence[Example]) -> torch.Tensor:
    """Mean cross-entropy over the weighted tokens of `batch`; a scalar.

    Where a prefix tree of the examples has at most four fifths of their tokens, it is computed.
    """
    rows = [example.ids for example in batch]
    if _can_share(model) and 5 * size(rows) <= 4 * sum(map(len, rows)):
        return _of_tree(model, batch)
    longest = max(map(len, rows))
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    weights = torch.zeros(len(batch), longest)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        weights[row, : len(one.ids)] = torch.tensor(one.weights)
    hidden = model.base_model(input_ids=ids).last_hidden_state[:, :-1]
    counted = weights[:, 1:] > 0
    logits = model.get_output_embeddings()(hidden[counted])
    return F.cross_entropy(logits, ids[:, 1:][counted])


def _can_share(model: PreTrainedModel) -> bool:
    if refusal(model.config):
        return False
    install(model)
    return True


def _of_tree(model: PreTrainedModel, batch: Sequence[Example]) -> torch.Tensor:
    tree = PrefixTree.of([example.ids for example in batch])
    pairs = [
        (path, torch.tensor(example.weights[1:]) > 0)
        for path, example in zip(tree.paths, batch, strict=True)
    ]
    before = torch.cat([path[:-1][counted] for path, counted in pairs])
    after = torch.cat([path[1:][counted] for path, counted in pairs])
    found, _ = of_nodes(model, tree, before, tree.ids[after])
    return -found.mean()
