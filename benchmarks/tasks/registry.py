"""The benchmarks by name."""

from functools import cache
from importlib import import_module

from agentflow_graph.errors import SettingError, closest
from benchmarks.items.item import Benchmark

# In the order of the paper's tables; the module is the name, but for 2wiki, no name in Python.
MODULES = {
    "bamboogle": "bamboogle",
    "2wiki": "two_wiki",
    "hotpotqa": "hotpotqa",
    "musique": "musique",
    "gaia": "gaia",
    "aime24": "aime24",
    "amc23": "amc23",
    "gameof24": "gameof24",
    "gpqa": "gpqa",
    "medqa": "medqa",
    "almanac": "almanac",
}


@cache
def registry() -> dict[str, Benchmark]:
    """Every benchmark by its name, in the order of the paper's tables."""
    return {
        name: import_module(f"benchmarks.tasks.{module}").BENCHMARK
        for name, module in MODULES.items()
    }


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
