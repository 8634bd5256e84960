"""Digests of weights: equal exactly where name, type, shape and every bit are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def weight_digests(weights: Mapping[str, Tensor]) -> dict[str, str]:
    """SHA-256 of each weight, on CPU, by name."""
    return {name: _digest(weight) for name, weight in weights.items()}


def _digest(weight: Tensor) -> str:
    found = hashlib.sha256(f"{weight.dtype} {list(weight.shape)} ".encode())
    # As bytes: numpy knows no bfloat16.
    found.update(weight.detach().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
