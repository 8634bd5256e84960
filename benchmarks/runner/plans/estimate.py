"""What a manifest will take before it is run: tokens, money, hours, and what it can show.

What a run has measured already (a pilot with `--limit 2`) stands for its remaining trials; else
the manifest's assumptions do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agentflow_graph.context import Context, is_rule
from agentflow_graph.models.providers.prices import PriceList
from agentflow_graph.nodes.parts.given import MODULES
from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.result import Result, Session
from benchmarks.runner.plans.manifest import Assumed, Entry
from benchmarks.runner.store.folder import Request
from benchmarks.runner.trials import context_of

JUDGE, TOOL = "judge", "base_generator.model"


@dataclass(frozen=True)
class Estimate:
    """Of the trials of a run that have no score yet."""

    name: str
    trials: int
    input_tokens: float
    output_tokens: float
    dollars: float
    """Of the models whose price is known."""
    unpriced: tuple[str, ...]
    """Models whose price is not."""
    hours: float
    measured: int
    """Trials that it is measured on; 0: it is assumed."""


def estimate(
    entry: Entry,
    request: Request,
    benchmarks: Mapping[str, Benchmark],
    assumed: Assumed,
    session: Session | None,
) -> Estimate:
    """What is still to come of one run; `session` is what there is of it."""
    context = context_of(request)
    done = [each for each in session.results if each.score is not None] if session else []
    left = sum(request.expected.values()) * request.trials - len(done)
    spent = _of_a_trial(context, entry, assumed)
    share = _judged(request, benchmarks) * assumed.judged
    tokens = assumed.tokens[JUDGE]
    judge = {JUDGE: (share * tokens[0], share * tokens[1])} if request.judge else {}
    dollars, unknown = _money(spent, judge, context, request.judge, request.price_list)
    read, written = (sum(side) for side in zip(*spent.values(), *judge.values(), strict=True))
    hours = _hours(read, written, entry, assumed, request.concurrency)
    if done:
        read = _mean(done, "input_tokens") + sum(each[0] for each in judge.values())
        written = _mean(done, "output_tokens") + sum(each[1] for each in judge.values())
        hours = _mean(done, "seconds") / request.concurrency / 3600
        costs = [each.cost for each in done if each.cost is not None]
        dollars = sum(costs) / len(costs) if len(costs) == len(done) and not unknown else dollars
    return Estimate(
        entry.name,
        left,
        left * read,
        left * written,
        left * dollars,
        tuple(sorted(unknown)),
        left * hours,
        len(done),
    )


def _of_a_trial(context: Context, entry: Entry, assumed: Assumed) -> dict[str, tuple[float, float]]:
    """Tokens in and out by module, and of the tools' model."""
    if entry.arm.baseline:
        return {"generator": assumed.tokens["baseline"]}
    turns = mean_turns(context.max_turns, assumed)
    calls = dict.fromkeys(("planner", "executor", "verifier"), turns) | {"generator": 1.0}
    found = {}
    for module, times in calls.items():
        if not is_rule(module, getattr(context, module)):
            read, written = assumed.tokens[module]
            found[module] = (times * read, times * written)
    if context.tool_model:
        read, written = assumed.tokens["tool"]
        found[TOOL] = (turns * read, turns * written)
    return found


def mean_turns(budget: int, assumed: Assumed) -> float:
    """Mean turns with a budget, between those that are stated; never more than the budget."""
    known = sorted((int(most), mean) for most, mean in assumed.turns.items())
    mean = np.interp(budget, [most for most, _ in known], [mean for _, mean in known])
    return min(float(budget), float(mean))


def _money(
    spent: Mapping[str, tuple[float, float]],
    judge: Mapping[str, tuple[float, float]],
    context: Context,
    judge_model: str,
    prices: PriceList,
) -> tuple[float, set[str]]:
    """Dollars of a trial where the price is known, and the models of which it is not."""
    dollars, unknown = 0.0, set()
    asked = [(_spec_of(who, context), tokens) for who, tokens in spent.items()]
    asked += [(judge_model, tokens) for tokens in judge.values()]
    for spec, (read, written) in asked:
        if (price := prices.of(spec)) is None:
            unknown.add(spec.partition("?")[0])
        else:
            dollars += price.of({"input_tokens": read, "output_tokens": written, "calls": 1.0})
    return dollars, unknown


def _spec_of(who: str, context: Context) -> str:
    return str(getattr(context, who)) if who in MODULES else context.tool_model


def _judged(request: Request, benchmarks: Mapping[str, Benchmark]) -> float:
    """Share of the trials whose benchmark asks a judge."""
    whole = sum(request.expected.values())
    return sum(n for task, n in request.expected.items() if benchmarks[task].judged) / (whole or 1)


def _hours(read: float, written: float, entry: Entry, assumed: Assumed, concurrency: int) -> float:
    """Of a trial among as many as run at once: the servers' time, and that of the tools."""
    fast_in, fast_out = assumed.tokens_per_second
    turns = 0.0 if entry.arm.baseline else mean_turns(entry.turns or 10, assumed)
    tools = turns * assumed.tool_seconds / concurrency
    return (read / fast_in + written / fast_out + tools) / 3600


def _mean(results: list[Result], name: str) -> float:
    return float(sum(getattr(each, name) for each in results) / len(results))
