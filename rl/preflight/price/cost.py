"""What a step costs: model calls, tokens and optimizer steps, each at most; seconds where measured.

Upper bounds: every run takes all its turns in full prompts and replies. Runs that stop earlier, and
groups without spread, cost less. And whether a limit in money can be kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from langchain_core.tools import BaseTool

from agentflow_graph.context import is_rule
from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.money import without_price
from agentflow_graph.models.providers.prices import VARIABLE, known_prices
from agentflow_graph.nodes.parts.rates import rates_of
from benchmarks.scoring.judge import LONGEST_ANSWER, LONGEST_QUESTION, REPLY_TOKENS
from rl.run.folder import records
from rl.settings.config import Config, load
from tools.outcomes.finding import Finding, failure, ok

FROZEN = ("executor", "verifier", "generator", "analysis")
"""Modules whose models are asked for money, as the tools' and the judge are."""
ALIKE = ("model", "agent", "reward", "rollout", "optimizer", "engine", "placement")
"""Sections that must be equal for one run's seconds to tell of another's."""
PARTS = ("rollout_seconds", "experience_seconds", "update_seconds", "sync_seconds")


@dataclass(frozen=True)
class Cost:
    """Of one training step, but for `evaluations` and `evaluation_runs`, which are of the run."""

    runs: int
    calls: dict[str, int]
    """By module; `tool_model` is behind base_generator, `judge` gives the reward."""
    planner_prompt_tokens: int
    planner_reply_tokens: int
    frozen_prompt_tokens: int
    """Memory only; rules, tool cards and the question come on top."""
    frozen_reply_tokens: int
    judge_prompt_characters: int
    """Question and answer as far as the judge reads them; right answers and rules come on top."""
    judge_reply_tokens: int
    tool_calls: int
    optimizer_steps: int
    evaluations: int
    evaluation_runs: int
    seconds: float | None
    """None where nothing of the kind has been measured."""
    basis: str
    """The run that `seconds` was measured in."""


def cost(config: Config) -> Cost:
    """The bounds for a configuration, and the seconds of a run like it in the same folder."""
    rollout, context = config.rollout, config.context()
    runs = rollout.questions * rollout.group_size
    calls = _calls(config, runs)
    frozen = sum(n for name, n in calls.items() if name not in ("planner", "judge"))
    seconds, basis = step_seconds(config)
    return Cost(
        runs=runs,
        calls=calls,
        planner_prompt_tokens=calls["planner"] * (rollout.window - rollout.reply_tokens),
        planner_reply_tokens=calls["planner"] * rollout.reply_tokens,
        frozen_prompt_tokens=frozen * context.memory_tokens,
        frozen_reply_tokens=frozen * context.reply_tokens,
        judge_prompt_characters=calls.get("judge", 0) * (LONGEST_QUESTION + LONGEST_ANSWER),
        judge_reply_tokens=calls.get("judge", 0) * REPLY_TOKENS,
        tool_calls=runs * context.max_turns,
        optimizer_steps=-(-calls["planner"] // config.optimizer.batch_rows)
        * config.optimizer.epochs,
        evaluations=evaluations(config),
        evaluation_runs=evaluation_runs(config),
        seconds=seconds,
        basis=basis,
    )


def evaluation_runs(config: Config) -> int:
    """Runs of one evaluation, of all its sets, at most."""
    return sum(one.n * one.runs for one in config.sets.values())


def evaluations(config: Config) -> int:
    """How many there are in a run."""
    return 1 + -(-config.steps // config.evaluation.every) + 2 * config.evaluation.greedy


def _calls(config: Config, runs: int) -> dict[str, int]:
    """Calls of each model; repairs of a malformed reply come on top of them."""
    context = config.context()
    turns = runs * context.max_turns
    wanted = {
        "planner": turns,
        "analysis": runs * (context.analysis != "off"),
        "executor": turns * (not is_rule("executor", context.executor)),
        "verifier": turns * (not is_rule("verifier", context.verifier)),
        "generator": (
            runs * len(context.output_names) * (not is_rule("generator", context.generator))
        ),
        "tool_model": turns * bool(context.tool_model),
        "judge": 2 * runs * len(config.reward.judges),  # a yes is asked for twice
    }
    return {name: count for name, count in wanted.items() if count}


def step_seconds(config: Config) -> tuple[float | None, str]:
    """Median seconds of a step in the newest run with the same settings in the parent folder."""
    folders = config.run.parent.glob("*/metrics.jsonl")
    for metrics in sorted(folders, key=lambda path: -path.stat().st_mtime):
        if _alike(config, metrics.parent) and (seconds := list(_steps(metrics))):
            basis = f"median of {len(seconds)} steps in {metrics.parent}"
            return round(median(seconds), 2), basis
    return None, ""


def _alike(config: Config, folder: Path) -> bool:
    try:
        other = load(folder / "config.yaml")
    except SettingError:
        return False
    return all(getattr(config, name) == getattr(other, name) for name in ALIKE)


def _steps(metrics: Path) -> Iterator[float]:
    try:
        entries = records(metrics)
    except SettingError:  # another's run; its seconds are a courtesy
        return
    for entry in entries:
        if entry["kind"] == "step":
            yield sum(entry[part] for part in PARTS if isinstance(entry.get(part), int | float))


def money(config: Config, tools: Sequence[BaseTool]) -> Finding:
    """A failure where the run has a limit and somebody but the policy has no price."""
    limit, context = config.rollout.max_money, config.context()
    if not limit:
        return ok("money", "no limit")
    asked = [m for m in FROZEN if not is_rule(m, spec := getattr(context, m)) and spec != "off"]
    known = known_prices()
    models, by_name = dict.fromkeys(asked), {tool.name: tool for tool in tools}
    missing = without_price(rates_of(context, models, (), by_name, known).values())
    judge = config.reward.judge
    missing += [judge] if judge and known.of(judge) is None else []
    if missing:
        return failure(
            "money",
            f"rollout.max_money={limit:g} needs every price, and none is known for "
            f"{', '.join(missing)}",
            f"state it in a file that {VARIABLE} names (0 where it costs nothing; docs/costs.md)",
        )
    return ok("money", f"training stops after a step once ${limit:g} are spent")
