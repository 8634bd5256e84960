"""By what a run that exists is worked on today: what a sitting of it is told by.

told = today(ready)             # of `resume` and `add`
told = scoring_today("gpt-5")   # of `score`, which asks a judge alone
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agentflow_graph.record.events import versions
from benchmarks.report.numbers.sittings import sitting
from benchmarks.runner.preflight.checks import Ready
from benchmarks.runner.preflight.provenance import PROMPTS, commit, digest, provenance


def today(ready: Ready) -> dict[str, Any]:
    """What is told of a sitting that runs the graph."""
    return sitting(provenance(ready.context, ready.resources, ready.served, {}, {}))


def scoring_today(judge: str) -> dict[str, Any]:
    """What is told of a sitting that marks alone; `judge` as its server calls it, where known."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": versions()["agentflow-graph"],
        "commit": commit(),
        "judge": judge,
        "prompts": {"judge": digest(PROMPTS["judge"])},
    }
