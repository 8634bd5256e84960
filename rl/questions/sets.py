"""Evaluation sets of a run: whether the one that chooses is apart from those that are reported.

What a planner was chosen on says too much of it: of many evaluations the best is partly luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rl.questions.rows import read
from rl.settings.measures import HELDOUT


def not_apart(run: Path, evaluation: Mapping[str, Any]) -> str:
    """What to think of a run whose best planner was chosen on questions that are reported.

    Empty where nothing is chosen, or on questions of its own.

    Args:
        run: its folder.
        evaluation: section of its configuration, as plain data; what is not there is a default.
    """
    if not (evaluation.get("best", True) or evaluation.get("patience", 0)):
        return ""
    choose = evaluation.get("choose", HELDOUT)
    goes_by = f"the best planner and patience go by the set {choose}"
    if choose == HELDOUT:
        return (
            f"{goes_by}, which is reported: its best success is that of questions it was chosen "
            "on, and no result; name a set apart in evaluation.choose"
        )
    own = _texts(run, choose)
    names = (HELDOUT, *(name for name in evaluation.get("sets", {}) if name != choose))
    common = {name: len(own & _texts(run, name)) for name in names}
    told = [f"{count} are in {name} too" for name, count in common.items() if count]
    if not told:
        return ""
    return f"{goes_by}, of whose {len(own)} questions {' and '.join(told)}; leave them out of one"


def _texts(run: Path, name: str) -> set[str]:
    path = run / "data" / f"{name}.jsonl"
    return {task.question for task in read(path)} if path.exists() else set()
