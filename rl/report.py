"""A training run as one page: held-out success, curves, and example runs before and after.

    python -m rl.report runs/nano          # writes runs/nano/report.html anew

The page opens offline: styles and plots lie inside it, and it forbids itself scripts and anything
from elsewhere. Text of a model, a tool or a question is data: the template escapes all of it, and
the plots hold none of it. What a run lacks, because it was stopped early, is said on the page.

Exit codes: 0 done, 2 the folder has no metrics.jsonl.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import yaml
from jinja2 import ChainableUndefined, Environment
from markupsafe import Markup
from numpy.typing import NDArray

from agentflow_graph.errors import SettingError
from benchmarks.scoring import wilson

Entry = dict[str, Any]
"""A line of metrics.jsonl or of a file in rollouts/."""
Values = NDArray[np.float64]

TEMPLATE = Path(__file__).with_name("report.html.jinja")


@dataclass(frozen=True)
class Plot:
    """Metrics over the training steps; `series` maps their names to the legend's labels."""

    series: dict[str, str]
    stacked: bool = False
    percent: bool = False
    log: bool = False


PLOTS = {
    "reward": Plot({"reward": ""}, percent=True),
    "turns": Plot({"turns": ""}),
    "tools": Plot({}, stacked=True, percent=True),
    "tool_errors": Plot({"tool_errors": ""}, percent=True),
    "kl": Plot({"kl": ""}),
    "clip_ratio": Plot({"clip_ratio": ""}, percent=True),
    "grad_norm": Plot({"grad_norm": ""}),
    "gap": Plot({"gap_max": "largest", "gap_mean": "mean"}, log=True),
    "groups": Plot({"groups_used": "used", "groups_dropped": "dropped"}, stacked=True),
    "seconds": Plot(
        {
            "rollout_seconds": "runs of the agent",
            "experience_seconds": "log-probabilities",
            "update_seconds": "update",
            "sync_seconds": "weights to the engine",
        },
        stacked=True,
    ),
}
MOST_TOOLS = 5
"""So many tools have a colour of their own; the rest are summed up."""

CHANGES = {
    (False, True): ("from wrong to right", 3),
    (True, False): ("from right to wrong", 1),
    (False, False): ("wrong before and after", 1),
    (True, True): ("right before and after", 1),
}
"""(right before, right after): its name and how many examples of it are shown, at most."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m rl.report", description="Write the report.html of a run anew."
    )
    parser.add_argument("run", type=Path, help="folder of the run")
    try:
        print(write_report(parser.parse_args(arguments).run))
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_report(run: Path) -> Path:
    """Write `<run>/report.html`; returns its path.

    Raises:
        SettingError: the folder has no metrics.jsonl.
    """
    metrics = run / "metrics.jsonl"
    if not metrics.is_file():
        raise SettingError(f"{run} has no metrics.jsonl: give the folder of a training run")
    environment = Environment(
        autoescape=True, undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "short": short, "called": called}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    page = run / "report.html"
    page.write_text(template.render(_content(run, _lines(metrics))), encoding="utf-8")
    return page


def _lines(path: Path) -> list[Entry]:
    """The records of a JSONL file; a line that a kill left half-written is skipped."""
    records = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            records.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    return records


def _content(run: Path, entries: list[Entry]) -> dict[str, Any]:
    """What the template shows; its names are the template's variables."""
    # A resumed run repeats steps: the later record belongs to the weights that went on.
    by_step = {e["step"]: e for e in entries if e["kind"] == "step"}
    steps = [by_step[number] for number in sorted(by_step)]
    by_time = {(e["temperature"], e["step"]): e for e in entries if e["kind"] == "evaluation"}
    sampled = [by_time[key] for key in sorted(by_time) if key[0]]
    greedy = [by_time[key] for key in sorted(by_time) if not key[0]]
    ends = list({e["step"]: e for e in (sampled or greedy)[:: max(1, len(sampled or greedy) - 1)]}.values())
    return {}
