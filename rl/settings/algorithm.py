"""The section of a run's objective: Flow-GRPO, and what can be had in its place."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rl.settings.sections import Section


class Algorithm(Section):
    """Flow-GRPO (rl/flow_grpo.py) by default; others and their sources: rl/adapter/objective."""

    kl: float = Field(0.001, ge=0, description="beta, weight of the KL to the reference; 0: none")
    clip_low: float = Field(0.2, gt=0, lt=1, description="Ratios are clipped below at 1 - this")
    clip_high: float = Field(0.3, gt=0, description="Ratios are clipped above at 1 + this")
    dual_clip: float = Field(
        0.0,
        ge=0,
        description="Where the advantage is negative, the ratio counts this much at most, such as "
        "3; 0: no bound (dual clip)",
    )
    ratio: Literal["token", "sequence"] = Field(
        "token",
        description="Whose probability is compared: each token's, or a whole reply's by the "
        "geometric mean of its tokens (GSPO, which clips at 3e-4 and 4e-4)",
    )
    advantage: Literal["normalised", "centred", "leave-one-out"] = Field(
        "normalised",
        description="normalised: (R - mean) / deviation; centred: R - mean (Dr. GRPO); "
        "leave-one-out: R - mean of the question's other runs (RLOO)",
    )
    weighting: Literal["paper", "token-mean", "constant"] = Field(
        "paper",
        description="paper: a run's turns share its weight, a turn's tokens the turn's; "
        "token-mean: each token of a step counts alike; constant: each token counts 1 / "
        "(rollout.reply_tokens x agent.max_turns) of a run, however long runs are (Dr. GRPO)",
    )
    statistics: Literal["trajectory", "row"] = Field(
        "trajectory", description="Whose mean and deviation advantages have: runs or turn rows"
    )
    entropy: float = Field(
        0.0, ge=0, description="Weight of the bonus for the mean entropy of sampled tokens, nats"
    )
    overlong: Literal["keep", "mask", "punish"] = Field(
        "keep",
        description="Replies cut off at rollout.reply_tokens: keep them; mask: they teach nothing; "
        "punish: a run whose longest reply comes within overlong_buffer of it loses reward (DAPO)",
    )
    overlong_buffer: int = Field(
        0, ge=0, description="Tokens before the limit over which the loss of reward grows to whole"
    )
    overlong_penalty: float = Field(
        1.0, gt=0, description="Reward that a run with a reply at the limit loses"
    )
    correction: Literal["auto", "none", "clip", "mask"] = Field(
        "auto",
        description="Importance correction of tokens for the distance between the policy that "
        "sampled and the one that is trained: its ratio is clipped to `correction_bounds`, or "
        "tokens beyond them are left out; auto: clip on GPUs, where engine "
        "and trainer round otherwise, with rollout.max_steps_ahead and rollout.close, else none",
    )
    correction_bounds: tuple[float, float] = Field(
        (0.5, 2.0), description="Smallest and largest ratio of the correction"
    )
    shuffle_advantages: bool = Field(
        False, description="Control experiment: deal advantages out at random; must not learn"
    )

    @model_validator(mode="after")
    def _together(self) -> Algorithm:
        if 0 < self.dual_clip <= 1:
            raise ValueError(
                f"algorithm.dual_clip={self.dual_clip} would clip ratios that have not grown; set "
                "it above 1, such as 3, or to 0 for none"
            )
        if self.advantage == "leave-one-out" and self.statistics == "row":
            raise ValueError(
                "algorithm.advantage=leave-one-out leaves a run out, not its turns; set "
                "algorithm.statistics=trajectory"
            )
        self._sequences()
        self._overlong()
        return self

    def _sequences(self) -> None:
        if self.ratio == "token":
            return
        if self.weighting != "paper":
            raise ValueError(
                f"algorithm.weighting={self.weighting} weighs tokens, and with "
                "algorithm.ratio=sequence those of a reply have one ratio; set "
                "algorithm.weighting=paper"
            )
        if self.correction in ("clip", "mask"):
            raise ValueError(
                f"algorithm.correction={self.correction} is of tokens, and with "
                "algorithm.ratio=sequence OpenRLHF corrects by the ratio itself; set it to auto "
                "or none"
            )

    def _overlong(self) -> None:
        if (self.overlong == "punish") != bool(self.overlong_buffer):
            raise ValueError(
                f"algorithm.overlong={self.overlong} and algorithm.overlong_buffer="
                f"{self.overlong_buffer} do not go together: punish needs the tokens over which "
                "the loss grows, the others have none"
            )

    def hold_to_replies(self, reply_tokens: int) -> None:
        """Raises ValueError if the buffer is longer than a reply, of `reply_tokens` at most."""
        if self.overlong_buffer > reply_tokens:
            raise ValueError(
                f"algorithm.overlong_buffer={self.overlong_buffer} is more than "
                f"rollout.reply_tokens={reply_tokens}; lower it"
            )
