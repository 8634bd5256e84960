"""What a manifest will take before it is run: tokens, money, hours, and what it can show.

What a run has measured already (a pilot with `--limit 2`) stands for its remaining trials; else
the manifest's assumptions do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    agent, unknown = _agent(context, entry, assumed, request.price_list)
    judge, unjudged = _judge(request, benchmarks, assumed)
    hours = _hours(agent.plus(judge), entry, assumed, request.concurrency)
    if done:
        agent = _measured(done, agent)
        judge = _judging(done, judge) if session and session.judge == request.judge else judge
        hours = _mean(done, "seconds") / request.concurrency / 3600
    whole = agent.plus(judge)
    return Estimate(
        entry.name,
        left,
        left * whole.read,
        left * whole.written,
        left * whole.dollars,
        tuple(sorted(unknown | unjudged)),
        left * hours,
        len(done),
    )


@dataclass(frozen=True)
class Share:
    """What a trial asks of some models: tokens in and out, and US dollars as far as known."""

    read: float = 0.0
    written: float = 0.0
    dollars: float = 0.0

    def plus(self, other: Share) -> Share:
        """Of both together."""
        dollars = self.dollars + other.dollars
        return Share(self.read + other.read, self.written + other.written, dollars)


def _agent(
    context: Context, entry: Entry, assumed: Assumed, prices: PriceList
) -> tuple[Share, set[str]]:
    """Of the graph's models, and those of them whose price is not known."""
    asked = _of_a_trial(context, entry, assumed).items()
    return _priced([(_spec_of(who, context), 1.0, tokens) for who, tokens in asked], prices)


def _judge(
    request: Request, benchmarks: Mapping[str, Benchmark], assumed: Assumed
) -> tuple[Share, set[str]]:
    """Of the judge, and its name if its price is not known."""
    if not request.judge:
        return Share(), set()
    times = _judged(request, benchmarks) * assumed.judged
    return _priced([(request.judge, times, assumed.tokens[JUDGE])], request.price_list)


def _measured(done: list[Result], assumed: Share) -> Share:
    """What the graph's models took; dollars as assumed where a price was not known to the run."""
    costs = [each.cost for each in done if each.cost is not None]
    dollars = sum(costs) / len(costs) if len(costs) == len(done) else assumed.dollars
    return Share(_mean(done, "input_tokens"), _mean(done, "output_tokens"), dollars)


def _judging(done: list[Result], assumed: Share) -> Share:
    """What the judge took; as assumed where the marks do not say, or none is the judge's."""
    asked = [each for each in done if each.verdicts]
    if not asked or not all(each.judging for each in asked):
        return assumed
    costs = [each.judging_cost for each in asked if each.judging_cost is not None]
    dollars = sum(costs) / len(done) if len(costs) == len(asked) else assumed.dollars
    read, written = (
        sum(each.judging.get(name, 0.0) for each in asked) / len(done)
        for name in ("input_tokens", "output_tokens")
    )
    return Share(read, written, dollars)


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


def _priced(
    asked: Sequence[tuple[str, float, tuple[float, float]]], prices: PriceList
) -> tuple[Share, set[str]]:
    """Sum over (model, times a trial, tokens of one), and the models without a known price."""
    whole, unknown = Share(), set()
    for spec, times, (read, written) in asked:
        tokens = {"input_tokens": times * read, "output_tokens": times * written}
        price = prices.of(spec)
        if price is None:
            unknown.add(spec.partition("?")[0])
        dollars = price.of({**tokens, "calls": times}) if price else 0.0
        whole = whole.plus(Share(times * read, times * written, dollars))
    return whole, unknown


def _spec_of(who: str, context: Context) -> str:
    return str(getattr(context, who)) if who in MODULES else context.tool_model


def _judged(request: Request, benchmarks: Mapping[str, Benchmark]) -> float:
    """Share of the trials whose benchmark asks a judge."""
    whole = sum(request.expected.values())
    return sum(n for task, n in request.expected.items() if benchmarks[task].judged) / (whole or 1)


def _hours(asked: Share, entry: Entry, assumed: Assumed, concurrency: int) -> float:
    """Of a trial among as many as run at once: the servers' time, and that of the tools."""
    fast_in, fast_out = assumed.tokens_per_second
    turns = 0.0 if entry.arm.baseline else mean_turns(entry.turns or 10, assumed)
    tools = turns * assumed.tool_seconds / concurrency
    return (asked.read / fast_in + asked.written / fast_out + tools) / 3600


def _mean(results: list[Result], name: str) -> float:
    return float(sum(getattr(each, name) for each in results) / len(results))
