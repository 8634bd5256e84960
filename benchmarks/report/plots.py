"""Plots as SVG that takes its colours and its font from the page around it.

The page defines `--ink00` (text), `--ink01` (grid) and `--ink02` on (series). A label may be text
of a data set: it is not read as mathematics, and Matplotlib escapes it in the SVG.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Literal, NamedTuple

from markupsafe import Markup

from benchmarks.report.numbers.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scale = Literal["number", "share", "percent", "log"]
"""share: 0 to 100 %; percent: 0 % to the largest value."""

GRID, *INKS = (f"#0000{number:02x}" for number in range(1, 10))
"""Colours of the plots, which `svg` turns into the page's --ink01 to --ink09."""


class Interval(NamedTuple):
    """A share with its 95 % interval."""

    mean: float
    low: float
    high: float


def svg(draw: Callable[[Axes], None], inches: tuple[float, float]) -> Markup:
    """What `draw` puts on the axes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with (
        rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}),
        rc_context({"font.size": 9, "text.parse_math": False}),
    ):
        figure, file = Figure(figsize=inches, layout="constrained"), io.StringIO()
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GRID)
        axes.grid(axis="y", color=GRID)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", length=0)
        draw(axes)
        unnamed = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=unnamed)
    needless = r' xmlns(:xlink)?="[^"]*"|(?<=<g) id="[^"]*"| (width|height)="[^"]*pt"'
    text = re.sub(needless, "", file.getvalue())
    return Markup(re.sub("#0000(..)", r"var(--ink\1)", text[text.index("<svg") :]))


def inks(names: Iterable[str]) -> dict[str, int]:
    """Number of the page's colour by name; the last one is shared by all further names."""
    return {name: min(2 + place, 9) for place, name in enumerate(dict.fromkeys(names))}


def scale_y(axes: Axes, scale: Scale) -> None:
    """Limits and labels of the vertical axis."""
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    if scale == "log":
        axes.set_yscale("symlog", linthresh=1e-9)
        # Its own labels are TeX, which is not read here.
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.set_ylim(bottom=0, top=1 if scale == "share" else None)
    if scale in ("share", "percent"):
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def whole_x(axes: Axes, label: str) -> None:
    """A horizontal axis of whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(label)


def accuracy_plot(
    run: Mapping[str, Interval], references: Mapping[str, Sequence[float | None]]
) -> Markup:
    """Accuracies with their intervals, a row each; `references` adds a series of points each."""
    from matplotlib.ticker import PercentFormatter

    def draw(axes: Axes) -> None:
        at = range(len(run))
        axes.hlines(
            at,
            [each.low for each in run.values()],
            [each.high for each in run.values()],
            color=INKS[0],
        )
        axes.plot([each.mean for each in run.values()], at, "o", color=INKS[0])
        for number, values in enumerate(references.values()):
            shape, ink = "D^sv"[number % 4], INKS[number % 7 + 1]
            axes.plot([nan if x is None else x for x in values], at, shape, color=ink)
        axes.set_yticks(at, [title[:40] for title in run])
        axes.set_ylim(len(run) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        axes.grid(axis="x", color=GRID)
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))

    return svg(draw, (4.8, 0.9 + 0.3 * len(run)))


def turns_plot(results: Sequence[Result]) -> Markup | None:
    """How many trials ended after how many turns, right ones and wrong ones stacked."""
    from matplotlib.ticker import MaxNLocator

    scored = [each for each in results if each.score is not None]
    right = Counter(each.turns for each in scored if each.score)
    wrong = Counter(each.turns for each in scored if not each.score)

    def draw(axes: Axes) -> None:
        at = range(min(right | wrong), max(right | wrong) + 1)
        floor = [right[turns] for turns in at]
        axes.bar(at, floor, color=INKS[2])
        axes.bar(at, [wrong[turns] for turns in at], bottom=floor, color=INKS[4])
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        whole_x(axes, "turns")

    return svg(draw, (3.5, 1.9)) if scored else None


def budget_plot(
    budgets: Sequence[int], series: Mapping[str, Sequence[Interval]], scale: Scale = "share"
) -> Markup:
    """A measure of each task over the budgets of turns, with its interval as a band."""

    def draw(axes: Axes) -> None:
        for number, values in enumerate(series.values()):
            ink = INKS[number % 8]
            low, high = [each.low for each in values], [each.high for each in values]
            axes.fill_between(budgets, low, high, color=ink, alpha=0.15, linewidth=0)
            axes.plot(budgets, [each.mean for each in values], "o-", color=ink)
        scale_y(axes, scale)
        whole_x(axes, "most turns")
        axes.set_xticks(budgets)

    return svg(draw, (4.4, 2.7))
