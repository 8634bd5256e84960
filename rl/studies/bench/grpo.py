"""TRL's GRPOTrainer on rows that are there already."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from rl.rollout import Trajectory
from rl.studies.bench.rows import tokens


def pad(rows: list[list[int]], left: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, both (rows, longest)."""
    side = "left" if left else "right"
    ids = pad_sequence([torch.tensor(row) for row in rows], True, padding_side=side)
    ones = [torch.ones(len(row), dtype=torch.long) for row in rows]
    return ids, pad_sequence(ones, True, padding_side=side)


class Rows(GRPOTrainer):
    """Takes given rows instead of generating them; the rest is TRL's."""

    given: list[Trajectory]

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        actions = [action for t in self.given for action in t.actions]
        prompts, prompt_mask = pad([a.prompt_ids for a in actions], left=True)
        replies, reply_mask = pad([a.token_ids for a in actions], left=False)
        ids, mask = torch.cat([prompts, replies], 1), torch.cat([prompt_mask, reply_mask], 1)
        keep, size = replies.shape[1], self.args.per_device_train_batch_size
        with torch.no_grad():
            old, reference = (
                self._get_per_token_logps_and_entropies(model, ids, mask, keep, size)[0]
                for model in (self.model, self.ref_model)
            )
        rewards = torch.tensor([t.reward for t in self.given for _ in t.actions])
        return {
            "prompt_ids": prompts,
            "prompt_mask": prompt_mask,
            "completion_ids": replies,
            "completion_mask": reply_mask,
            "advantages": (rewards - rewards.mean()) / (rewards.std() + 1e-4),
            "num_items_in_batch": reply_mask.sum(),
            "old_per_token_logps": old,
            "ref_per_token_logps": reference,
        }


class Laps(TrainerCallback):
    """Tells how fast each round of optimizer steps was, and stops the clock in between."""

    def __init__(self, steps: int, size: int, done: Callable[[int, float], None]) -> None:
        self._steps, self._size, self._done = steps, size, done

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """The clock starts."""
        self._begun = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A round ends when every row was used."""
        rounds, rest = divmod(state.global_step, self._steps)
        if not rest:
            self._done(rounds - 1, self._size / (time.perf_counter() - self._begun))
            self._begun = time.perf_counter()


class Grpo:
    """A trainer for `rounds` times the same rows, in steps of `batch` rows."""

    def __init__(
        self, given: list[Trajectory], model: Path, out: Path, batch: int, rounds: int
    ) -> None:
        rows = sum(len(t.actions) for t in given)
        self._steps, self._size = rows // batch, tokens(given)
        config = GRPOConfig(
            output_dir=str(out),
            per_device_train_batch_size=batch,
            steps_per_generation=self._steps,
            num_generations=8,
            max_completion_length=32,
            max_steps=self._steps * rounds,
            learning_rate=1e-6,
            lr_scheduler_type="constant",
            optim="adamw_torch",
            max_grad_norm=1.0,
            beta=0.001,
            epsilon=0.2,
            epsilon_high=0.3,
            loss_type="grpo",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        self._trainer = Rows(
            model=AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
            reward_funcs=[lambda **_: [0.0]],
            args=config,
            train_dataset=Dataset.from_dict({"prompt": ["question"] * rows}),
            processing_class=PreTrainedTokenizerFast.from_pretrained(model / "tokenizer"),
        )
        self._trainer.given = given

    def run(self, between: Callable[[int, float], None]) -> None:
        """Train; after each round `between` gets its number and its tokens per second."""
        self._trainer.add_callback(Laps(self._steps, self._size, between))
        self._trainer.train()
