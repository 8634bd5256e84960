"""Made-up runs of benchmarks, as the runner would read them from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.items.item import Benchmark, Item
from benchmarks.report.numbers.result import Result, Session


def result(item: str = "q1", score: float | None = 1.0, trial: int = 1, **changed: Any) -> Result:
    """A trial of two turns with one search, answered right unless `score` says otherwise."""
    usual: dict[str, Any] = {"task": "bamboogle", "golds": ("gold",)}
    if score is not None:
        usual |= {"answer": "gold" if score else "other", "rule": "answer_tag", "turns": 2}
        usual |= {"seconds": 1.5, "input_tokens": 100, "output_tokens": 10, "cost": 0.25}
        usual |= {"stopped_by": "verifier", "tools": {"web_search": 1}}
    return Result(**usual | {"item": item, "score": score, "trial": trial} | changed)


def session(
    results: Sequence[Result], expected: int | dict[str, int], trials: int = 1, **changed: Any
) -> Session:
    """A run of Bamboogle, or of the tasks that `expected` names."""
    items = expected if isinstance(expected, dict) else {"bamboogle": expected}
    usual: dict[str, Any] = {"name": "made-up", "settings": {"max_turns": 5}, "versions": {}}
    usual |= {"subsets": dict.fromkeys(items, "full"), "expected": items, "trials": trials}
    return Session(**usual | {"results": list(results)} | changed)


def benchmark(name: str, title: str, kind: Any = "search", **paper: float) -> Benchmark:
    """A benchmark whose items nobody loads."""
    systems = {"plain": "AgentFlow no RL", "trained": "AgentFlow + Flow-GRPO", "other": "GPT-4o"}
    return Benchmark(
        name=name,
        title=title,
        kind=kind,
        hub="",
        split="test",
        licence="MIT",
        rule="exact",
        official=lambda row: Item("", "", ("",)),
        subsets={},
        paper={systems[key]: value for key, value in paper.items()},
    )


KNOWN = {
    each.name: each
    for each in (
        benchmark("bamboogle", "Bamboogle", plain=58.4, trained=69.6, other=68.8),
        benchmark("2wiki", "2WikiMultihopQA", plain=60.0, trained=77.2),
        benchmark("aime24", "AIME24", "math", plain=16.7, trained=40.0),
        benchmark("almanac", "Almanac", "almanac"),
    )
}
