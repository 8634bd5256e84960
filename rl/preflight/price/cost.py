"""What a step costs: model calls, tokens and optimizer steps, each at most; seconds where measured.

Upper bounds: every run takes all its turns in full prompts and replies. Runs that stop earlier, and
groups without spread, cost less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from agentflow_graph.context import is_rule
from agentflow_graph.errors import SettingError
from benchmarks.scoring.judge import LONGEST_ANSWER, LONGEST_QUESTION, REPLY_TOKENS
from rl.run.folder import records
from rl.settings.config import Config, load

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
        optimizer_steps=-(-calls["planner"] // config.optimizer.batch_rows),
        evaluations=evaluations(config),
        evaluation_runs=config.data.heldout_n,
        seconds=seconds,
        basis=basis,
    )


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
        "judge": 2 * runs * bool(config.reward.judge),  # a yes is asked for twice
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
