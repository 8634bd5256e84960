"""`paper`: all runs of a paper from one manifest, and its tables.

The same command again goes on: what is finished does not run again, and trials, items, tasks, arms
and budgets that the manifest has gained are added. `--dry-run` says what it will take.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentflow_graph.errors import SettingError
from benchmarks.commands.options import (
    ANY_JUDGE,
    SCORING,
    add_money_limit,
    at_least_zero,
    count,
)

if TYPE_CHECKING:
    from benchmarks.runner.plans.estimate import Estimate
    from benchmarks.runner.plans.paper import Plan


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("paper", help="all runs of a paper, from one manifest")
    profile = "manifest (TOML or YAML), or the name of one that ships: paper-7b"
    parser.add_argument("profile", metavar="PROFILE", help=profile)
    parser.add_argument("--run", type=Path, metavar="DIR", help="folder of its runs")
    parser.add_argument("--data", type=Path, metavar="DIR", help="local data in place of the hub")
    parser.add_argument("--limit", type=count, metavar="N", help="the first N items of each task")
    parser.add_argument("--trials", type=count, metavar="K", help="of each item")
    parser.add_argument("--dry-run", action="store_true", help="what it takes; runs nothing")
    parser.add_argument("--show", action="store_true", help="print the manifest, to copy it")
    parser.add_argument("--report", action="store_true", help="the tables of what there is")
    parser.add_argument(
        "--scoring", type=at_least_zero, metavar="N", help=f"of each run: {SCORING}"
    )
    parser.add_argument("--any-judge", action="store_true", help=ANY_JUDGE)
    add_money_limit(parser, "of all runs together", 0.0)
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="prices over those known: docs/costs.md"
    )
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Show, reckon, or run and report."""
    from benchmarks.runner.plans.manifest import find, read_manifest
    from benchmarks.runner.plans.study import must_hold_runs

    manifest = read_manifest(args.profile)
    if args.show:
        print(find(args.profile).read_text(encoding="utf-8"), end="")
        return 0
    if args.run is None:
        raise SettingError("--run DIR is missing: the folder in which the runs are, or will be")
    must_hold_runs(args.run)
    given = {"limit": args.limit, "trials": args.trials}
    plan = _plan(args, manifest.model_copy(update={k: v for k, v in given.items() if v}))
    if args.dry_run:
        print("\n".join(_forecast(plan)))
        return 0
    return _reported(plan, args) if args.report else _ran(plan, args)


def _plan(args: argparse.Namespace, manifest: Any) -> Plan:
    from agentflow_graph.models.providers.prices import read_prices
    from benchmarks.runner.plans.paper import Plan

    prices = read_prices(args.prices) if args.prices else {}
    return Plan(args.run, manifest, prices, args.max_cost, args.scoring)


def _ran(plan: Plan, args: argparse.Namespace) -> int:
    from benchmarks.errors import RunStopped
    from benchmarks.items.data import must_be_folder
    from benchmarks.runner.preflight.checks import needs_inspect
    from benchmarks.tasks.registry import registry
    from tools.outcomes.interrupts import tell_instead

    needs_inspect()
    must_be_folder(args.data)
    ready = plan.ready(args.data)
    tell_instead("interrupted; the same command goes on")
    try:
        missing = asyncio.run(plan.measure(ready, registry()))
    except RunStopped as error:
        print(f"stopped: {error} (by the same command)", file=sys.stderr)
        return 1
    code = _reported(plan, args)
    if missing:
        print(f"{missing} trials have no score; the same command tries again", file=sys.stderr)
    return 1 if missing else code


def _reported(plan: Plan, args: argparse.Namespace) -> int:
    from benchmarks.report.several.publication import Publication, write_publication
    from benchmarks.tasks.registry import registry

    columns = plan.columns()
    if not columns:
        raise SettingError(f"{plan.path} holds no run of this manifest: leave --report out")
    found = Publication(plan.manifest.title, columns, plan.manifest.pairs, registry())
    if not args.any_judge:
        found.check()
    files = write_publication(plan.path, found)
    print(found.main.text)
    print("\n".join(map(str, files)))
    return 0


def _forecast(plan: Plan) -> Iterator[str]:
    from benchmarks.tasks.registry import registry

    estimates = plan.estimates(registry())
    yield from _takes(estimates)
    yield ""
    yield from _shows(plan)
    unpriced = sorted({model for each in estimates for model in each.unpriced})
    if unpriced:
        yield f"\nno price of {', '.join(unpriced)}: tokens are counted, dollars are not"
    for fault, arms in plan.faults().items():
        yield f"would be refused ({', '.join(arms)}): {fault}"


def _takes(estimates: Sequence[Estimate]) -> Iterator[str]:
    """The table of what each run takes."""
    from benchmarks.report.table import millions, number, render_table

    head = ["run", "trials to run", "M tokens in", "M tokens out", "cost", "hours", "from"]
    rows = [
        [
            each.name,
            str(each.trials),
            millions(each.input_tokens),
            millions(each.output_tokens),
            _dollars(each.dollars, bool(each.unpriced)),
            number(each.hours, 2),
            f"{each.measured} trials" if each.measured else "assumptions",
        ]
        for each in estimates
    ]
    total = [
        "all",
        str(sum(each.trials for each in estimates)),
        millions(sum(each.input_tokens for each in estimates)),
        millions(sum(each.output_tokens for each in estimates)),
        _dollars(sum(each.dollars for each in estimates), any(each.unpriced for each in estimates)),
        number(sum(each.hours for each in estimates), 2),
        "",
    ]
    yield render_table(head, [*rows, total], [False, *[True] * 5, False])


def _dollars(known: float, more: bool) -> str:
    from benchmarks.report.table import dollars

    if more and not known:
        return "unknown price"
    return f"{dollars(known)} and more" if more else dollars(known)


def _shows(plan: Plan) -> Iterator[str]:
    """The table of what a difference must be to be seen."""
    from benchmarks.report.numbers.power import DISCORDANT, expected
    from benchmarks.report.table import render_table
    from benchmarks.tasks.registry import registry

    first = next(plan.manifest.entries)
    sizes = plan.sizes(plan.request(first), registry())
    rows = [[task, str(n), f"{100 * expected(n):.0f}"] for task, n in sizes.items()]
    rows.append(["all", str(sum(sizes.values())), f"{100 * expected(sum(sizes.values())):.0f}"])
    yield render_table(["task", "items", "least difference, points"], rows)
    yield (
        "The least is found four times in five at 5 %, before Holm's correction, by one trial of "
        f"arms that differ on {100 * DISCORDANT:.0f} % of the items."
    )
