"""What `rl.prefix.check` tries: rows in the sizes of a real run, computed as a tree and padded.

The layout of the prompts is `static_first`: rules and tool cards, the question, a memory that grows
from turn to turn, and at the end what changes every time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl.prefix.logprobs import of_nodes
from rl.prefix.packing import Numbers, Row
from rl.prefix.tree import Ids, PrefixTree


@dataclass(frozen=True)
class Sizes:
    """Of a step: questions, runs of each, turns of a run; the others are tokens."""

    groups: int = 4
    runs: int = 8
    turns: int = 3
    length: int = 2000
    question: int = 100
    memory: int = 300
    last: int = 15
    reply: int = 120


HELP = {
    "groups": "questions",
    "runs": "runs of each question",
    "turns": "turns of each run",
    "length": "tokens of rules and tool cards",
    "question": "tokens of a question",
    "memory": "tokens that a turn adds to the memory",
    "last": "tokens behind the memory, others every turn",
    "reply": "tokens of a reply, at most; at least half of it",
}
"""What each size is."""


class Asked(NamedTuple):
    """A row and of how many of its last tokens the log-probability is wanted."""

    row: Row
    reply: int


Way = Callable[[Any, Sequence[Asked]], Tensor]
"""From a model and some rows to the log-probabilities of their replies, behind one another."""


def made(sizes: Sizes, vocabulary: int, seed: int = 0) -> list[Asked]:
    """Random rows of these sizes."""
    draw = random.Random(seed)

    def ids(count: int) -> Ids:
        return [draw.randrange(vocabulary) for _ in range(count)]

    rules = ids(sizes.length)
    ends = [ids(sizes.last) for _ in range(sizes.turns)]
    found = []
    for group in range(sizes.groups):
        question = rules + ids(sizes.question)
        for run in range(sizes.runs):
            prompt = question
            for end in ends:
                reply = draw.randint(-(-sizes.reply // 2), sizes.reply)
                row = Row(prompt + end + ids(reply), group * sizes.runs + run, group)
                found.append(Asked(row, reply))
                prompt = prompt + ids(sizes.memory)
    return found


def shared(model: Any, asked: Sequence[Asked]) -> Tensor:
    """Through the rows' prefix tree; the model has our attention."""
    tree = PrefixTree.of([row.ids for row, _ in asked]).to(model.device)
    pairs = [(path, reply) for path, (_, reply) in zip(tree.paths, asked, strict=True)]
    before = torch.cat([path[-reply - 1 : -1] for path, reply in pairs])
    after = torch.cat([path[-reply:] for path, reply in pairs])
    return of_nodes(model, tree, before, tree.ids[after])[0]


@dataclass(frozen=True)
class Blind:
    """A model that is not told of the tree: each node looks at all before it."""

    model: Any

    @property
    def device(self) -> torch.device:
        """The model's."""
        found: torch.device = self.model.device
        return found

    def __call__(self, ids: Tensor, *, attention_mask: Tensor, tree: PrefixTree, **how: Any) -> Any:
        """What the model says."""
        return self.model(ids, attention_mask=torch.ones_like(ids), **how)


def padded(model: Any, asked: Sequence[Asked]) -> Tensor:
    """Each row by itself, all replies at the right end; logits of the replies alone."""
    lengths = torch.tensor([[len(a.row.ids)] for a in asked])
    width, keep = int(lengths.max()), max(a.reply for a in asked)
    ids = torch.tensor([[0] * (width - len(a.row.ids)) + a.row.ids for a in asked])
    mask = (torch.arange(width) >= width - lengths).long()
    place = (mask.cumsum(1) - 1).clamp(min=0)
    tokens, attention_mask, position_ids = (one.to(model.device) for one in (ids, mask, place))
    logits = (
        model(
            tokens,
            attention_mask=attention_mask,
            position_ids=position_ids,
            logits_to_keep=keep + 1,
            use_cache=False,
        )
        .logits[:, :-1]
        .float()
    )
    found = logits.gather(2, tokens[:, -keep:, None])[..., 0] - logits.logsumexp(-1)
    return torch.cat([one[keep - a.reply :] for one, a in zip(found, asked, strict=True)])


class Learned(NamedTuple):
    """Of some rows, in the order of the rows; both on the CPU."""

    log_probs: Tensor
    gradient: list[Tensor]


def learned(model: Any, asked: Sequence[Asked], batches: Sequence[Numbers], way: Way) -> Learned:
    """Log-probabilities, and the gradient of a sum that weighs each token otherwise."""
    model.zero_grad()
    found: dict[int, Tensor] = {}
    for numbers in batches:
        rows = [asked[number] for number in numbers]
        log_probs = way(model, rows)
        parts = log_probs.split([row.reply for row in rows])
        weights = [_weights(number, len(part)) for number, part in zip(numbers, parts, strict=True)]
        (log_probs * torch.cat(weights).to(log_probs.device)).sum().backward()
        found |= {n: part.detach().cpu() for n, part in zip(numbers, parts, strict=True)}
    gradient = [weight.grad.float().cpu() for weight in model.parameters()]
    model.zero_grad()
    return Learned(torch.cat([found[number] for number in sorted(found)]), gradient)


def _weights(number: int, count: int) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(number))


class Distance(NamedTuple):
    """Of two ways to compute the same."""

    log_probs: float
    """The largest."""
    gradient: float
    """Relative, of all weights together."""
    turned: float
    """1 - cos of the gradients."""


def distance(one: Learned, other: Learned) -> Distance:
    """How far the second is from the first."""
    sums = torch.zeros(4, dtype=torch.float64)
    for a, b in zip(one.gradient, other.gradient, strict=True):
        terms = (
            (x.double() * y.double()).sum() for x, y in ((a, a), (b, b), (a, b), (a - b, a - b))
        )
        sums += torch.stack(list(terms))
    first, second, inner, gap = sums.tolist()
    return Distance(
        float((one.log_probs - other.log_probs).abs().max()),
        (gap / first) ** 0.5,
        1 - inner / (first * second) ** 0.5,
    )


@torch.no_grad()
def lost_distance(model: Any, asked: Sequence[Asked], batches: Sequence[Numbers]) -> float:
    """How far log-probabilities are off, at most, if the tree is lost."""
    found = []
    for numbers in batches:
        rows = [asked[number] for number in numbers]
        found.append((shared(model, rows) - shared(Blind(model), rows)).abs().max())
    return float(torch.stack(found).max())


class Speed(NamedTuple):
    """Of all rows: seconds, and GiB of GPU memory at the peak, weights included; 0 on CPU."""

    forward: float
    both: float
    peak: float


def speed(
    model: Any, asked: Sequence[Asked], batches: Sequence[Numbers], way: Way, rounds: int
) -> Speed:
    """Medians of some rounds after one that does not count."""
    on_gpu = model.device.type == "cuda"

    def once(learning: bool) -> float:
        if on_gpu:
            torch.cuda.synchronize()
        begun = time.perf_counter()
        with torch.set_grad_enabled(learning):
            for numbers in batches:
                log_probs = way(model, [asked[number] for number in numbers])
                if learning:
                    log_probs.sum().backward()
        if on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - begun

    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    times = [[once(learning) for _ in range(rounds + 1)][1:] for learning in (False, True)]
    peak = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else 0.0
    model.zero_grad()
    return Speed(median(times[0]), median(times[1]), peak)
