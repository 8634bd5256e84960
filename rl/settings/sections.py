"""The sections of a run's configuration; `rl/settings/config.py` puts them together.

Every field says what it means and in which unit.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

Sharing = Annotated[
    Literal["auto", "on", "off"],
    # YAML reads a bare on and off as true and false.
    BeforeValidator(lambda value: {True: "on", False: "off"}.get(value, value)),
]


class Section(BaseModel):
    """Base: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(Section):
    """Adapters instead of the full update; the engines get merged weights."""

    rank: int = Field(0, ge=0, description="Rank of the adapters; 0: all weights are trained")
    alpha: int = Field(32, ge=1, description="The update counts alpha / rank times")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the adapters' inputs left out")
    targets: list[str] = Field(
        default_factory=list,
        description="Names of the linear layers, such as q_proj; empty: all but the output layer",
    )

    @model_validator(mode="after")
    def _separate(self) -> Lora:
        tied = sorted({"embed_tokens", "lm_head"} & set(self.targets))
        if tied:
            raise ValueError(
                f"targets={self.targets!r}: {' and '.join(tied)} may share one weight, which an "
                "adapter would change on one side only; name linear layers between them"
            )
        return self


class Model(Section):
    """The policy and its precision."""

    path: str = Field(
        description="The planner to train: a Hugging Face folder, OWNER/NAME on the hub, smollm2, "
        "or a .gguf file"
    )
    reference: str = Field(
        "",
        description="The frozen planner to which the KL is measured, such as the one before an "
        "earlier training; a folder or OWNER/NAME. Empty: the one at `path`",
    )
    warm_start: bool = Field(
        False, description="If `path` does not exist, make a nano planner there"
    )
    dtype: Literal["fp32", "bf16"] = Field("fp32", description="Precision of policy and reference")
    attention: str = Field("sdpa", description="attn_implementation of transformers")
    packing: bool = Field(
        False, description="Rows of a micro-batch behind one another, without padding (flash-attn)"
    )
    gradient_checkpointing: bool = Field(
        False, description="Compute activations again in the backward pass: less memory, more time"
    )
    reference_offload: bool = Field(
        False, description="Keep the reference in the host's memory between its passes"
    )
    lora: Lora = Lora()


class Data(Section):
    """Questions: JSONL files with question, answer and, where known, id and level."""

    train: str = Field(
        "almanac", description="A file, or a generated world: almanac or almanac-hard"
    )
    heldout: str = Field("almanac", description="A file, or a generated world")
    heldout_n: int = Field(300, ge=1, description="Held-out questions per evaluation, at most")
    levels: list[str] = Field(
        default_factory=list, description="Levels of the world to train on; empty: all it has"
    )
    curriculum: bool = Field(
        False, description="Draw questions by pass rate; see rl/questions/curriculum.py"
    )
    curriculum_floor: float = Field(
        0.05, gt=0, le=1, description="Smallest weight of a question, as a share of the largest"
    )
    curriculum_pool: int = Field(
        512, ge=1, description="Questions of the world to draw from; of a file all are taken"
    )


class Rollout(Section):
    """How trajectories are gathered."""

    questions: int = Field(16, ge=1, description="Questions per step")
    group_size: int = Field(8, ge=2, description="Trajectories per question, G")
    temperature: float = Field(1.0, gt=0, description="Of the planner's sampling and the update")
    reply_tokens: int = Field(32, ge=1, description="Tokens of one planner reply, at most")
    window: int = Field(512, ge=16, description="Tokens of prompt and reply together, at most")
    workers: int = Field(1, ge=1, description="Graph worker processes")
    in_flight: int = Field(256, ge=1, description="Runs at once in one worker")
    deadline: float = Field(60.0, gt=0, description="Seconds after which a run must answer")
    grace: float = Field(
        30.0, gt=0, description="Seconds a worker may be late before it is replaced"
    )
    retries: int = Field(1, ge=0, description="How often a run that a server failed is run again")
    outage_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of a batch's runs that servers may fail before the step pauses",
    )
    outage_seconds: float = Field(
        1800.0, ge=0, description="Seconds of pause after which training stops, to be resumed"
    )
    max_money: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="US dollars of all runs and judgements, after which training stops at the end "
        "of a step, to be resumed; 0: any (docs/costs.md)",
    )
    max_steps_ahead: int = Field(
        0, ge=0, description="Steps whose rollouts may run before the update before them is done"
    )
    close: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Share of a step's groups with which it may close; late ones serve the next "
        "step, corrected. 1: it waits for all",
    )
    refills: int = Field(
        0, ge=0, description="Rounds in which questions without spread are replaced by fresh ones"
    )

    def hold_to_close(self, correction: str, deterministic: bool, sleep: bool) -> None:
        """Raises ValueError if steps close early and that cannot be."""
        reasons = {
            "algorithm.correction=clip or mask: turns of late groups are of former weights": (
                correction == "none"
            ),
            "deterministic=false: which groups are late is a matter of time": deterministic,
            "engine.sleep=false: an engine that sleeps while the policy trains runs nothing": sleep,
        }
        if self.close < 1 and (needed := [reason for reason, lacks in reasons.items() if lacks]):
            raise ValueError(f"rollout.close={self.close:g} needs {'; and '.join(needed)}")


class Optimizer(Section):
    """AdamW steps on turn rows."""

    lr: float = Field(1e-3, gt=0, description="Learning rate")
    betas: tuple[float, float] = Field((0.9, 0.95), description="Of AdamW")
    weight_decay: float = Field(0.0, ge=0, description="Of AdamW; biases and norms have none")
    warmup: int = Field(
        12, ge=0, description="Optimizer steps of linear warm-up: the k-th has lr x k / warmup"
    )
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="Course of lr over the training steps, after the warm-up"
    )
    min_lr: float = Field(
        0.0, ge=0, le=1, description="Share of lr that a linear or cosine course ends with"
    )
    batch_rows: int = Field(64, ge=1, description="Turn rows per optimizer step")
    micro_batch: int = Field(
        64, ge=1, description="Turn rows per forward and backward pass, where tokens do not say it"
    )
    epochs: int = Field(
        1,
        ge=1,
        description="Passes over a step's rows; ratios are always to the policy before the first",
    )
    share_prefixes: Sharing = Field(
        "auto",
        description="Compute what rows begin with alike once (rl/prefix); on, off, or auto: the "
        "first step measures which is faster",
    )
    micro_tokens: int = Field(
        0,
        ge=0,
        description="Tokens per forward and backward pass and per pass for log-probabilities: of "
        "shared ones each counts once, of padded rows padding counts too, with model.packing there "
        "is none. 0: 4,096, or rollout.window if that is more, where prefixes are shared, else "
        "micro_batch rows",
    )
    max_norm: float = Field(1.0, gt=0, description="Gradient norm is clipped to this")
    threads: int = Field(2, ge=1, description="OpenMP threads of the update on CPU")
    zero_stage: int = Field(
        2,
        ge=0,
        le=3,
        description="What ZeRO shards over the GPUs: 1 optimizer, 2 gradients too, 3 weights too",
    )
    offload: bool = Field(
        False, description="Adam's states and the gradients in the host's memory, not the GPU's"
    )

    @field_validator("zero_stage")
    @classmethod
    def _leaves_out(cls, stage: int) -> int:
        if not stage:
            raise ValueError(
                "optimizer.zero_stage=0 would step on a gradient that is not finite; 1 computes "
                "the same and leaves such a step out"
            )
        return stage
