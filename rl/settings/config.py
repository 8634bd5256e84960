"""One typed configuration of a training run, from YAML and `key=value` on the command line.

    config = load(Path("rl/configs/nano.yaml"), ["steps=20", "rollout.group_size=4"])

An unknown name or a wrong value is refused with the name, the value and what it may be, before
anything is started. The sections are in `rl/settings/sections.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from agentflow_graph.context import Context
from benchmarks.worlds import ALMANAC, WORLDS, Known
from rl.settings.algorithm import Algorithm
from rl.settings.machines import Engine, Placement, Record
from rl.settings.measures import (
    HELDOUT,
    Evaluation,
    EvaluationSet,
    Logging,
    RewardSettings,
)
from rl.settings.paths import with_whole_paths
from rl.settings.sections import (
    Data,
    Lora,
    Model,
    Optimizer,
    Rollout,
    Section,
)
from rl.settings.yaml_file import read

SHIPPED = Path(__file__).parents[1] / "configs"

__all__ = [
    "Algorithm",
    "Config",
    "Data",
    "Engine",
    "Evaluation",
    "EvaluationSet",
    "Logging",
    "Lora",
    "Model",
    "Optimizer",
    "Placement",
    "RewardSettings",
    "Rollout",
    "Section",
    "load",
]


class Config(Section):
    """A whole run."""

    run: Path = Field(description="Folder of the run; must be new or empty")
    seed: int = Field(7, description="Of questions, sampling and update")
    steps: int = Field(40, ge=1, description="Rounds of rollouts, each with one update")
    save_every: int = Field(0, ge=0, description="Steps between checkpoints; 0: at the end only")
    export_every: int = Field(
        0, ge=0, description="Steps between planners in <run>/exports; 0: none but model and best"
    )
    keep_exports: int = Field(0, ge=0, description="Newest of them that are kept; 0: all")
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
    record: Record = Record()
    algorithm: Algorithm = Algorithm()
    optimizer: Optimizer = Optimizer()
    engine: Engine = Engine()
    placement: Placement = Placement()
    evaluation: Evaluation = Evaluation()
    reward: RewardSettings = RewardSettings()
    logging: Logging = Logging()

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        ranks = self.placement.ranks
        if self.optimizer.batch_rows % (self.optimizer.micro_batch * ranks):
            raise ValueError(
                f"optimizer.batch_rows={self.optimizer.batch_rows} must be a multiple of "
                f"optimizer.micro_batch={self.optimizer.micro_batch}"
                + (f" x {ranks} GPUs of the policy" if ranks > 1 else "")
            )
        if self.rollout.reply_tokens >= self.rollout.window:
            raise ValueError(
                f"rollout.reply_tokens={self.rollout.reply_tokens} leaves no room for a prompt in "
                f"rollout.window={self.rollout.window}"
            )
        if self.micro_tokens < self.rollout.window:
            raise ValueError(
                f"optimizer.micro_tokens={self.optimizer.micro_tokens} cannot hold one row of "
                f"rollout.window={self.rollout.window} tokens; raise it, or set it to 0"
            )
        self.algorithm.hold_to_replies(self.rollout.reply_tokens)
        self._possible()
        self._placed()
        self._ordered()
        self.rollout.hold_to_close(self.correction(), self.deterministic, self.engine.sleep)
        self.record.hold_to_saves(self.save_every)
        self._priced()
        return self

    def _possible(self) -> None:
        """What OpenRLHF or DeepSpeed would refuse, or do wrong, when minutes are spent."""
        runs, ranks = self.rollout.questions * self.rollout.group_size, self.placement.ranks
        if runs < ranks:
            raise ValueError(
                f"rollout.questions={self.rollout.questions} x rollout.group_size="
                f"{self.rollout.group_size} makes {runs} runs for {ranks} GPUs of the policy, of "
                "which each needs one; raise one of the two, or take fewer GPUs"
            )
        if self.model.reference and not self.algorithm.kl:
            raise ValueError(
                f"model.reference={self.model.reference!r} is never asked with algorithm.kl=0; set "
                "algorithm.kl, or leave the reference out"
            )
        if self.reward.turns and self.algorithm.shuffle_advantages:
            raise ValueError(
                f"reward.turns={self.reward.turns!r} would teach beside "
                "algorithm.shuffle_advantages=True, which must not; leave one of the two out"
            )
        if self.engine.device == "gpu" and self.model.dtype == "fp32":
            raise ValueError(
                "model.dtype='fp32' needs engine.device=cpu: the engines of GPUs hold bf16 and "
                "take no other weights; set model.dtype=bf16"
            )
        if self.model.reference_offload and self.optimizer.zero_stage != 3:
            raise ValueError(
                "model.reference_offload=True needs optimizer.zero_stage=3: with less DeepSpeed "
                "keeps the reference on the GPU and says nothing"
            )

    def _priced(self) -> None:
        if self.context().max_money:
            raise ValueError(
                f"agent.max_money={self.context().max_money:g} needs a price of the planner, and "
                "the policy in training has none; set rollout.max_money, of the whole run"
            )

    def _placed(self) -> None:
        place, engine = self.placement, self.engine
        if engine.device == "cpu":
            if place.ranks > 1 or engine.tensor_parallel > 1 or place.colocate != "none":
                raise ValueError("placement and engine.tensor_parallel need engine.device=gpu")
            return
        if place.colocate == "all" and place.ranks != engine.count * engine.tensor_parallel:
            raise ValueError(
                f"placement.colocate=all: engine.count={engine.count} x engine.tensor_parallel="
                f"{engine.tensor_parallel} must be placement.nodes x placement.gpus={place.ranks}"
            )
        if engine.sleep and place.colocate != "all":
            raise ValueError("engine.sleep=True needs placement.colocate=all")
        if self.model.packing and not self.model.attention.startswith("flash_attention"):
            raise ValueError(
                f"model.packing=True needs model.attention=flash_attention_2, not "
                f"{self.model.attention!r}"
            )

    def _ordered(self) -> None:
        ahead = self.rollout.max_steps_ahead
        if self.deterministic and ahead:
            raise ValueError(
                f"deterministic=true needs rollout.max_steps_ahead=0, it is {ahead}: which weights "
                "a rollout ahead meets is a matter of time"
            )
        if self.deterministic and (self.engine.device, self.engine.count) != ("cpu", 1):
            raise ValueError(
                f"deterministic=true needs engine.device=cpu and engine.count=1; they are "
                f"{self.engine.device} and {self.engine.count}"
            )
        if self.engine.sleep and ahead:
            raise ValueError(
                f"engine.sleep=True needs rollout.max_steps_ahead=0, it is {ahead}: an engine that "
                "sleeps while the policy trains runs no rollouts"
            )

    @property
    def micro_tokens(self) -> int:
        """Tree tokens of one forward and backward pass where prefixes are shared."""
        return self.optimizer.micro_tokens or max(4096, self.rollout.window)

    def correction(self) -> str:
        """How tokens are corrected: none, clip or mask."""
        if self.algorithm.correction == "auto":
            beside = self.rollout.max_steps_ahead or self.rollout.close < 1
            apart = beside or self.engine.device == "gpu"
            return "clip" if apart else "none"
        return self.algorithm.correction

    @property
    def run_tokens(self) -> int:
        """Tokens that the planner samples in one run, at most, without repairs."""
        return self.rollout.reply_tokens * self.context().max_turns

    def context(self) -> Context:
        """The graph's settings in rollouts; the planner itself is the policy.

        A world in data.train has settings of its own, such as its articles; those in `agent` win.

        Raises:
            SettingError: a name or value in `agent` is wrong.
        """
        usual = {"repairs": 0, "max_seconds": self.rollout.deadline}
        return Context.of({**usual, **self.world.settings, **self.agent})

    @property
    def sets(self) -> dict[str, EvaluationSet]:
        """The evaluation sets by name; `data.heldout` is the first."""
        data = self.data
        first = EvaluationSet(questions=data.heldout, n=data.heldout_n, runs=self.evaluation.runs)
        return {HELDOUT: first, **self.evaluation.sets}

    @property
    def world(self) -> Known:
        """The generated world that it trains in; the first one where its questions are files."""
        return WORLDS.get(self.data.train, ALMANAC)


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a YAML file, with `section.key=value` pairs over it; its paths whole.

    Those that ship are found by name, `nano` or `rl/configs/nano.yaml`, where no file is called so.

    Raises:
        SettingError: the file, a key or a value is wrong; one line per fault.
    """
    found = read(Config, _found(path), overrides)
    return Config.model_validate(with_whole_paths(found.model_dump()))


def _found(path: Path) -> Path:
    ours = SHIPPED / f"{path.stem}.yaml"
    named = path in (Path(path.stem), Path("rl", "configs", ours.name))
    return ours if named and ours.exists() and not path.is_file() else path
