"""One real trainer step, and the example's gradient on the same rows; prints how far they differ.

Run as a program, because the trainer's stand-ins for torch.cuda hold for a whole process:
`python minimal.py FOLDER`, with `examples/` on PYTHONPATH.
"""

import json
import sys
from pathlib import Path
from typing import Any

import minimal_flow_grpo as example
import torch
from gradient import BETA, apart, experiences, started, trajectories, wanted_norm, watched
from transformers import AutoModelForCausalLM

from rl.adapter.objective.credit import assign
from rl.adapter.stack.arguments import openrlhf_args
from rl.planners import nano
from rl.settings.config import Config


def main(folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    tokenizer = nano.build_tokenizer(["a b c"], 300)
    nano.save(folder, nano.build_model(tokenizer.get_vocab_size(), 0), tokenizer, {})
    config = Config.model_validate(
        {
            "run": str(folder / "run"),
            "model": {"path": str(folder)},
            "algorithm": {"kl": BETA},
            "optimizer": {"batch_rows": 32, "micro_batch": 32, "threads": 1}
            | {"share_prefixes": "off"},
            "rollout": {"group_size": 4, "window": 64, "reply_tokens": 16},
        }
    )
    args = openrlhf_args(config)
    policy = started(args, folder)
    credit = assign(trajectories(generator), config, 0)
    experience = experiences(policy, credit, args, config, generator)
    steps = watched(policy)
    for part in experience:
        policy.append(part)
    policy.fit(kl_ctl=BETA)
    (caught,) = (step.gradient for step in steps)
    error, norm = apart(example_gradient(folder, credit, experience), caught), wanted_norm(caught)
    print(json.dumps({"error": error, "norm": norm.item(), "parameters": len(caught)}))


def example_gradient(folder: Path, credit: Any, experience: list[Any]) -> dict[str, torch.Tensor]:
    """Gradient of the example's loss on the trainer's rows, on a model loaded afresh."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    rows = [
        (part.action_log_probs[row][mask], part.base_action_log_probs[row][mask])
        for part in experience
        for row, mask in enumerate(part.action_mask.bool())
        if mask.any()  # the trainer fills micro-batches up with blank rows
    ]
    old = iter(rows)
    groups: dict[int, list[example.Trajectory]] = {}
    for group, run in zip(credit.groups.tolist(), credit.trajectories, strict=True):
        calls = [{**vars(action), "logprobs": next(old)[0].tolist()} for action in run.actions]
        groups.setdefault(group, []).append(example.Trajectory(run.reward, calls))
    batch = example.collate(list(groups.values()), model)
    batch.reference_ML[batch.mask_ML.bool()] = torch.cat([reference for _, reference in rows])
    logprobs_ML = example.next_token_logprobs(model, batch.tokens_ML)
    (-example.objective(logprobs_ML, batch, BETA)).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
