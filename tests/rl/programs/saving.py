"""Updates of the real trainer with a checkpoint between them, and one that finds the disk full.

Run as a program, because the trainer's stand-ins for torch.cuda hold for a whole process:
`python saving.py save FOLDER`, then `python saving.py load FOLDER`.
"""

import hashlib
import json
import resource
import socket
import sys
from pathlib import Path
from typing import Any

import torch
from gradient import experiences, trajectories

from agentflow_graph.record import RecordError
from rl.adapter.objective.credit import assign
from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.update.policy import FlowPolicy
from rl.planners import nano
from rl.run.saved import checkpoints
from rl.settings.config import Config


def config_of(folder: Path) -> Config:
    return Config.model_validate(
        {
            "run": str(folder / "run"),
            "model": {"path": str(folder)},
            "optimizer": {"batch_rows": 8, "micro_batch": 8, "threads": 1, "warmup": 6, "lr": 0.01},
            "rollout": {"group_size": 4, "window": 64, "reply_tokens": 16},
        }
    )


def policy_of(config: Config, args: Any) -> Any:
    from openrlhf.utils import get_strategy

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    policy = FlowPolicy(1, 0, "127.0.0.1", port)
    policy.init_model_from_pretrained(get_strategy(args), config.model.path, 100, [])
    return policy


def update(policy: Any, args: Any, config: Config) -> str:
    """One update, on rows that its number decides; returns the hash of the weights after it."""
    generator = torch.Generator().manual_seed(policy.version)
    credit = assign(trajectories(generator), config, 0)
    for batch in experiences(policy, credit, args, config, generator):
        policy.append(batch)
    policy.fit(kl_ctl=0.0)
    policy.broadcast_to_vllm()
    return hashlib.sha256(policy.fingerprint()).hexdigest()


def save(folder: Path) -> dict[str, Any]:
    tokenizer = nano.build_tokenizer(["a b c"], 300)
    nano.save(folder, nano.build_model(tokenizer.get_vocab_size(), 0), tokenizer, {})
    config = config_of(folder)
    args = openrlhf_args(config)
    policy = policy_of(config, args)
    hashes = [update(policy, args, config), update(policy, args, config)]
    policy.save_checkpoint("global_step2", {"global_step": 2})
    hashes.append(update(policy, args, config))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, unlimited[1]))
    try:
        policy.save_checkpoint("global_step3", {"global_step": 3})
        said = ""
    except RecordError as error:
        said = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    hashes.append(update(policy, args, config))
    return {"hashes": hashes, "said": said, "latest": checkpoints.latest(config.run)}


def load(folder: Path) -> dict[str, Any]:
    config = config_of(folder)
    args = openrlhf_args(config)
    policy = policy_of(config, args)
    states = policy.get_checkpoint_states()
    hashes = [hashlib.sha256(policy.fingerprint()).hexdigest()]
    hashes += [update(policy, args, config), update(policy, args, config)]
    policy.save_checkpoint("global_step4", {"global_step": 4})
    names = sorted(path.name for path in checkpoints.home(config.run).iterdir())
    return {"hashes": hashes, "step": states["global_step"], "names": names}


if __name__ == "__main__":
    print(json.dumps((save if sys.argv[1] == "save" else load)(Path(sys.argv[2]))))
