"""`python -m benchmarks list`: the benchmarks in a table."""

import argparse
import json
from typing import Any

from benchmarks.items.item import Benchmark
from benchmarks.report.table import render_table
from benchmarks.tasks.registry import registry


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("list", help="the benchmarks: data set, subsets, scorer")
    parser.add_argument("--json", action="store_true", help="as a JSON list")
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Print the table; always 0."""
    facts = [fact(benchmark) for benchmark in registry().values()]
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    rows = [
        [
            each["task"],
            each["title"],
            each["data_set"],
            each["split"],
            " ".join(f"{name}={size}" for name, size in each["subsets"].items()),
            each["rule"] + (" + judge" if each["judged"] else ""),
            "yes" if each["gated"] else "",
        ]
        for each in facts
    ]
    print(render_table(["task", "title", "data set", "split", "subsets", "scorer", "gated"], rows))
    return 0


def fact(benchmark: Benchmark) -> dict[str, Any]:
    """What the table says of a benchmark; sizes are those of the first source of a subset."""
    return {
        "task": benchmark.name,
        "title": benchmark.title,
        "kind": benchmark.kind,
        "data_set": " ".join(filter(None, (benchmark.hub, benchmark.config))) or "made here",
        "split": benchmark.split,
        "licence": benchmark.licence,
        "gated": benchmark.gated,
        "rule": benchmark.rule,
        "judged": benchmark.judged,
        "subsets": {
            name: next(iter(parts.values())).size for name, parts in benchmark.subsets.items()
        },
    }
