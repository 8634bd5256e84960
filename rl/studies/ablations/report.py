"""The report of the ablations: `report.md` with tables, and three plots next to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agentflow_graph.record.artifacts import write_whole
from rl.studies.ablations.arms import TURNS
from rl.studies.ablations.findings import ENDS, Found, budgets, checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AT = f"{TURNS}/sampled"


def write_report(out: Path, results: Found) -> None:
    """Write `report.md` and its plots into `out`; nothing if no arm is done."""
    if not results["runs"]:
        return
    parts = [_head(results), _arms(results), _levels(results), _budgets(results), _errors(results)]
    parts += [_checks(results), _failed(results)]
    text = "\n\n".join(part for part in parts if part) + "\n"
    write_whole(out / "report.md", text.encode())
    _figure(out / "curves.png", "training step", lambda axes: _curves(axes, results))
    _figure(out / "budgets.png", "turn budget", lambda axes: _by_budget(axes, results))
    _figure(out / "tool_errors.png", "training step", lambda axes: _tool_errors(axes, results))


def _head(results: Found) -> str:
    seeds = ", ".join(map(str, results["seeds"]))
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    machine = results["machine"]
    n = {found[AT]["n"] for found in results["pooled"].values() if AT in found}
    return "\n".join(
        [
            "# Ablations on the almanac",
            "",
            f"`{results['command']}`, {results['date']}.",
            "",
            f"Seeds {seeds}; {max(n, default=0)} held-out answers an arm, all seeds together; "
            f"replies sampled at T=0.7, greedy next to it; {TURNS} turns unless another budget is "
            "named. Intervals: 95 %, Wilson, over the answers of all seeds.",
            "",
            f"{machine['cores']} cores, Python {machine['python']}; {versions}.",
        ]
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _arms(results: Found) -> str:
    rows = []
    for name, found in results["pooled"].items():
        if AT not in found:
            continue
        # A language model's arms are not measured greedily: it takes minutes.
        sampled, greedy = found[AT], found.get(f"{TURNS}/greedy")
        runs = [run for run in results["runs"] if run["arm"] == name]
        rows.append(
            [
                f"**{name}**: {results['abouts'][name]}",
                _lessons(runs[0]),
                _share(sampled),
                _each(sampled["seeds"]),
                f"{greedy['mean']:.3f}" if greedy else "-",
                f"{sampled['turns']:.2f}",
                f"{sampled['tool_errors']:.3f}",
                f"{np.mean([run['seconds'] for run in runs]):.0f}",
            ]
        )
    head = ["arm", "learned from", "held-out", "by seed", "greedy", "turns", "tool errors", "s"]
    note = "`s`: seconds of a seed for training and evaluation, the common warm start not counted."
    return f"## Arms\n\n{table(head, rows)}\n\n{note}\n\n![curves](curves.png)"


def _lessons(run: Found) -> str:
    if run["sft"]:
        return f"{run['sft']['traces']} runs, {run['sft']['successes']} right"
    return f"{run['training']['trajectories']} live runs" if run["training"] else "-"


def _levels(results: Found) -> str:
    arms = {name: found[AT] for name, found in results["pooled"].items() if AT in found}
    if not arms:
        return ""
    levels = list(next(iter(arms.values()))["levels"])
    rows = [[name, *(f"{a['levels'][level]:.3f}" for level in levels)] for name, a in arms.items()]
    return f"## By level\n\n{table(['arm', *levels], rows)}"


def _budgets(results: Found) -> str:
    rows = []
    for name, found in results["pooled"].items():
        by_budget = budgets(found)
        if set(by_budget) != {TURNS}:
            rows += [
                [name, str(n), _share(by_budget[n]), _each(by_budget[n]["seeds"])]
                + [f"{by_budget[n]['turns']:.2f}"]
                for n in sorted(by_budget)
            ]
    if not rows:
        return ""
    head = ["arm", "turn budget", "held-out", "by seed", "turns used"]
    return f"## Turn budget\n\n{table(head, rows)}\n\n![budgets](budgets.png)"


def _errors(results: Found) -> str:
    rows = []
    for run in results["runs"]:
        if done := run["training"]:
            first, last = done["tool_errors_first"], done["tool_errors_last"]
            rows.append([run["arm"], str(run["seed"]), f"{first:.3f}", f"{last:.3f}"])
    if not rows:
        return ""
    head = ["arm", "seed", f"first {ENDS} steps", f"last {ENDS} steps"]
    about = "Share of the calls in training rollouts that gave no result."
    return f"## Tool-call errors\n\n{about}\n\n{table(head, rows)}\n\n![errors](tool_errors.png)"


def _checks(results: Found) -> str:
    words = {True: "yes", False: "**no**", None: "not measured"}
    rows = [[what, words[held]] for what, held in checks(results)]
    return f"## Hoped for\n\n{table(['what', 'found'], rows)}"


def _failed(results: Found) -> str:
    return "\n".join(["## Failed", "", *(f"* {one}" for one in results["failed"])]) * bool(
        results["failed"]
    )


def _share(found: Found) -> str:
    low, high = found["interval"]
    return f"{found['mean']:.3f} [{low:.3f}, {high:.3f}]"


def _each(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


def _figure(path: Path, x: str, draw: Callable[[Axes], None]) -> None:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 3.8), layout="constrained", dpi=150)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    draw(axes)
    axes.set_xlabel(x)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, 1)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
    figure.savefig(path)


def _curves(axes: Axes, results: Found) -> None:
    """Held-out success over training; what was not trained online is a level line."""
    axes.set_ylabel("held-out success, T=0.7")
    for number, (name, found) in enumerate(results["pooled"].items()):
        ink = f"C{number}"
        curves = _curves_of(results, name)
        if curves:
            _mean_line(axes, [[p[:2] for p in curve] for curve in curves], ink, name)
        elif AT in found:
            axes.axhline(found[AT]["mean"], color=ink, linestyle="--", label=name)


def _curves_of(results: Found, name: str) -> list[Any]:
    runs = [run for run in results["runs"] if run["arm"] == name and run["training"]]
    return [run["training"]["curve"] for run in runs]


def _mean_line(axes: Axes, curves: list[Any], ink: str, name: str) -> None:
    """Each seed thin, their mean thick; the mean ends with the shortest."""
    for curve in curves:
        axes.plot(*zip(*curve, strict=True), color=ink, linewidth=0.7, alpha=0.5)
    length = min(map(len, curves))
    mean = np.mean([curve[:length] for curve in curves], axis=0)
    axes.plot(mean[:, 0], mean[:, 1], color=ink, linewidth=2, label=name)


def _by_budget(axes: Axes, results: Found) -> None:
    axes.set_ylabel("held-out success, T=0.7")
    for name, found in results["pooled"].items():
        by_budget = dict(sorted(budgets(found).items()))
        if set(by_budget) == {TURNS}:
            continue
        means = np.array([each["mean"] for each in by_budget.values()])
        bounds = np.array([each["interval"] for each in by_budget.values()])
        apart = np.abs(bounds - means[:, None]).T
        axes.errorbar(list(by_budget), means, yerr=apart, marker="o", capsize=3, label=name)


def _tool_errors(axes: Axes, results: Found) -> None:
    axes.set_ylabel("share of calls without a result")
    for number, name in enumerate(results["pooled"]):
        runs = [run for run in results["runs"] if run["arm"] == name and run["training"]]
        errors = [list(enumerate(run["training"]["tool_errors"], 1)) for run in runs]
        if errors:
            _mean_line(axes, errors, f"C{number}", name)
