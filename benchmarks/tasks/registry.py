"""The benchmarks by name."""

from functools import cache
from importlib import import_module

from agentflow_graph.errors import SettingError, closest
from benchmarks.items.item import Benchmark

ORDER = "bamboogle two_wiki hotpotqa musique gated.gaia aime24 amc23 gameof24 gated.gpqa medqa"
ORDER += " gated.gaia_files gated.gpqa_diamond almanacs.almanac almanacs.almanac_hard"
"""The modules of this folder, in the order of the paper's tables."""


@cache
def registry() -> dict[str, Benchmark]:
    """Every benchmark by its name, in the order of the paper's tables."""
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
