"""The section of a run's reward."""

from __future__ import annotations

from pydantic import Field, model_validator

from agentflow_graph.errors import closest
from rl.settings.sections import Section

REWARDS = ("rule", "judge", "rule_then_judge")


class RewardSettings(Section):
    """What a finished run is worth; see rl/reward."""

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
    def _possible(self) -> RewardSettings:
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

    @property
    def longest(self) -> float:
        """Seconds that grading one run may take: a judge is asked twice before it says yes."""
        return 2 * self.seconds
