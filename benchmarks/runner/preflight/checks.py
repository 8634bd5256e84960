"""Everything that can be wrong with a run, found before its first item costs anything."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.money import without_price
from agentflow_graph.models.providers.prices import VARIABLE, Price, read_prices, unused
from agentflow_graph.nodes.parts.rates import check_prices
from agentflow_graph.nodes.resources import ResourceCache, Resources
from agentflow_graph.record.events import versions
from benchmarks.items.data import Loaded, loaded, must_be_folder
from benchmarks.items.item import Benchmark
from benchmarks.runner.preflight.fitness import must_fit
from benchmarks.runner.preflight.pings import pinged, unasked
from benchmarks.runner.preflight.profiles import settings_of
from benchmarks.runner.preflight.provenance import changes, provenance
from benchmarks.runner.store.folder import Folder, Items, Request
from benchmarks.runner.trials import context_of
from benchmarks.scoring.judge import Judge
from benchmarks.tasks.registry import benchmark, registry

LOG = logging.getLogger(__name__)
NAMED = 5
"""Prices that are not used, named at most."""
PACKAGES = ("agentflow-graph", "inspect-ai", "langgraph", "langchain-core", "math-verify")


@dataclass(frozen=True)
class Ready:
    """What a run works with, once it has been found and asked."""

    context: Context
    resources: Resources
    judge: Judge | None
    served: dict[str, str]
    """By module the name of its model as its server calls it, or that nobody asked for it."""


def prepare(
    args: argparse.Namespace, commits: Mapping[str, str] | None = None
) -> tuple[Request, Items, Judge | None]:
    """What the command line asks for, with its items and judge; raises SettingError.

    `commits`: by task that of the hub's data set, where it is known already.
    """
    needs_inspect()
    Folder(args.run).must_be_new()
    must_be_folder(args.data)
    request = request_of(args)
    ready = check(request)
    tell_unused(request.prices, names_asked(request, ready.resources))
    chosen = selections(request.subsets, args.data, args.limit, commits or {})
    return *with_items(request, ready, chosen), ready.judge


def request_of(args: argparse.Namespace) -> Request:
    """What the command line asks for, before anything is looked at; raises SettingError."""
    subsets = {name: _subset(benchmark(name), args.subset) for name in args.task}
    return Request(
        name=args.run.resolve().name,
        subsets=subsets,
        expected={},
        trials=args.trials,
        concurrency=args.concurrency,
        settings=settings_of(args),
        seed=args.seed,
        judge=args.judge,
        max_cost=args.max_cost,
        prices=read_prices(args.prices) if args.prices else {},
        versions=versions(PACKAGES),
        baseline=args.baseline,
        as_is=args.as_is,
        max_failed=args.max_failed,
        filter_leaks=args.filter_leaks,
    )


def selections(
    subsets: Mapping[str, str], data: Path | None, limit: int | None, commits: Mapping[str, str]
) -> dict[str, Loaded]:
    """The items of each task; arguments and errors as of `selection`."""
    return {t: selection(t, part, data, limit, commits.get(t, "")) for t, part in subsets.items()}


def with_items(
    request: Request, ready: Ready, chosen: Mapping[str, Loaded]
) -> tuple[Request, Items]:
    """The request of these items, which says where its numbers are from, and the items."""
    items = {name: each.by_id for name, each in chosen.items()}
    told = {name: each.described for name, each in chosen.items()}
    found = provenance(*_parts(ready), told, _contexts(request, items))
    request = replace(request, provenance=found)
    return request.expecting({name: len(own) for name, own in items.items()}), items


def repeat(run: Path, like: Path) -> tuple[Request, Items, Judge | None]:
    """The same as a run was asked for, of the same items; says what is not the same any more.

    Raises:
        SettingError: there is no such run, or its models and tools cannot be had.
    """
    needs_inspect()
    Folder(run).must_be_new()
    before, items = Folder(like).request(), Folder(like).items()
    request = replace(before, name=run.resolve().name, versions=versions(PACKAGES))
    ready = check(request)
    data = before.provenance.get("data", {})
    now = provenance(*_parts(ready), data, _contexts(request, items))
    for change in changes(before.provenance, now):
        LOG.warning("not as in %s: %s", like, change)
    return replace(request, provenance=now), items, ready.judge


def _parts(ready: Ready) -> tuple[Context, Resources, dict[str, str]]:
    return ready.context, ready.resources, ready.served


def _contexts(request: Request, items: Items) -> dict[str, Counter[Context]]:
    """By task the settings that its items run with, and how many of them do."""
    return {
        task: Counter(context_of(request, 1, item) for item in own.values())
        for task, own in items.items()
    }


def selection(
    name: str, subset: str, data: Path | None, limit: int | None, commit: str = ""
) -> Loaded:
    """The items of a task, by default of the paper's subset; raises SettingError.

    `commit`: of the hub's data set, where it is known already.
    """
    must_be_folder(data)
    part = _subset(benchmark(name), subset)
    found = loaded(benchmark(name), part, data, limit, commit)
    if not found.items:
        raise SettingError(f"{name} ({part}) has no items; look at --data and --limit")
    return found


def check(request: Request, ask: bool = True) -> Ready:
    """Raises SettingError unless the run is fit, and models, tools, judge and prices can be had.

    `ask`: whether models and tools are asked something, which a run `as_is` never does.
    """
    context = context_of(request)
    if context.approve:
        raise SettingError("approve=True asks a human before each call; a benchmark has none")
    known = registry()
    tasks = {task: known[task] for task in request.subsets if task in known}
    must_fit(context, tasks, request.judge, request.as_is)
    judge = Judge.of(request.judge) if request.judge else None
    serious = any(task.needs for task in tasks.values())
    return asyncio.run(_ready(request, judge, ask and not request.as_is, serious))


async def _ready(request: Request, judge: Judge | None, ask: bool, tools: bool) -> Ready:
    context = context_of(request)
    resources = await ResourceCache({}, None, request.price_list).of(context)
    if resources.lost:
        raise SettingError("; ".join(f"{what}: {why}" for what, why in resources.lost.items()))
    check_prices(context, resources.rates)
    _check_prices(request, resources)
    if ask:
        served = await pinged(context, resources, judge, tools)
    else:
        served = unasked(context, resources, judge)
    return Ready(context, resources, judge, served)


def needs_inspect() -> None:
    """Raises SettingError where inspect_ai is not installed."""
    if find_spec("inspect_ai") is None:
        raise SettingError(
            "the runner needs inspect_ai: "
            "run `make setup` or `pip install 'agentflow-graph[bench]'`"
        )


def _check_prices(request: Request, resources: Resources) -> None:
    if not request.max_cost:
        return
    missing = set(without_price(resources.rates.values()))
    if request.judge and request.price_list.of(request.judge) is None:
        missing.add(request.judge)
    if missing:
        names = ", ".join(sorted(missing))
        raise SettingError(
            f"--max-money needs prices, and none is known for {names}; state them with --prices "
            f"FILE, or in the file that {VARIABLE} names (0 where it costs nothing)"
        )


def names_asked(request: Request, resources: Resources) -> set[str]:
    """Models and services that may be asked, as prices name them."""
    return {rate.of for rate in resources.rates.values()} | {request.judge} - {""}


def tell_unused(prices: Mapping[str, Price], names: set[str]) -> None:
    """Warn of prices that are nobody's here: a name that is misspelt costs no one anything."""
    if idle := unused(prices, names):
        more = f" and {len(idle) - NAMED} more" if len(idle) > NAMED else ""
        LOG.warning(
            "--prices: nobody who is asked has the price of %s%s; asked are %s",
            ", ".join(idle[:NAMED]),
            more,
            ", ".join(sorted(names)),
        )


def _subset(of: Benchmark, name: str) -> str:
    if name:
        of.subset(name)
        return name
    return "agentflow" if "agentflow" in of.subsets else next(iter(of.subsets))
