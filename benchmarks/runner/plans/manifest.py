"""The manifest of a paper's experiments: tasks, and arms that each are one agent.

    manifest = read_manifest("paper-7b")            # one that ships, or a TOML or YAML file
    [entry.name for entry in manifest.entries]      # ["base", "frozen-3", "frozen-5", ...]

A missing or unknown field, or a wrong value, is refused by name.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.record.artifacts import faults, read_text, read_toml
from benchmarks.items.item import PAPER_SYSTEMS

SHIPPED = Path(__file__).parent
REMEDY = "see `python -m benchmarks paper paper-7b --show` for one that is whole"
Count = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0)]
NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
Name = Annotated[str, Field(pattern=NAME)]
TOKENS: dict[str, tuple[float, float]] = {
    "planner": (2500, 250),
    "executor": (1500, 120),
    "verifier": (2000, 150),
    "generator": (2500, 400),
    "tool": (1500, 300),
    "baseline": (300, 700),
    "judge": (700, 150),
}
"""Tokens read and written in one call of each, where nobody states others."""


class _Part(BaseModel, frozen=True, extra="forbid"):
    """Unknown fields are refused: they would be left out without a word."""


class Arm(_Part):
    """One agent, or one model without any."""

    title: str
    model: str = ""
    """Of all modules and of the tools; of a baseline the model itself."""
    baseline: Literal["", "direct", "cot"] = ""
    temperature: Amount | None = None
    budgets: tuple[Count, ...] = ()
    """Most turns, a run each; empty: the usual ones, or none of a baseline."""
    set: dict[Name, str | int | float | bool] = {}
    """Settings of the graph."""
    paper: str = ""
    """The paper's system that this one stands for."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.baseline and self.budgets:
            raise ValueError("a baseline takes no turns: leave budgets out")
        if "max_turns" in self.set:
            raise ValueError("max_turns is what budgets says: leave it out of set")
        if self.paper and self.paper not in PAPER_SYSTEMS:
            near = closest(self.paper, PAPER_SYSTEMS)
            raise ValueError(f"the paper has no {self.paper!r}{near}: {', '.join(PAPER_SYSTEMS)}")
        return self


class Assumed(_Part):
    """What a trial takes, where nothing is measured yet."""

    turns: dict[str, Amount] = {"3": 1.98, "5": 2.60, "7": 3.08, "10": 3.61}
    """Mean turns by budget; those of the paper over four tasks (figure of turn budgets)."""
    tokens: dict[str, tuple[Amount, Amount]] = TOKENS
    """In and out, of one call of each; a tool's model is asked once a turn."""
    judged: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Share of the open answers that the judge sees."""
    tokens_per_second: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (
        20_000,
        1_500,
    )
    """In and out, of the servers together."""
    tool_seconds: Amount = 2.0

    @field_validator("tokens")
    @classmethod
    def _whole(cls, given: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """What is not stated is as usual."""
        for name in given:
            if name not in TOKENS:
                raise ValueError(f"{name!r} asks nothing{closest(name, TOKENS)}: {list(TOKENS)}")
        return TOKENS | given


class Manifest(_Part):
    """Everything that is to be run; each arm with each of its budgets is one run of all tasks."""

    title: str
    tasks: tuple[str, ...] = Field(min_length=1)
    arms: dict[Name, Arm] = Field(min_length=1)
    compare: tuple[tuple[str, str], ...] = ()
    """Pairs of arms; empty: each arm with the one before."""
    subset: str = ""
    limit: Count | None = None
    trials: Count = 1
    seed: Annotated[int, Field(ge=0)] = 0
    judge: str = ""
    concurrency: Count = 32
    max_seconds: Annotated[float, Field(gt=0)] | None = None
    max_tokens: Count | None = None
    max_failed: Annotated[float, Field(gt=0, le=1)] = 0.5
    filter_leaks: bool = False
    as_is: bool = False
    assumed: Assumed = Assumed()

    @model_validator(mode="after")
    def _pairs_are_arms(self) -> Self:
        for name in (name for pair in self.compare for name in pair):
            if name not in self.arms:
                raise ValueError(
                    f"compare names {name!r}{closest(name, self.arms)}; arms are "
                    f"{', '.join(self.arms)}"
                )
        return self

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The arms that are compared."""
        names = tuple(self.arms)
        return self.compare or tuple(zip(names, names[1:], strict=False))

    @property
    def entries(self) -> Iterator[Entry]:
        """Every run."""
        for name, arm in self.arms.items():
            for turns in sorted(set(arm.budgets)) or [0]:
                yield Entry(f"{name}-{turns}" if turns else name, name, arm, turns)

    def asked(self, entry: Entry, **more: Any) -> Namespace:
        """What the command `run` would be told of one of them."""
        arm = entry.arm
        shared = (
            "subset limit trials seed judge concurrency max_seconds max_tokens max_failed "
            "filter_leaks as_is"
        )
        given = {name: getattr(self, name) for name in shared.split()}
        own = {"model": arm.model, "baseline": arm.baseline, "temperature": arm.temperature}
        settings = [f"{name}={value}" for name, value in arm.set.items()]
        return Namespace(**given, **own, task=list(self.tasks), set=settings, **more)


class Entry(NamedTuple):
    """One run of a manifest."""

    name: str
    """Of its folder."""
    of: str
    """Name of its arm."""
    arm: Arm
    turns: int
    """Most of them; 0: not set."""


def find(profile: str) -> Path:
    """The file of a manifest: one that ships by its name, any other by its path."""
    shipped = SHIPPED / f"{profile}.toml"
    return shipped if "/" not in profile and shipped.is_file() else Path(profile)


def read_manifest(profile: str) -> Manifest:
    """The manifest of that name or path.

    Raises:
        SettingError: it cannot be read, or says something that is not understood.
    """
    path = find(profile)
    given = _yaml(path) if path.suffix in (".yaml", ".yml") else read_toml(path, REMEDY)
    try:
        return Manifest.model_validate(given)
    except ValidationError as error:
        raise SettingError(f"{path} is no manifest ({faults(error)}); {REMEDY}") from None


def _yaml(path: Path) -> Any:
    text = read_text(path, REMEDY)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise SettingError(f"{path} is not YAML ({said}); {REMEDY}") from None
