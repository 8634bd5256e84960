"""Sequence packing: the same log-probabilities as padded rows, but for the precision of bf16.

OpenRLHF packs a micro-batch's rows behind one another and tells flash-attn where each ends. Were an
end lost, a row would see its neighbour, and its log-probabilities would be far off.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from openrlhf.models import Actor

PAD = 0
LENGTHS = (7, 64, 33, 128)


def rows(vocabulary: int, lengths: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Random rows of these lengths, padded on the right: ids and mask, both (rows, longest)."""
    generator = torch.Generator().manual_seed(3)
    shape = (len(lengths), max(lengths))
    mask = (torch.arange(shape[1])[None] < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(3, vocabulary, shape, generator=generator)
    return ids * mask + PAD * (1 - mask), mask


def packed_mismatch(folder: Path, device: str, lengths: tuple[int, ...] = LENGTHS) -> float:
    """Largest |log p(packed, flash-attn) - log p(padded, sdpa)| of any token of any row."""
    padded = _logprobs(folder, device, lengths, attn_implementation="sdpa")
    packed = _logprobs(
        folder,
        device,
        lengths,
        attn_implementation="flash_attention_2",
        packing_samples=True,
    )
    return float((padded - packed).abs().max())


def leaked_mismatch(folder: Path, device: str, lengths: tuple[int, ...] = LENGTHS) -> float:
    """The same distance if rows did see those before them: what a lost end would look like."""
    ids, mask = rows(_vocabulary(folder), lengths)
    padded = _logprobs(folder, device, lengths, attn_implementation="sdpa")
    line = ids[mask.bool()][None].to(device)
    actor = _actor(folder, device, attn_implementation="sdpa")
    with torch.no_grad():
        leaked = actor(line, attention_mask=torch.ones_like(line), return_logprobs=True)[0].float()
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    differences = [
        (leaked[start : start + length - 1] - padded[i, : length - 1]).abs().max()
        for i, (start, length) in enumerate(zip(starts, lengths, strict=True))
    ]
    return float(torch.stack(differences).max())


def _logprobs(folder: Path, device: str, lengths: tuple[int, ...], **settings: Any) -> torch.Tensor:
    """Of each token but the first, 0 for padding: (rows, longest - 1)."""
    ids, mask = (one.to(device) for one in rows(_vocabulary(folder), lengths))
    with torch.no_grad():
        found = _actor(folder, device, **settings)(ids, attention_mask=mask, return_logprobs=True)
    return torch.as_tensor(found).float() * mask[:, 1:]


def _actor(folder: Path, device: str, **settings: Any) -> Any:
    return Actor(str(folder), param_dtype="bf16", **settings).to(device).eval()


def _vocabulary(folder: Path) -> int:
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(folder).vocab_size)
