"""Published weights beside those that training on the record ends in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from agentflow_graph.errors import SettingError
from rl.adapter.stack.digests import weight_digests
from rl.settings.errors import Differs

NEAR = 0.01
"""Of the way that training moved the weights: so far they may be apart on another processor."""


def published(folder: Path) -> dict[str, Tensor]:
    """The weights in a planner's folder, by name.

    Raises:
        SettingError: there are none, or they cannot be read.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise SettingError(f"{folder} has no safetensors file; put the run's planner back")
    try:
        return {n: w for path in files for n, w in safetensors.torch.load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise SettingError(f"{folder}: {error}; put the run's planner back") from error


def hold_equal(where: str, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raises Differs, naming the first weight, where two sets are not the same to the last bit."""
    if lost := wanted.keys() ^ found.keys():
        raise Differs(f"{where}: the weights {sorted(lost)[:3]} are in one of the two alone")
    ours, theirs = weight_digests(wanted), weight_digests(found)
    names = [name for name in sorted(wanted) if ours[name] != theirs[name]]
    if names:
        others = f"; {len(names) - 1} weights more differ" if len(names) > 1 else ""
        raise Differs(f"{where}: {_first(names[0], found[names[0]], wanted[names[0]])}{others}")


def _first(name: str, found: Tensor, wanted: Tensor) -> str:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"{name} has another shape or type"
    apart = (found != wanted) | (found.isnan() != wanted.isnan())
    places = apart.nonzero()
    if not len(places):
        return f"{name} differs in the sign of a zero"
    place = tuple(places[0].tolist())
    return (
        f"{name}{list(place)} is {found[place].item():.9g}, training gives "
        f"{wanted[place].item():.9g} ({len(places)} of its {found.numel()} numbers differ)"
    )


def distance(
    found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], begun: Mapping[str, Tensor]
) -> float:
    """How far two sets of weights are apart, as a share of how far `wanted` is from `begun`."""

    def length(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
        return float(torch.stack([(a[n].float() - b[n].float()).norm() for n in sorted(a)]).norm())

    return length(found, wanted) / max(length(wanted, begun), 1e-12)
