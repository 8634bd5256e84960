"""The planner to which the KL is measured, where it is not the one that is trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import read_object
from rl.questions import hub
from rl.settings.config import Config
from rl.settings.weights import wants_door
from tools.outcomes.finding import Finding, failure, ok, warning

REMEDY = "name another folder in model.reference, or leave it out"


def reference(config: Config) -> Iterator[Finding]:
    """A finding about `model.reference`, if there is one."""
    name = config.model.reference
    if not name:
        return
    known = Path(name) / "config.json"
    if known.exists():
        yield _alike(known, Path(config.model.path) / "config.json")
    elif wants_door(name) or (not Path(name).exists() and hub.NAME.fullmatch(name)):
        yield warning("reference", f"{name}: not looked at", "the start fetches or converts it")
    else:
        yield failure("reference", f"model.reference={name!r} is no model folder", REMEDY)


def _alike(known: Path, policy: Path) -> Finding:
    """Rows are token ids of the policy: the reference must have as many."""
    try:
        sizes = [read_object(p, REMEDY).get("vocab_size") for p in (known, policy) if p.exists()]
    except SettingError as error:
        return failure("reference", str(error), REMEDY)
    if len(set(sizes)) > 1:
        text = f"{known.parent} has {sizes[0]} token ids, the planner {sizes[1]}"
        return failure("reference", text, REMEDY)
    return ok("reference", f"{known.parent}: the KL is measured to it")
