"""Results of ablations, made up: evaluations of 100 answers each, and a whole of two arms."""

from __future__ import annotations

from typing import Any

from rl.studies.ablations.arms import BUDGETS
from rl.studies.ablations.findings import pool

TRAINING = {"trajectories": 256, "curve": [[0, 0.3, 0.5], [2, 0.9, 0.1]], "tool_errors": [0.5, 0.1]}


def entry(budget: int, solved: int, temperature: float = 0.7, n: int = 100) -> dict[str, Any]:
    levels = {"easy": 1.0, "hard": 2 * solved / n - 1}
    shares = {"turns": 2.0, "one_turn": 0.5, "tool_errors": 0.1}
    figures = {"solved": solved, "n": n, "success": solved / n, "failed": 0, "levels": levels}
    return {"max_turns": budget, "temperature": temperature, **figures, **shares}


def measured(*solved: int, budgets: tuple[int, ...] = (3,)) -> list[dict[str, Any]]:
    pairs = zip(budgets, solved, strict=True)
    return [entry(b, s, t) for b, s in pairs for t in (0.7, 0.0)]


def results(frozen: list[int], online: list[int], errors: tuple[float, float]) -> Any:
    """One seed, both arms at all budgets."""
    training = {"tool_errors_first": errors[0], "tool_errors_last": errors[1]}
    solved = {"frozen": frozen, "online": online}
    runs = [
        {"arm": arm, "seed": 7, "evaluations": measured(*s, budgets=BUDGETS)}
        | {"training": training | TRAINING if arm == "online" else None, "sft": None, "seconds": 9}
        for arm, s in solved.items()
    ]
    return {
        "command": "python -m rl ablations",
        "date": "2026-11-20",
        "machine": {"cores": 2, "python": "3.11"},
        "versions": {"torch": "2.13"},
        "seeds": [7],
        "abouts": {"frozen": "the start", "online": "Flow-GRPO"},
        "failed": [],
        "pooled": {arm: pool([run for run in runs if run["arm"] == arm]) for arm in solved},
        "runs": runs,
    }
