"""The sections of what is measured of a run, and where it is told: reward, evaluation, logging."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from agentflow_graph.errors import closest
from rl.settings.sections import Section

REWARDS = ("rule", "judge", "rule_then_judge")
HELDOUT = "heldout"
"""The evaluation set that `data.heldout` names."""
NAME = re.compile(r"[a-z0-9_]+")
"""Of an evaluation set or a part of the reward: it becomes part of a file's name or a metric's."""


class Grader(Section):
    """Who grades a finished run; see rl/reward."""

    kind: str = Field(
        "rule",
        description="rule, judge, rule_then_judge (the judge is asked where the rule says no), or "
        "package.module:function of your own",
    )
    judge: str = Field("", description="Model of the judge, such as vllm:NAME@http://HOST:PORT/v1")
    seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds of one call of the judge or the function; then the run is unscored",
    )

    @model_validator(mode="after")
    def _possible(self) -> Grader:
        if ":" not in self.kind and self.kind not in REWARDS:
            raise ValueError(
                f"kind={self.kind!r}{closest(self.kind, REWARDS)}: choose one of "
                f"{', '.join(REWARDS)}, or name package.module:function"
            )
        asks = self.kind in ("judge", "rule_then_judge")
        if asks and not self.judge:
            raise ValueError(
                f"kind={self.kind!r} needs reward.judge, a model such as "
                "vllm:NAME@http://HOST:PORT/v1 or openai:NAME"
            )
        if self.judge and not asks:
            raise ValueError(
                f"judge={self.judge!r} is never asked with kind={self.kind!r}; set "
                "reward.kind=judge or rule_then_judge, or leave the judge out"
            )
        return self


class RewardPart(Grader):
    """One part of a reward that is a weighted sum."""

    weight: float = Field(
        ge=0, le=1, description="Of the part in the sum; 0: it is logged, and teaches nothing"
    )


class RewardSettings(Grader):
    """What a finished run is worth; see rl/reward."""

    parts: dict[str, RewardPart] = Field(
        default_factory=dict,
        description="In place of `kind`: parts by name, each graded by itself and summed by weight",
    )
    weights: dict[str, float] = Field(
        default_factory=dict,
        description="Of the parts that a function of `kind` returns by name; empty: their mean",
    )
    turns: str = Field(
        "",
        description="package.module:function that returns a number for each planner turn; empty: "
        "turns have the run's reward alone",
    )
    turn_weight: float = Field(
        1.0, gt=0, description="Of a turn's own advantage beside that of the run"
    )

    @model_validator(mode="after")
    def _summed(self) -> RewardSettings:
        if self.parts and (self.kind != "rule" or self.judge):
            raise ValueError(
                f"parts are summed in place of kind={self.kind!r}; name it as one of the parts, or "
                "leave it or the parts out"
            )
        if self.weights and ":" not in self.kind:
            raise ValueError(
                f"weights={self.weights!r} are of a function's parts and kind={self.kind!r} is "
                "none; name reward.parts.NAME.weight, or a function as kind"
            )
        for field, weights in (("parts", self._weights()), ("weights", self.weights)):
            _hold_to_sum(field, weights)
        if self.turns and ":" not in self.turns:
            raise ValueError(f"turns={self.turns!r} is no function; name package.module:function")
        return self

    def _weights(self) -> dict[str, float]:
        return {name: part.weight for name, part in self.parts.items()}

    def graders(self) -> Iterator[tuple[str, Grader]]:
        """Dotted name and settings of each who grades a run."""
        for name, part in self.parts.items():
            yield f"reward.parts.{name}", part
        if not self.parts:
            yield "reward", self

    @property
    def judges(self) -> dict[str, str]:
        """The judges' models, by the dotted name of their setting."""
        return {f"{name}.judge": one.judge for name, one in self.graders() if one.judge}

    @property
    def functions(self) -> list[str]:
        """The functions of somebody's that a run's reward calls."""
        kinds = [one.kind for _, one in self.graders() if ":" in one.kind]
        return kinds + [self.turns] * bool(self.turns)

    @property
    def longest(self) -> float:
        """Seconds that grading one run may take: a judge is asked twice before it says yes."""
        return sum(2 * one.seconds for _, one in self.graders()) + self.seconds * bool(self.turns)


def _hold_to_sum(field: str, weights: Mapping[str, float]) -> None:
    """Raise ValueError where a sum by these weights is not always a reward in 0..1."""
    if wrong := [name for name in weights if not NAME.fullmatch(name)]:
        raise ValueError(f"{field}.{wrong[0]}: a name is of a-z, 0-9 and _; give the part another")
    if not weights:
        return
    total = math.fsum(weights.values())
    if min(weights.values()) < 0 or not 0 < total <= 1 + 1e-9:
        raise ValueError(
            f"{field} have weights {dict(weights)} with the sum {total:g}; a reward is in 0..1, so "
            "let none be negative and the sum be above 0 and at most 1"
        )


class EvaluationSet(Section):
    """Questions that the planner is measured on beside `data.heldout`."""

    questions: str = Field(description="A file, or the held-out questions of a generated world")
    n: int = Field(300, ge=1, description="Questions per evaluation, at most")
    skip: int = Field(0, ge=0, description="Questions at its beginning that are left out")
    runs: int = Field(1, ge=1, description="Runs of each question, k of avg@k and pass@k")


class Evaluation(Section):
    """Held-out questions during training."""

    every: int = Field(10, ge=1, description="Steps between evaluations")
    temperature: float = Field(0.7, gt=0, description="Of the planner's sampling")
    greedy: bool = Field(True, description="Also at temperature 0, before and after training")
    runs: int = Field(
        1, ge=1, description="Runs of each question of data.heldout, k of avg@k and pass@k"
    )
    sets: dict[str, EvaluationSet] = Field(
        default_factory=dict,
        description="Further sets of questions by name; the set `heldout` is data.heldout",
    )
    choose: str = Field(
        HELDOUT, description="The set that the best planner and patience go by, no other's result"
    )
    best: bool = Field(True, description="Keep the planner of the best evaluation in <run>/best")
    patience: int = Field(
        0, ge=0, description="Stop after so many evaluations without a new best; 0: never"
    )
    solved_at: float = Field(
        1.0, gt=0, le=1, description="Reward from which a question counts as solved"
    )
    max_unscored: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of runs without a reward up to which an evaluation counts: for best, "
        "patience and the report's headline",
    )

    @model_validator(mode="after")
    def _named(self) -> Evaluation:
        for name in self.sets:
            if name in (HELDOUT, "train") or not NAME.fullmatch(name):
                raise ValueError(
                    f"sets.{name}: a set's name is of a-z, 0-9 and _, and neither heldout, which "
                    "data.heldout names, nor train; give it another"
                )
        if self.choose not in (HELDOUT, *self.sets):
            known = (HELDOUT, *self.sets)
            raise ValueError(
                f"choose={self.choose!r}{closest(self.choose, known)} is no set; there are "
                f"{', '.join(known)}"
            )
        return self


class Wandb(Section):
    """Weights & Biases."""

    project: str = Field("", description="Project that metrics go to; empty: none go")
    entity: str = Field("", description="User or team of the project; empty: your own")
    mode: Literal["online", "offline"] = Field(
        "online", description="offline: into <run>/wandb alone, for `wandb sync` later"
    )


class Logging(Section):
    """Where metrics go beside <run>/metrics.jsonl."""

    tensorboard: bool = Field(True, description="Event files in <run>/tensorboard")
    wandb: Wandb = Wandb()
