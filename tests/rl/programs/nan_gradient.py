"""Updates of the real trainer, one of them with a NaN in its advantages; prints what became of it.

Run as a program, because the trainer's stand-ins for torch.cuda hold for a whole process:
`python nan_gradient.py FOLDER STAGE`, a stage of ZeRO.
"""

import json
import sys
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from gradient import experiences, started, trajectories

from rl.adapter.objective.credit import assign
from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.trainer import updated
from rl.planners import nano
from rl.settings.config import Config


def main(folder: Path, stage: int) -> None:
    tokenizer = nano.build_tokenizer(["a b c"], 300)
    nano.save(folder, nano.build_model(tokenizer.get_vocab_size(), 0), tokenizer, {})
    config = Config.model_validate(
        {
            "run": str(folder / "run"),
            "model": {"path": str(folder)},
            "optimizer": {"batch_rows": 8, "micro_batch": 8, "threads": 1, "lr": 0.01}
            | {"warmup": 4, "schedule": "linear", "zero_stage": stage},
            "rollout": {"group_size": 4, "window": 64, "reply_tokens": 16},
        }
    )
    args = openrlhf_args(config)
    policy = started(args, folder)
    outcomes = [made(policy, args, config, bad) for bad in (False, True, False)]
    policy.begin(0.5)
    outcomes.append(made(policy, args, config, False))
    print(json.dumps(outcomes))


def made(policy: Any, args: Any, config: Config, bad: bool) -> dict[str, Any]:
    """One update; with `bad`, its advantages are NaN."""
    generator = torch.Generator().manual_seed(1)
    credit = assign(trajectories(generator), config, 0)
    before = safetensors.torch.load(policy.fingerprint())
    batches = experiences(policy, credit, args, config, generator)
    for batch in batches:
        if bad:
            batch.advantages = batch.advantages * float("nan")
        policy.append(batch)
    status = policy.fit(kl_ctl=0.0)
    after = safetensors.torch.load(policy.fingerprint())
    return {
        "skipped": status["skipped_updates"],
        "updated": updated(status),
        "lr": status["actor_lr"],
        "same": all(torch.equal(before[name], after[name]) for name in before),
        "finite": all(bool(weight.isfinite().all()) for weight in after.values()),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
