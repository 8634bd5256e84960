"""One typed configuration of a training run, from YAML and `key=value` on the command line.

    config = load(Path("rl/configs/nano.yaml"), ["steps=20", "rollout.group=4"])

Every field says what it means and in which unit; an unknown name or a wrong value is refused with
the name, the value and what it may be, before anything is started.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError, closest


class Section(BaseModel):
    """Base: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(Section):
    """Adapters in the place of the full update; the engines are given merged weights."""

    rank: int = Field(0, ge=0, description="Rank of the adapters; 0: all weights are trained")
    alpha: int = Field(32, ge=1, description="The update counts alpha / rank times")
    dropout: float = Field(0.0, ge=0, lt=1)
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

    path: str = Field(description="Hugging Face folder or hub name of the planner to train")
    warm_start: bool = Field(
        False, description="If `path` does not exist, make a nano planner there"
    )
    dtype: Literal["fp32", "bf16"] = Field("fp32", description="Precision of policy and reference")
    attention: str = Field("sdpa", description="attn_implementation of transformers")
    lora: Lora = Lora()


class Data(Section):
    """Questions: JSONL files with question, answer and, where known, id and level."""

    train: str = Field(
        "almanac", description="A file, or almanac: questions of the generated world"
    )
    heldout: str = Field("almanac", description="A file, or almanac")
    heldout_n: int = Field(300, ge=1, description="Held-out questions per evaluation, at most")
    curriculum: bool = Field(False, description="Draw questions by pass rate; see rl/curriculum.py")
    curriculum_floor: float = Field(
        0.05, gt=0, le=1, description="Smallest weight of a question, as a share of the largest"
    )
    curriculum_pool: int = Field(
        512, ge=1, description="Questions of the almanac to draw from; of a file all are taken"
    )


class Rollout(Section):
    """How trajectories are gathered."""

    questions: int = Field(16, ge=1, description="Questions per step")
    group: int = Field(8, ge=2, description="Trajectories per question, G")
    temperature: float = Field(1.0, gt=0)
    max_tokens: int = Field(32, ge=1, description="Tokens of one planner reply, at most")
    window: int = Field(512, ge=16, description="Tokens of prompt and reply together, at most")
    workers: int = Field(1, ge=1, description="Graph worker processes")
    in_flight: int = Field(256, ge=1, description="Runs at once in one worker")
    deadline: float = Field(60.0, gt=0, description="Seconds after which one run has failed")
    grace: float = Field(
        30.0, gt=0, description="Seconds a worker may be late before it is replaced"
    )
    retries: int = Field(1, ge=0, description="How often a failed run is run again")
    ahead: int = Field(
        0, ge=0, description="Steps whose rollouts may run before the update before them is done"
    )
    refills: int = Field(
        0, ge=0, description="Rounds in which questions without spread are replaced by fresh ones"
    )


class Algorithm(Section):
    """Flow-GRPO; see rl/flow_grpo.py."""

    kl: float = Field(0.001, ge=0, description="beta, weight of the KL to the reference; 0: none")
    clip_low: float = Field(0.2, gt=0, lt=1)
    clip_high: float = Field(0.3, gt=0)
    weighting: Literal["paper", "token-mean"] = "paper"
    statistics: Literal["trajectory", "row"] = "trajectory"
    correction: Literal["auto", "off", "clip", "mask"] = Field(
        "auto",
        description="Importance correction of tokens for the distance between the policy that "
        "sampled and the one that is trained: its ratio is clipped to `correction_bounds`, or "
        "tokens beyond them are left out; auto: clip if rollout.ahead, else off",
    )
    correction_bounds: tuple[float, float] = (0.5, 2.0)
    shuffle_advantages: bool = Field(
        False, description="Control experiment: deal advantages out at random; must not learn"
    )


class Optimizer(Section):
    """AdamW steps on turn rows."""

    lr: float = Field(1e-3, gt=0)
    warmup: int = Field(12, ge=0, description="Optimizer steps of linear warm-up")
    rows: int = Field(64, ge=1, description="Turn rows per optimizer step")
    micro_batch: int = Field(64, ge=1, description="Turn rows per forward and backward pass")
    max_norm: float = Field(1.0, gt=0, description="Gradient norm is clipped to this")
    threads: int = Field(2, ge=1, description="OpenMP threads of the update on CPU")
    zero_stage: int = Field(2, ge=0, le=3, description="DeepSpeed ZeRO stage")


class Engine(Section):
    """The rollout engines: vLLM."""

    device: Literal["cpu", "gpu"] = "cpu"
    kind: Literal["inline", "async"] = Field(
        "inline", description="inline: LLMEngine in the actor's process; async: AsyncLLM"
    )
    count: int = Field(1, ge=1)
    threads: int = Field(1, ge=1, description="OpenMP threads of one CPU engine")
    cache_gib: int = Field(1, ge=1, description="KV cache of one CPU engine, GiB")
    gpu_utilization: float = Field(0.6, gt=0, le=1)


class Evaluation(Section):
    """Held-out questions during training."""

    every: int = Field(10, ge=1, description="Steps between evaluations")
    temperature: float = Field(0.7, gt=0)
    greedy: bool = Field(True, description="Also at temperature 0, before and after training")
    best: bool = Field(True, description="Keep the planner of the best evaluation in <run>/best")
    patience: int = Field(
        0, ge=0, description="Stop after so many evaluations without a new best; 0: never"
    )


class Config(Section):
    """A whole run."""

    run: Path = Field(description="Folder of the run; must be new or empty")
    seed: int = 7
    steps: int = Field(40, ge=1)
    save_every: int = Field(0, ge=0, description="Steps between checkpoints; 0: at the end only")
    deterministic: bool = Field(
        False,
        description="Same seed, same weights, also after a kill; engines take calls one by one",
    )
    stalled_after: int = Field(
        8, ge=1, description="Stop after so many steps in a row in which every run failed to score"
    )
    model: Model
    data: Data = Data()
    agent: dict[str, Any] = Field(default_factory=dict, description="Settings of the graph")
    rollout: Rollout = Rollout()
    algorithm: Algorithm = Algorithm()
    optimizer: Optimizer = Optimizer()
    engine: Engine = Engine()
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.optimizer.rows % self.optimizer.micro_batch:
            raise ValueError(
                f"optimizer.rows={self.optimizer.rows} must be a multiple of "
                f"optimizer.micro_batch={self.optimizer.micro_batch}"
            )
        if self.rollout.max_tokens >= self.rollout.window:
            raise ValueError(
                f"rollout.max_tokens={self.rollout.max_tokens} leaves no room for a prompt in "
                f"rollout.window={self.rollout.window}"
            )
        if self.deterministic and self.rollout.ahead:
            raise ValueError(
                f"deterministic=true needs rollout.ahead=0, it is {self.rollout.ahead}: which "
                "weights a rollout ahead meets is a matter of time"
            )
        if self.deterministic and (self.engine.device, self.engine.count) != ("cpu", 1):
            raise ValueError(
                f"deterministic=true needs engine.device=cpu and engine.count=1; they are "
                f"{self.engine.device} and {self.engine.count}"
            )
        self.context()
        return self

    def correction(self) -> str:
        """off, clip or mask."""
        if self.algorithm.correction == "auto":
            return "clip" if self.rollout.ahead else "off"
        return self.algorithm.correction

    def context(self) -> Context:
        """The graph's settings in rollouts; the planner itself is the policy.

        Raises:
            SettingError: a name or value in `agent` is wrong.
        """
        return Context.of({"repairs": 0, "max_seconds": self.rollout.deadline, **self.agent})


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file and apply `section.key=value` pairs, values written as YAML.

    Raises:
        SettingError: the file, a key or a value is wrong; one line per fault.
    """
    try:
        record = yaml.safe_load(path.read_bytes()) or {}
    except OSError as error:
        raise SettingError(f"config {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SettingError(f"config {path} is not YAML: {error}") from error
    if not isinstance(record, dict):
        raise SettingError(f"config {path} is not a mapping of names to values: {record!r}")
    for pair in overrides:
        _override(record, pair)
    try:
        return Config.model_validate(record)
    except ValidationError as error:
        raise SettingError("\n".join(_explained(fault) for fault in error.errors())) from None


def _override(record: dict[str, Any], pair: str) -> None:
    key, equals, value = pair.partition("=")
    if not equals:
        raise SettingError(f"{pair!r} is not of the form section.key=value")
    *sections, name = key.split(".")
    for section in sections:
        record = record.setdefault(section, {})
        if not isinstance(record, dict):
            raise SettingError(f"{key!r}: {section!r} is a value, not a section")
    try:
        record[name] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SettingError(f"the value of {pair!r} is not YAML: {error}") from error


def _explained(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {where!r}{closest(fault['loc'][-1], _names(fault['loc'][:-1]))}"
    value = "" if fault["type"] == "missing" else f"={fault['input']!r}"
    shown = f"{where}{value}: " if where else ""
    return f"{shown}{fault['msg'].removeprefix('Value error, ')}"


def _names(path: Sequence[Any]) -> list[str]:
    section: Any = Config
    for part in path:
        section = section.model_fields[part].annotation
    return list(section.model_fields)
