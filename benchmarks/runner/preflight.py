"""Everything that can be wrong with a run, found before its first item costs anything."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from agentflow_graph.context import Context, pairs
from agentflow_graph.errors import SettingError
from agentflow_graph.nodes.resources import ResourceCache
from agentflow_graph.record.events import versions
from benchmarks.items.data import load, must_be_folder
from benchmarks.items.item import Benchmark
from benchmarks.runner.folder import Folder, Items, Request
from benchmarks.runner.prices import read_prices, unpriced
from benchmarks.runner.trials import context_of
from benchmarks.scoring.judge import Judge
from benchmarks.tasks.registry import benchmark

PACKAGES = ("agentflow-graph", "inspect-ai", "langgraph", "langchain-core", "math-verify")


def prepare(args: argparse.Namespace) -> tuple[Request, Items, Judge | None]:
    """What the command line asks for, with its items and judge; raises SettingError."""
    needs_inspect()
    Folder(args.run).must_be_new()
    must_be_folder(args.data)
    subsets = {name: _subset(benchmark(name), args.subset) for name in args.task}
    request = Request(
        name=args.run.resolve().name,
        subsets=subsets,
        expected={},
        trials=args.trials,
        concurrency=args.concurrency,
        settings=_settings(args),
        seed=args.seed,
        judge=args.judge,
        max_cost=args.max_cost,
        prices=read_prices(args.prices) if args.prices else {},
        versions=versions(PACKAGES),
    )
    judge = check(request)
    items = {name: _items(name, part, args) for name, part in subsets.items()}
    return request.expecting({name: len(own) for name, own in items.items()}), items, judge


def check(request: Request) -> Judge | None:
    """Raises SettingError unless models, tools, judge and prices can be had; returns the judge."""
    context = context_of(request)
    if context.approve:
        raise SettingError("approve=True asks a human before each call; a benchmark has none")
    judge = Judge.of(request.judge) if request.judge else None
    _check_prices(context, request)
    asyncio.run(ResourceCache({}, None).of(context))
    return judge


def needs_inspect() -> None:
    """Raises SettingError where inspect_ai is not installed."""
    if find_spec("inspect_ai") is None:
        raise SettingError(
            "the runner needs inspect_ai: "
            "run `make setup` or `pip install 'agentflow-graph[bench]'`"
        )


def _check_prices(context: Context, request: Request) -> None:
    if not request.max_cost:
        return
    missing = set(unpriced(context, request.prices))
    if request.judge and request.judge not in request.prices:
        missing.add(request.judge)
    if missing:
        names = ", ".join(sorted(missing))
        raise SettingError(
            f"--max-cost needs prices, and none is known for {names}; state them with --prices FILE"
        )


def _subset(of: Benchmark, name: str) -> str:
    if name:
        of.subset(name)
        return name
    return "agentflow" if "agentflow" in of.subsets else next(iter(of.subsets))


def _items(name: str, part: str, args: argparse.Namespace) -> Mapping[str, Any]:
    items = load(benchmark(name), part, args.data, args.limit)
    if not items:
        raise SettingError(f"{name} ({part}) has no items; look at --data and --limit")
    return {item.id: item for item in items}


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    """What is set by name, and by the options that set fields of their own."""
    options = {
        "max_seconds": args.max_seconds,
        "max_tokens": args.max_tokens,
        "outputs": "base" if args.baseline else None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in pairs(args.set):
        if name in given or (name == "seed" and args.seed):
            raise SettingError(f"{name} is set twice: by --set {name}={value} and by an option")
        given[name] = value
    return given
