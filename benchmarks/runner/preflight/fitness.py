"""Whether a run measures what its benchmarks are for.

Without settings the graph is the nano planner with rules and the almanac's corpus: right for the
almanac, and for any other benchmark a number that says nothing. Such a run is refused with what to
set, unless one says that it is meant (`--as-is`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agentflow_graph.context import RULES, Context, is_rule, listed
from agentflow_graph.errors import SettingError
from benchmarks.items.item import Benchmark
from tools.catalog.catalog import SETS
from tools.catalog.settings import Settings

ASKS_PAGES = ("web_search", "google_search")
MEANT = "or say --as-is, if that is what you mean to measure"


def must_fit(
    context: Context, benchmarks: Mapping[str, Benchmark], judge: str, as_is: bool = False
) -> None:
    """Raises SettingError, with all that is unfit, unless `as_is`.

    Args:
        context: the graph's settings.
        benchmarks: those that are to run, by name.
        judge: model string of the judge; empty: none.
        as_is: the run is meant so.
    """
    faults = [] if as_is else list(dict.fromkeys(_faults(context, benchmarks, judge)))
    if faults:
        raise SettingError("; ".join([*faults, MEANT]))


def tool_names(context: Context) -> list[str]:
    """The tools that the settings name, sets by their members."""
    return [one for name in listed(context.tools) for one in SETS.get(name, (name,))]


def _faults(context: Context, benchmarks: Mapping[str, Benchmark], judge: str) -> Iterator[str]:
    if judge and not any(benchmark.judged for benchmark in benchmarks.values()):
        names = " and ".join(benchmarks)
        yield f"{names} is scored by rule alone and --judge would not be asked: leave it out"
    for name, benchmark in benchmarks.items():
        if context.output_names == ("base",):
            continue
        if "modules" in benchmark.needs:
            yield from _modules(context, name)
        if "search" in benchmark.needs:
            yield from _search(context, name)
        if not benchmark.needs and (backend := _encyclopedia(context)) not in ("", "corpus"):
            yield f"{name} is in no encyclopedia, and wikipedia_search asks {backend}: unset it"


def _modules(context: Context, name: str) -> Iterator[str]:
    if context.planner == "nano":
        yield (
            f"planner=nano knows the almanac alone, not {name}: give --model MODEL or "
            "--set planner=MODEL"
        )
    forms = {module: getattr(context, module) for module in RULES}
    ruled = [module for module, form in forms.items() if is_rule(module, form)]
    if ruled:
        given = ", ".join(f"{module}={forms[module]}" for module in ruled)
        yield (
            f"{given} are rules for the almanac's kind of question, and {name} wants models: give "
            f"--model MODEL or {' '.join(f'--set {module}=MODEL' for module in ruled)}"
        )


def _search(context: Context, name: str) -> Iterator[str]:
    names = tool_names(context)
    if _encyclopedia(context) == "corpus":
        yield (
            f"wikipedia_search would look for {name} in the almanac: export "
            "AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND=mediawiki (or kiwix, retrieval), or name another "
            "corpus in --set tools_file=FILE"
        )
    elif not {"wikipedia_search", *ASKS_PAGES} & {*names} and _only_ours(names):
        yield f"{name} needs a tool that searches, and tools={context.tools} has none: add one"


def _encyclopedia(context: Context) -> str:
    """Where wikipedia_search looks; empty: nowhere, or in a corpus of the user's own."""
    if "wikipedia_search" not in tool_names(context):
        return ""
    own = Settings(file=context.tools_file).of("wikipedia_search")
    return own.backend or ("" if own.corpus else "corpus")


def _only_ours(names: list[str]) -> bool:
    return all(name in SETS["all"] for name in names)
