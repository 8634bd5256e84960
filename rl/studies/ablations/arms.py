"""The arms of the ablations, and the commands that each consists of.

All arms of a seed start from one warm-started planner and are measured by `rl.evaluate`. Offline
arms learn from as many trajectories as online training sees, on the same questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rl.planners.formatstart import FormatStart
from rl.planners.sft import RECIPE
from rl.settings.arguments import NANO
from rl.settings.config import load

Kind = Literal["oracle", "frozen", "own", "teacher", "online"]
TURNS = 3
"""The turn budget of training."""
BUDGETS = (1, 2, 3, 5)


@dataclass(frozen=True)
class Arm:
    """One way to a planner, and the turn budgets at which it is measured."""

    name: str
    kind: Kind
    about: str
    overrides: tuple[str, ...] = ()
    budgets: tuple[int, ...] = (TURNS,)


ARMS = (
    Arm("oracle", "oracle", "the scripted teacher itself: the ceiling", budgets=BUDGETS),
    Arm("frozen", "frozen", "the warm start, not trained further", budgets=BUDGETS),
    Arm("sft-own", "own", "offline SFT on the frozen planner's own successes"),
    Arm("sft-teacher", "teacher", "offline SFT on the oracle's runs of the same questions"),
    Arm("online", "online", "Flow-GRPO as in rl/configs/nano.yaml", budgets=BUDGETS),
    Arm("row-statistics", "online", "mean and deviation over rows", ("algorithm.statistics=row",)),
    Arm("token-mean", "online", "each token counts alike", ("algorithm.weighting=token-mean",)),
)
TRAINED_AT = tuple(
    Arm(f"online-{n}", "online", f"trained at {n} turns", (f"agent.max_turns={n}",), (n,))
    for n in BUDGETS
    if n != TURNS
)
"""Trained at the budget at which they are measured; online itself is the one at three turns."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the defaults are those of the demo."""

    steps: int = 40
    sft_steps: int = 600
    warm_steps: int = 800
    overrides: tuple[str, ...] = ()
    """Of the training configuration, for every arm alike."""
    config: Path = NANO
    weights: Path | None = None
    """A language model, from which the arms begin by a format start; None: the nano planner."""
    format_steps: int = FormatStart.steps
    sft_lr: float = RECIPE.lr

    @property
    def asked(self) -> tuple[int, int]:
        """Questions per step of training, and runs of each."""
        rollout = load(self.config, self.overrides).rollout
        return rollout.questions, rollout.group_size


@dataclass(frozen=True)
class Job:
    """One command, `python -m WORDS`; it is done when its last file is there."""

    name: str
    words: tuple[str, ...]
    last: Path
    partial: Path
    """What a broken-off run of it leaves, which is removed before it runs again."""


def warm_start(home: Path, seed: int, sizes: Sizes) -> Job:
    """The planner from which all arms of a seed start."""
    out = home / "warmstart"
    if sizes.weights:
        given = ("rl.planners.formatstart", "--planner", sizes.weights, "--out", out)
        layout = load(sizes.config, sizes.overrides).context().layout
        how = ("--seed", seed, "--steps", sizes.format_steps, "--layout", layout)
        return _job("format start", (*given, *how), out / "agentflow.json", out)
    words = ("rl.planners.warmstart", "--out", out, "--seed", seed, "--steps", sizes.warm_steps)
    return _job("warm start", words, out / "agentflow.json", out)


def jobs(arm: Arm, home: Path, seed: int, sizes: Sizes) -> list[Job]:
    """What makes and measures the planner of an arm, in order; `home` is the seed's folder."""
    out = home / arm.name / "evaluations.json"
    budgets = ",".join(map(str, arm.budgets))
    words = ("rl.evaluate", "--planner", planner(arm, home), "--out", out, "--budgets", budgets)
    teacher = ("--teacher",) if arm.kind == "oracle" else ()
    greedy = () if sizes.weights else ("--greedy",)
    how = (*greedy, "--seed", seed, "--config", sizes.config, *teacher)
    measured = (*words, *how, *sizes.overrides)
    return [*_made(arm, home, seed, sizes), _job("evaluation", measured, out, out)]


def planner(arm: Arm, home: Path) -> Path:
    """Where the planner of an arm lies; the oracle speaks in the tokens of the frozen one."""
    if arm.kind in ("oracle", "frozen"):
        return home / "warmstart"
    return home / arm.name / ("run/model" if arm.kind == "online" else "model")


def _made(arm: Arm, home: Path, seed: int, sizes: Sizes) -> list[Job]:
    if arm.kind in ("oracle", "frozen"):
        return []
    if arm.kind == "online":
        return [_online(arm, home, seed, sizes)]
    return _offline(arm, home, seed, sizes)


def _online(arm: Arm, home: Path, seed: int, sizes: Sizes) -> Job:
    run = home / arm.name / "run"
    given = (f"run={run}", f"model.path={home / 'warmstart'}", f"seed={seed}")
    rest = (f"steps={sizes.steps}", *sizes.overrides, *arm.overrides)
    words = ("rl.train", "--config", sizes.config, *given, *rest)
    return _job("training", words, run / "summary.json", run)


def _offline(arm: Arm, home: Path, seed: int, sizes: Sizes) -> list[Job]:
    folder, warm = home / arm.name, home / "warmstart"
    traces, out = folder / "traces", folder / "model"
    questions, size = sizes.asked
    group = ("--teacher",) if arm.kind == "teacher" else ("--group", size)
    asked = ("--questions", questions * sizes.steps, "--seed", seed, *group)
    how = (*asked, "--config", sizes.config, *sizes.overrides)
    sample = ("rl.planners.traces", "--planner", warm, "--out", traces, *how)
    given = ("--planner", warm, "--traces", traces, "--out", out, "--lr", sizes.sft_lr)
    learn = ("rl.planners.sft", *given, "--steps", sizes.sft_steps, "--seed", seed)
    return [
        _job("traces", sample, traces, folder / "traces.partial"),
        _job("fine-tuning", learn, out / "agentflow.json", out),
    ]


def _job(name: str, words: Sequence[object], last: Path, partial: Path) -> Job:
    return Job(name, tuple(map(str, words)), last, partial)
