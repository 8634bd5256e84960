"""By what a run was made: each process that worked on it is a sitting, with its own provenance.

    changed(first, later)           # ["commit: 1f2e is now 9a8b"]

A sitting is plain data: `date` (UTC), `version`, `commit`, `served` (by module what the server
calls its model), `judge` (the same of the judge), `tools` (backend by name), `prompts` (SHA-256 by
file); `scoring`, `trials` and `marks` say what it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Sitting = Mapping[str, Any]
NAMES = ("date", "version", "commit", "judge", "tools", "prompts")


def sitting(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a sitting by the provenance of a run that it began; empty if that is."""
    told = {name: provenance[name] for name in NAMES if name in provenance}
    models = provenance.get("models", {})
    served = {module: each.get("served", "") for module, each in models.items()}
    return told | ({"served": served} if told else {})


def facts(told: Sitting) -> dict[str, str]:
    """What can differ between sittings, by name; what is not known is left out."""
    found = {name: told.get(name, "") for name in ("version", "commit")}
    found |= {f"{module} as served": name for module, name in told.get("served", {}).items()}
    found["judge as served"] = told.get("judge", "")
    found |= {f"tool {name}": backend for name, backend in told.get("tools", {}).items()}
    found |= {f"prompts of {name}": digest[:12] for name, digest in told.get("prompts", {}).items()}
    return {name: str(value) for name, value in found.items() if value}


def changed(first: Sitting, later: Sitting) -> list[str]:
    """What is known of both and not the same."""
    before, now = facts(first), facts(later)
    both = [name for name in before if name in now and before[name] != now[name]]
    return [f"{name}: {before[name]} is now {now[name]}" for name in both]


def made_by(sittings: Sequence[Sitting]) -> dict[str, str]:
    """By name every value that a fact had, in the order in which they came."""
    found: dict[str, dict[str, None]] = {}
    for each in sittings:
        for name, value in facts(each).items():
            found.setdefault(name, {})[value] = None
    return {name: ", then ".join(values) for name, values in found.items()}
