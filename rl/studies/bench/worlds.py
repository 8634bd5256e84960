"""The worlds of the update's benchmark: rows, and the planner that is trained on them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.strings import NANO
from rl.planners import nano
from rl.reward.task import Task
from rl.rollout import Action, Trajectory
from rl.run.record import Row
from rl.run.record import rows as run_rows
from rl.settings.config import Config
from rl.studies.bench import rows

GROUP = 8


@dataclass(frozen=True)
class World:
    """What the contenders step on."""

    name: str
    planner: Path
    trajectories: list[Trajectory]
    batch: int
    """Rows of an optimizer step."""
    micro: int
    """Rows of a padded pass."""
    others: bool = False
    """Whether stock and TRL compete too."""

    @property
    def ids(self) -> list[list[int]]:
        """The rows' tokens."""
        return [a.prompt_ids + a.token_ids for t in self.trajectories for a in t.actions]

    def config(self, run: Path, share: str) -> Config:
        """The settings of a contender."""
        reply = max(len(a.token_ids) for t in self.trajectories for a in t.actions)
        window = max(map(len, self.ids)) + 1
        return Config.model_validate(
            {
                "run": run,
                "model": {"path": str(self.planner)},
                "rollout": {"group_size": GROUP, "window": window, "reply_tokens": reply},
                "optimizer": {
                    "batch_rows": self.batch,
                    "micro_batch": self.micro,
                    "lr": 1e-6,
                    "share_prefixes": share,
                },
            }
        )


def shipped() -> World:
    """The planner that ships, on rows of its size."""
    given = rows.terse(256, GROUP, 0)
    return World("nano", NANO, given, batch=64, micro=64, others=True)


def seven_million(folder: Path, turns: int) -> World:
    """A planner of 7 million random weights made in `folder`, on the default layout's rows."""
    rng = random.Random(0)
    texts = [rows.words(rng, 50_000), *rows.cards().values()]
    tokenizer = nano.build_tokenizer(texts, 4096)
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=4096,
            hidden_size=256,
            num_hidden_layers=6,
            num_attention_heads=8,
            num_key_value_heads=2,
            intermediate_size=1024,
            max_position_embeddings=32768,
            tie_word_embeddings=True,
            pad_token_id=nano.PAD_ID,
            bos_token_id=nano.START_ID,
            eos_token_id=nano.END_ID,
            dtype="float32",
        )
    )
    nano.save(folder, model, tokenizer, {})
    encode = PolicyTokenizer.load(folder).encode
    given = rows.static_first(turns, 1, GROUP, 0, encode)
    return World(f"{turns} turns", folder, given, batch=turns * GROUP, micro=GROUP)


def recorded(record: Path, planner: Path) -> World:
    """The rows of a recorded step, all of it one optimizer step.

    Raises:
        SettingError: the record holds no runs.
    """
    given = [_trajectory(row) for row in run_rows(record) if row["reward"] is not None]
    if not given:
        raise SettingError(f"record {record} holds no graded runs; name a folder of a step")
    count = sum(len(t.actions) for t in given)
    return World(record.name, planner, given, batch=-(-count // 16) * 16, micro=16)


def _trajectory(row: Row) -> Trajectory:
    calls = [call for turn in row["state"]["turns"] for call in turn["planner"]]
    names = ("prompt_ids", "token_ids", "logprobs", "policy_version", "finish_reason")
    actions = [Action(**{name: call[name] for name in names}) for call in calls]
    return Trajectory(Task(row["id"], row["id"], tuple(row["golds"])), actions, row["reward"])
