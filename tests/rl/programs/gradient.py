"""One real trainer step on ragged trajectories; prints how far its gradient is from the paper's.

Run as a program, because the trainer's stand-ins for torch.cuda hold for a whole process:
`python gradient.py FOLDER WEIGHTING ROWS MICRO SHARE TOKENS`. Everything between the trajectories
and the gradient is the trainer's own: credit, rows, blanks, trees, OpenRLHF's loss, DeepSpeed's
accumulation.
"""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from rl import flow_grpo
from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.update.buffer import WINDOW
from rl.adapter.update.experience import FlowExperienceMaker, assign
from rl.adapter.update.policy import FlowPolicy
from rl.planners import nano
from rl.reward.task import Task
from rl.rollout import Action, Trajectory
from rl.settings.config import Config

TURNS = {
    ("a", 1.0): (3, 1),
    ("a", 0.0): (2, 1, 1),
    ("b", 1.0): (1,),
    ("b", 0.0): (4, 2),
    ("c", 1.0): (1, 2),
}
BETA = 0.05


def trajectories(generator: torch.Generator) -> list[Trajectory]:
    """Questions a and b with spread and ragged turns, c without spread, one failed run."""

    def ids(n: int) -> list[int]:
        return torch.randint(3, 250, (n,), generator=generator).tolist()

    opening = {name: ids(5) for name in "abc"}
    made = []
    for (name, reward), lengths in TURNS.items():
        for turns in lengths:
            actions = []
            prompt = opening[name]
            for _ in range(turns):
                size = int(torch.randint(2, 9, (), generator=generator))
                prompt = prompt + ids(3 + size)
                actions.append(Action(prompt, ids(size), [0.0] * size, 0, "stop"))
            made.append(Trajectory(Task(name, f"question {name}", ("gold",)), actions, reward))
    made.insert(2, Trajectory(Task("a", "question a", ("gold",)), failure="injected"))
    return made


def started(args: Any, folder: Path) -> FlowPolicy:
    """The policy in `folder`, in this process, as its actor would hold it."""
    from openrlhf.utils import get_strategy

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    policy = FlowPolicy(1, 0, "127.0.0.1", port)
    policy.init_model_from_pretrained(get_strategy(args), str(folder), 100, [])
    return policy


def main(folder: Path, weighting: str, rows: int, micro: int, share: str, tokens: int) -> None:
    generator = torch.Generator().manual_seed(0)
    tokenizer: Tokenizer = nano.build_tokenizer(["a b c"], 300)
    nano.save(folder, nano.build_model(tokenizer.get_vocab_size(), 0), tokenizer, {})
    config = Config.model_validate(
        {
            "run": str(folder / "run"),
            "model": {"path": str(folder)},
            "algorithm": {"weighting": weighting, "kl": BETA},
            # So small a step that the gradients of all windows are at the same weights.
            "optimizer": {"batch_rows": rows, "micro_batch": micro, "threads": 1, "lr": 1e-12}
            | {"share_prefixes": share, "micro_tokens": tokens},
            "rollout": {"group_size": 4, "window": 64, "reply_tokens": 16},
        }
    )
    args = openrlhf_args(config)
    policy = started(args, folder)
    credit = assign(trajectories(generator), config.algorithm, 0)
    if share == "on":
        policy.share_prefixes()
    batches = experiences(policy, credit, args, config, generator)
    caught: dict[str, torch.Tensor] = {}
    windows = [int(b.info[WINDOW][0]) if WINDOW in b.info else 0 for b in batches]
    catch_gradient(policy, windows, caught)
    wanted = closed_form(folder, credit, config, batches)
    for batch in batches:
        policy.append(batch)
    status = policy.fit(kl_ctl=BETA)
    error = max(((caught[n] - g).norm() / wanted_norm(wanted)).item() for n, g in wanted.items())
    blanks = sum(int((b.action_mask.sum(-1) == 0).sum()) for b in batches)
    print(
        json.dumps(
            {
                "error": error,
                "blanks": blanks,
                "steps": len(batches),
                "kl": status["kl"],
                "clipped": status["ppo_clip_ratio"],
                "used": len(credit.trajectories),
            }
        )
    )


def wanted_norm(gradient: dict[str, torch.Tensor]) -> torch.Tensor:
    norm: torch.Tensor = torch.cat([g.flatten() for g in gradient.values()]).norm()
    return norm


def experiences(policy: Any, credit: Any, args: Any, config: Config, generator: Any) -> list[Any]:
    """The maker's rows, with log-probabilities of a policy and a reference that moved on."""
    maker = object.__new__(FlowExperienceMaker)
    maker.args, maker.algorithm = args, config.algorithm
    maker.tokenizer, maker.micro_tokens = policy.tokenizer, config.micro_tokens
    batches = maker.split_rollout_samples(credit)
    for batch in batches:
        now = policy.forward(batch.sequences, batch.action_mask, batch.attention_mask)
        noise = torch.randn(2, *now.shape, generator=generator)
        batch.action_log_probs = now + 0.3 * noise[0]
        batch.base_action_log_probs = now + 0.3 * noise[1]
        batch.info["kl"] = torch.zeros(len(now))
    return maker.compute_advantages_and_returns(batches)


def catch_gradient(policy: Any, windows: list[int], caught: dict[str, torch.Tensor]) -> None:
    """Add up the gradients that DeepSpeed is about to step with, as a mean over its steps."""
    from deepspeed.utils import safe_get_full_grad

    strategy, stock = policy.strategy, policy.strategy.optimizer_step
    engine = policy.actor.model

    def step(*arguments: Any, **keywords: Any) -> None:
        if engine.is_gradient_accumulation_boundary():
            share = 1 / len(set(windows))
            for name, parameter in engine.module.named_parameters():
                known = caught.get(name, torch.zeros_like(parameter))
                caught[name] = known + safe_get_full_grad(parameter) * share
        stock(*arguments, **keywords)

    strategy.optimizer_step = step


def closed_form(folder: Path, credit: Any, config: Config, batches: list[Any]) -> dict[str, Any]:
    """Gradient of -J by autograd, on a copy of the model loaded afresh."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    owner = torch.tensor([i for i, t in enumerate(credit.trajectories) for _ in t.actions])
    rows: dict[int, tuple[torch.Tensor, ...]] = {}
    for batch in batches:
        for row, number in enumerate(batch.index):
            mask = batch.action_mask[row].bool()
            if mask.any():
                logits = model(input_ids=batch.sequences[row : row + 1]).logits[0, :-1]
                picked = logits.log_softmax(-1).gather(1, batch.sequences[row, 1:, None])[:, 0]
                rows[number] = (
                    picked[mask],
                    batch.action_log_probs[row][mask],
                    batch.base_action_log_probs[row][mask],
                )
    columns = list(zip(*(rows[number] for number in sorted(rows)), strict=True))
    padded = [torch.nn.utils.rnn.pad_sequence(list(c), batch_first=True) for c in columns]
    mask = torch.nn.utils.rnn.pad_sequence(
        [torch.ones(len(v)) for v in columns[0]], batch_first=True
    )
    rewards = torch.tensor([t.reward for t in credit.trajectories])
    value = flow_grpo.objective(
        padded[0],
        padded[1],
        padded[2],
        mask,
        rewards,
        credit.groups,
        owner,
        beta=BETA,
        weighting=config.algorithm.weighting,
    )
    (-value).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


if __name__ == "__main__":
    place, weighting, rows, micro, share, tokens = sys.argv[1:]
    main(Path(place), weighting, int(rows), int(micro), share, int(tokens))
