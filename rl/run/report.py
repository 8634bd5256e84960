"""A training run as one page: held-out success, curves, and example runs before and after.

    python -m rl report runs/nano          # writes runs/nano/report.html again

The page opens offline: styles and plots lie inside it, and it forbids itself scripts and anything
from elsewhere. Text of a model, a tool or a question is data: the template escapes all of it, and
the plots hold none of it. What a run lacks, because it was stopped early, is said on the page.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import ChainableUndefined
from markupsafe import Markup

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import interpreting, read_object, read_text, write_whole
from benchmarks.report.numbers.statistics import wilson
from benchmarks.report.plots import INKS, Scale, scale_y, svg, whole_x
from benchmarks.report.templates.page import render
from rl.questions.sets import not_apart
from rl.run.folder import records
from rl.run.record import heldout_batch, refuse_old, rows
from rl.run.scoring import counting, in_all, of_set, spending_rows
from rl.settings.measures import HELDOUT
from rl.settings.yaml_file import mapping

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Entry = dict[str, Any]
"""A line of metrics.jsonl, or a finished run of the record."""

TEMPLATE = Path(__file__).with_name("report.html.jinja")

KINDS = {
    (False, True): ("from wrong to right", 3),
    (True, False): ("from right to wrong", 1),
    (False, False): ("wrong both times", 1),
    (True, True): ("right both times", 1),
    (True,): ("right", 2),
    (False,): ("wrong", 2),
}
"""Right before and after, or once: what that is called, and how many examples at most."""


def write_report(run: Path) -> Path:
    """Write `<run>/report.html`; returns its path.

    Raises:
        SettingError: the folder has no metrics.jsonl, or an earlier version made it.
    """
    refuse_old(run)
    metrics = run / "metrics.jsonl"
    if not metrics.is_file():
        raise SettingError(f"{run} has no metrics.jsonl; give the folder of a training run")
    page = run / "report.html"
    # A run that was stopped early lacks things; the template says so.
    with interpreting(run, "take the run's own files back"):
        text = render(TEMPLATE, content(run, records(metrics)), ChainableUndefined)
    write_whole(page, text.encode())
    return page


def content(run: Path, entries: list[Entry]) -> dict[str, Any]:
    """The template's variables."""
    # A resumed run repeats steps: the later record belongs to the weights that went on.
    by_step = {e["step"]: _flat(e) for e in entries if e["kind"] == "step"}
    made = [{"set": HELDOUT, **e} for e in entries if e["kind"] == "evaluation"]
    by_time = {(e["set"] != HELDOUT, e["set"], e["step"], e["temperature"]): e for e in made}
    steps = [by_step[step] for step in sorted(by_step)]
    every = [by_time[time] for time in sorted(by_time)]
    evaluations = of_set(every)
    sampled = [e for e in evaluations if e["temperature"]] or evaluations
    beside = [e for e in evaluations if e not in sampled and e.get("counts", True)]
    heldout = [e for e in sampled if e.get("counts", True)]
    batches = [heldout_batch(e["step"], e["temperature"]) for e in _ends(heldout)]
    runs = [rows(run / "record" / batch) for batch in batches]
    config, summary = run / "config.yaml", run / "summary.json"
    remedy = "take the run's own file back, or remove it"
    text = read_text(config, remedy) if config.exists() else ""
    settings = mapping(config) if text else {}
    measured = settings.get("evaluation") or {}
    solved_at = measured.get("solved_at", 1.0)
    return {
        "name": run.resolve().name,
        "viewed": partial(viewed, run),
        "config": settings,
        "solved_at": solved_at,
        "config_text": text,
        "summary": read_object(summary, remedy) if summary.exists() else {},
        "steps": steps,
        "seconds": entries[-1]["wall"] if entries else 0.0,
        "ends": _ends(heldout),
        "greedy": _ends(beside),
        "evaluations": every,
        "sets": set_rows(every),
        "chosen": not_apart(run, measured) if evaluations and settings else "",
        "uncounted": len(sampled) - len(heldout),
        "faults": dict(sum((Counter(step.get("faults", {})) for step in steps), Counter())),
        "heldout": heldout_plot(heldout, beside),
        "levels": levels(_ends(heldout), runs),
        "tools": tools(steps),
        "spending": spending_rows(in_all([*by_step.values(), *evaluations])),
        "parts": {name: f"parts/{name}" for step in steps for name in step.get("parts", {})},
        "plot": partial(step_plot, steps),
        **examples(runs, solved_at),
    }


def viewed(run: Path, record: Entry) -> str:
    """The command that opens a run of the record in the viewer."""
    attempt = record["attempts"] - 1
    name = f"{record['batch']}/{record['id']}/{record['number']}/{attempt}"
    return f"python -m agentflow_graph view {quote(str(run))} {quote(name)}"


def _flat(step: Entry) -> Entry:
    # Where every run failed, the means over no run are 0 and say nothing.
    known = step if step["runs"] else step | dict.fromkeys(("reward", "turns", "tool_errors"))
    named = {f"tools/{name}": share for name, share in step["tools"].items()}
    return known | named | {f"parts/{n}": value for n, value in step.get("parts", {}).items()}


def set_rows(evaluations: list[Entry]) -> list[tuple[str, list[Entry]]]:
    """Name of each set, and its first and last sampled evaluation that counts.

    None where all there is is one run of each question of `heldout`, which the page's head tells.
    """
    names = dict.fromkeys(e["set"] for e in evaluations)
    found = [(name, _ends(counting(evaluations, name))) for name in names]
    several = any(e.get("runs_each", 1) > 1 for _, ends in found for e in ends)
    return found if len(found) > 1 or several else []


def _ends(evaluations: list[Entry]) -> list[Entry]:
    return evaluations[:1] + evaluations[1:][-1:]


def tools(steps: list[Entry]) -> dict[str, str]:
    """Metric by tool, those called most first."""
    names = {name for step in steps for name in step["tools"]}
    uses = {name: sum(step["tools"].get(name, 0) for step in steps) for name in sorted(names)}
    return {name: f"tools/{name}" for name in sorted(uses, key=uses.__getitem__, reverse=True)}


def levels(ends: list[Entry], runs: list[list[Entry]]) -> list[tuple[str, int, list[Any]]]:
    """By level: its name, how many questions, and (success, low, high) of each evaluation."""
    counts = Counter(record["level"] for each in runs[:1] for record in each)
    return [
        (
            level,
            counts[level],
            [_interval(e["levels"].get(level, 0.0), counts[level]) for e in ends],
        )
        for level in (ends[0]["levels"] if ends else [])
    ]


def _interval(share: float, n: int) -> tuple[float, float, float]:
    return (share, *wilson(share * n, n))


def examples(runs: list[list[Entry]], solved_at: float = 1.0) -> dict[str, Any]:
    """Questions that every evaluation ran: how many of each kind, and some of them.

    Right is a reward of at least `solved_at`.
    """
    by_id = [{record["id"]: record for record in each} for each in runs]
    kinds: dict[tuple[bool, ...], list[list[Entry]]] = defaultdict(list)
    for question in by_id[0] if by_id else []:
        if all(question in each for each in by_id):
            same = [each[question] for each in by_id]
            kinds[tuple((record["reward"] or 0.0) >= solved_at for record in same)].append(same)
    shown: Counter[str] = Counter()
    return {
        "changes": {name: len(kinds[kind]) for kind, (name, _) in KINDS.items() if kinds[kind]},
        "examples": [
            (name, same)
            for kind, (name, most) in KINDS.items()
            for same in _spread(kinds[kind], most, shown)
        ],
    }


def _spread(questions: list[list[Entry]], most: int, shown: Counter[str]) -> list[list[Entry]]:
    """The first questions, of the levels shown least so far."""
    chosen: list[list[Entry]] = []
    for _ in questions[:most]:
        left = [same for same in questions if same not in chosen]
        chosen.append(min(left, key=lambda same: shown[same[0]["level"]]))
        shown[chosen[-1][0]["level"]] += 1
    return chosen


def heldout_plot(heldout: list[Entry], greedy: list[Entry]) -> Markup | None:
    """Held-out success over training with its 95 % interval; greedy evaluations as points."""

    def draw(axes: Axes) -> None:
        at = [e["step"] for e in heldout]
        low, high = zip(*(e["interval"] for e in heldout), strict=True)
        axes.fill_between(at, low, high, color=INKS[0], alpha=0.2, linewidth=0)
        axes.plot(at, [e["success"] for e in heldout], "o-", color=INKS[0])
        axes.plot([e["step"] for e in greedy], [e["success"] for e in greedy], "D", color=INKS[1])
        scale_y(axes, "share")
        whole_x(axes, "training step")

    return svg(draw, (4.4, 2.7)) if heldout else None


def step_plot(
    steps: list[Entry], metrics: list[str], scale: Scale = "number", stacked: bool = False
) -> Markup | None:
    """Metrics over the training steps, as lines or as bands on top of each other."""
    at = np.array([step["step"] for step in steps])
    series = [np.array([step.get(name) for step in steps], dtype=float) for name in metrics]

    def draw(axes: Axes) -> None:
        floor = np.zeros(len(at))
        for number, values in enumerate(series):
            if not stacked:
                axes.plot(at, values, ".-" if len(at) < 100 else "-", color=INKS[min(number, 7)])
                continue
            top = floor + np.nan_to_num(values)
            edges = np.append(at, at[-1] + 1) - 0.5
            axes.stairs(top, edges, baseline=floor, fill=True, color=INKS[min(number, 7)])
            floor = top
        scale_y(axes, scale)
        whole_x(axes, "training step")

    return svg(draw, (3.5, 1.9)) if np.isfinite(series).any() else None
