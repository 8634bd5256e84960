"""The benchmarks by name."""

import shlex
import sys
from functools import cache
from importlib import import_module

from agentflow_graph.errors import SettingError, closest
from benchmarks.items.item import Benchmark

ORDER = "bamboogle two_wiki hotpotqa musique gated.gaia aime24 amc23 gameof24 gated.gpqa medqa"
ORDER += " gated.gaia_files gated.gpqa_diamond almanacs.almanac almanacs.almanac_hard"
"""The modules of this folder, in the order of the paper's tables."""


@cache
def registry() -> dict[str, Benchmark]:
    """Every benchmark by its name: in the order of the paper's tables, then a program's own."""
    return dict(_ours())


@cache
def _ours() -> dict[str, Benchmark]:
    found = [import_module(f"benchmarks.tasks.{name}").BENCHMARK for name in ORDER.split()]
    return {benchmark.name: benchmark for benchmark in found}


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        SettingError: there is none.
    """
    known = registry()
    if name not in known:
        raise SettingError(
            f"task {name!r} is unknown{closest(name, known)}: choose among {', '.join(known)}"
        )
    return known[name]


def register(own: Benchmark) -> None:
    """Add a benchmark of a program's own, for the commands that the program then calls.

        register(BENCHMARK)
        sys.exit(benchmarks.__main__.main())

    A run folder names tasks and never code: only the program that registered it can go on with its
    run.

    Raises:
        SettingError: another benchmark has the name.
    """
    if registry().setdefault(own.name, own) is not own:
        raise SettingError(f"a benchmark is called {own.name!r} already: give yours another name")


def program() -> str:
    """How a person calls the commands that know every benchmark which is registered here."""
    if len(registry()) == len(_ours()):
        return "python -m benchmarks"
    module = sys.modules["__main__"].__spec__
    if module is not None:
        return f"python -m {module.name.removesuffix('.__main__')}"
    script = shlex.quote(sys.argv[0])
    return f"python {script}" if script.endswith(".py") else script
