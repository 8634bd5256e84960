"""Real trainer steps on ragged trajectories; prints how far their gradients are from closed forms.

Run as a program, because the trainer's stand-ins for torch.cuda hold for a whole process:
`python gradient.py FOLDER CASES`, the latter a JSON list of settings by name. Everything between
the trajectories and the gradient is the trainer's own: credit, rows, blanks, trees, OpenRLHF's
loss, DeepSpeed's accumulation. Where there is a GPU the trainer's half runs on it, with what a GPU
run has: NCCL, FlexAttention, the fused optimizer. The closed form stays on the CPU.
"""

import json
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM

from rl import flow_grpo
from rl.adapter.objective.advantages import advantages
from rl.adapter.objective.closed_form import Rows, objective
from rl.adapter.objective.credit import Credit, assign
from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.update.buffer import WINDOW
from rl.adapter.update.experience import FlowExperienceMaker
from rl.adapter.update.policy import FlowPolicy
from rl.planners import nano
from rl.reward.task import Task
from rl.rollout import Action, Trajectory
from rl.settings.config import Config

Gradient = dict[str, torch.Tensor]
LIMIT = 8
"""Tokens of a reply at which it is cut off."""
TURNS = {
    ("a", 1.0): (3, 1),
    ("a", 0.0): (2, 1, 1),
    ("b", 1.0): (1,),
    ("b", 0.0): (4, 2),
    ("c", 1.0): (1, 2),
}
BETA = 0.05
ON_GPU = torch.cuda.is_available()
DEVICE: dict[str, dict[str, Any]] = {"engine": {}, "model": {}, "algorithm": {}}
if ON_GPU:  # whose default corrects
    device, dtype, none = {"device": "gpu"}, {"dtype": "bf16"}, {"correction": "none"}
    DEVICE = {"engine": device, "model": dtype, "algorithm": none}


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
                reason = "length" if size == LIMIT else "stop"
                actions.append(Action(prompt, ids(size), [0.0] * size, 0, reason))
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
    policy.init_model_from_pretrained(get_strategy(args), str(folder), 100, None)
    return policy


def settings(folder: Path, case: dict[str, Any]) -> Config:
    """A configuration with small batches, and what the case says by dotted names."""
    record: dict[str, Any] = {
        "run": str(folder / "run"),
        "engine": DEVICE["engine"],
        "model": {**DEVICE["model"], "path": str(folder)},
        "algorithm": {**DEVICE["algorithm"], "kl": BETA},
        # So small a step that the gradients of all windows are at the same weights.
        "optimizer": {"batch_rows": 32, "micro_batch": 32, "threads": 1, "lr": 1e-12},
        "rollout": {"group_size": 4, "window": 64, "reply_tokens": LIMIT},
    }
    for name, value in case.items():
        section, _, field = name.partition(".")
        record.setdefault(section, {})[field] = value
    return Config.model_validate(record)


def main(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    """A step with the settings of a case, and what was found."""
    generator = torch.Generator().manual_seed(0)
    tokenizer: Tokenizer = nano.build_tokenizer(["a b c"], 300)
    nano.save(folder, nano.build_model(tokenizer.get_vocab_size(), 0), tokenizer, {})
    config = settings(folder, case)
    args = openrlhf_args(config)
    args.ds.param_dtype = "fp32"  # refused on GPUs, where engines would round; here none is
    policy = started(args, folder)
    credit = assign(trajectories(generator), config, 0)
    if config.optimizer.share_prefixes == "on":
        policy.share_prefixes()
    batches = experiences(policy, credit, args, config, generator)
    windows = {int(b.info[WINDOW][0]) if WINDOW in b.info else 0 for b in batches}
    blanks = sum(int((b.action_mask.sum(-1) == 0).sum()) for b in batches)
    given, steps = given_rows(batches), watched(policy)
    for batch in batches:
        policy.append(batch)
    status = policy.fit(kl_ctl=BETA)
    parts = [steps[place : place + len(windows)] for place in range(0, len(steps), len(windows))]
    found = [compared(part, credit, config, given) for part in parts]
    return {
        "error": max(error for error, _, _ in found),
        "from_paper": max(error for _, error, _ in found),
        "entropy": abs(status["entropy_loss"] - sum(own for *_, own in found) / len(found)),
        "blanks": blanks,
        "batches": len(batches),
        "rates": [step.rate for step in steps],
        "kl": status["kl"],
        "clipped": status["ppo_clip_ratio"],
        "used": len(credit.trajectories),
        "rows": len(credit.rows),
    }


def experiences(policy: Any, credit: Any, args: Any, config: Config, generator: Any) -> list[Any]:
    """The maker's rows, with log-probabilities of engine, policy and reference that moved on."""
    maker = object.__new__(FlowExperienceMaker)
    maker.args, maker.algorithm = args, config.algorithm
    maker.tokenizer, maker.micro_tokens = policy.tokenizer, config.micro_tokens
    batches = maker.split_rollout_samples(credit)
    for batch in batches:
        now = policy.forward(batch.sequences, batch.action_mask, batch.attention_mask)
        noise = 0.3 * torch.randn(3, *now.shape, generator=generator)
        batch.action_log_probs = now + noise[0]
        batch.base_action_log_probs = now + noise[1]
        batch.rollout_log_probs = now + noise[2]
        batch.info["kl"] = torch.zeros(len(now))
    return maker.compute_advantages_and_returns(batches)


class Given(NamedTuple):
    """A row as the policy gets it; (T,) ids, the others (T-1,)."""

    ids: torch.Tensor
    mask: torch.Tensor
    old: torch.Tensor
    sampled: torch.Tensor
    reference: torch.Tensor


def given_rows(batches: list[Any]) -> list[Given]:
    """The rows that are not blank, in the order of the credit's."""
    found: dict[int, Given] = {}
    for batch in batches:
        columns = (
            *(batch.sequences, batch.action_mask.bool()),
            *(batch.action_log_probs, batch.rollout_log_probs, batch.base_action_log_probs),
        )
        for number, *row in zip(batch.index, *columns, strict=True):
            if row[1].any():
                found[number] = Given(*(column.clone() for column in row))
    return [found[number] for number in sorted(found)]


class Step(NamedTuple):
    """An optimizer step that DeepSpeed is about to take."""

    gradient: Gradient
    weights: Gradient
    rate: float


def watched(policy: Any) -> list[Step]:
    """The optimizer steps of the policy from now on, which is filled as they are taken."""
    from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_grad

    strategy, stock, engine = policy.strategy, policy.strategy.optimizer_step, policy.actor.model
    found: list[Step] = []

    def step(*arguments: Any, **keywords: Any) -> None:
        if engine.is_gradient_accumulation_boundary():
            named = dict(engine.module.named_parameters())
            gradient = {name: safe_get_full_grad(p).cpu().clone() for name, p in named.items()}
            weights = {n: safe_get_full_fp32_param(p).cpu().clone() for n, p in named.items()}
            found.append(Step(gradient, weights, policy.actor_scheduler.get_last_lr()[0]))
        stock(*arguments, **keywords)

    strategy.optimizer_step = step
    return found


def compared(
    steps: list[Step], credit: Credit, config: Config, given: list[Given]
) -> tuple[float, float, float]:
    """Of the steps of one epoch: distance from the closed form, from the paper's, and the entropy.

    Distances are shares of the closed form's norm; the entropy is of all action tokens, nats.
    """
    mean = {n: torch.stack([s.gradient[n] for s in steps]).mean(0) for n in steps[0].gradient}
    model = AutoModelForCausalLM.from_pretrained(config.model.path, dtype=torch.float32)
    model.load_state_dict(steps[0].weights, strict=False)
    rows = rows_of(model, credit, given)
    rewards = torch.tensor([reward_of(t, config) for t in credit.trajectories])
    groups, turns, algorithm = credit.groups, credit.turns, config.algorithm
    advantage = advantages(rewards, groups, turns, algorithm)
    most, how = LIMIT * config.context().max_turns, config.correction()
    own = objective(rows, advantage, groups, turns, algorithm, most, how)
    by_tokens = algorithm.weighting == "token-mean"
    plain = torch.tensor([t.reward for t in credit.trajectories])
    paper = flow_grpo.objective(
        *(rows.logprobs, rows.old, rows.reference, rows.mask, plain, groups, rows.owner),
        beta=BETA,
        weighting="token-mean" if by_tokens else "paper",
    )
    errors = [apart(mean, gradient(value, model)) for value in (own, paper)]
    return errors[0], errors[1], float((rows.entropy * rows.mask).sum() / rows.mask.sum())


def gradient(value: torch.Tensor, model: Any) -> Gradient:
    """Of -J, by autograd."""
    named = dict(model.named_parameters())
    found = torch.autograd.grad(-value, list(named.values()), retain_graph=True)
    return dict(zip(named, found, strict=True))


def apart(found: Gradient, wanted: Gradient) -> float:
    """The largest distance of a parameter's gradient, as a share of the whole gradient's norm."""
    norm = wanted_norm(wanted)
    return max(float((found[name] - g).norm() / norm) for name, g in wanted.items())


def wanted_norm(gradient: Gradient) -> torch.Tensor:
    norm: torch.Tensor = torch.cat([g.flatten() for g in gradient.values()]).norm()
    return norm


def reward_of(trajectory: Trajectory, config: Config) -> float:
    """A run's reward, less the soft overlong punishment of arXiv 2503.14476, eq. 13."""
    assert trajectory.reward is not None
    buffer = config.algorithm.overlong_buffer
    if not buffer:
        return trajectory.reward
    size = max(len(action.token_ids) for action in trajectory.actions)
    within = min(max(size - (LIMIT - buffer), 0), buffer)
    return trajectory.reward - config.algorithm.overlong_penalty * within / buffer


def rows_of(model: Any, credit: Credit, given: list[Given]) -> Rows:
    """The rows that teach, each computed by itself by `model`."""
    found = []
    for row in given:
        logprobs = model(input_ids=row.ids[None]).logits[0, :-1].log_softmax(-1)
        columns = (
            logprobs.gather(1, row.ids[1:, None])[:, 0],
            *(row.old, row.sampled, row.reference),
            -(logprobs.exp() * logprobs).sum(-1),
            torch.ones(len(row.mask)),
        )
        found.append([column[row.mask] for column in columns])
    padded = [pad_sequence(list(column), batch_first=True) for column in zip(*found, strict=True)]
    return Rows._make([*padded, torch.tensor([owner for owner, _ in credit.rows])])


if __name__ == "__main__":
    for number, case in enumerate(json.loads(sys.argv[2])):
        place = Path(sys.argv[1]) / str(number)
        place.mkdir()
        print("found " + json.dumps(main(place, case)), flush=True)
