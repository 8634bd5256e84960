"""Our configuration as OpenRLHF's command line.

    sys.argv = ["train_ppo_ray", *flags(config)]

What is not named here stays at OpenRLHF's default. The defaults that the adapter relies on are
checked by `tests/rl/adapter/test_canary_flags.py`.
"""

from __future__ import annotations

from typing import Any

from rl.run.saved import checkpoints
from rl.settings.config import Config, Lora

Flags = dict[str, Any]
ESTIMATORS = {"normalised": "group_norm", "centred": "dr_grpo", "leave-one-out": "rloo"}
"""OpenRLHF's names; ours are over trajectories where its own are over rows."""


def flags(config: Config) -> list[str]:
    """OpenRLHF's command line for `config`; a switch that is off is left out."""
    values = (
        _policy(config)
        | _placement(config)
        | _algorithm(config)
        | _rollout(config)
        | _training(config)
        | _files(config)
    )
    return [word for name, value in values.items() for word in _flag(name, value)]


def _policy(config: Config) -> Flags:
    model, optimizer = config.model, config.optimizer
    return {
        "actor.model_name_or_path": model.path,
        "actor.adam.lr": optimizer.lr,
        "actor.adam.betas": list(optimizer.betas),
        "actor.adam.weight_decay": optimizer.weight_decay,
        "actor.lr_scheduler": "constant",  # rl/adapter/update/schedule.py takes its place
        "actor.max_norm": optimizer.max_norm,
        "actor.gradient_checkpointing_enable": model.gradient_checkpointing,
        "ref.offload": model.reference_offload,
        "ds.attn_implementation": model.attention,
        "ds.packing_samples": model.packing,
        "ds.zero_stage": optimizer.zero_stage,
        "ds.adam_offload": optimizer.offload,
    } | _lora(model.lora)


def _lora(lora: Lora) -> Flags:
    if not lora.rank:
        return {}
    values: Flags = {
        "ds.lora.rank": lora.rank,
        "ds.lora.alpha": lora.alpha,
        "ds.lora.dropout": lora.dropout,
    }
    # Left out, OpenRLHF takes "all-linear", which peft knows as a word and not as a list.
    return values | {"ds.lora.target_modules": lora.targets} if lora.targets else values


def _placement(config: Config) -> Flags:
    place, engine = config.placement, config.engine
    return {
        "actor.num_nodes": place.nodes,
        "actor.num_gpus_per_node": place.gpus,
        "ref.num_nodes": place.nodes,
        "ref.num_gpus_per_node": place.gpus,
        "train.colocate_actor_ref": place.colocate == "reference",
        "train.colocate_all": place.colocate == "all",
        "vllm.num_engines": engine.count,
        "vllm.tensor_parallel_size": engine.tensor_parallel,
        "vllm.gpu_memory_utilization": engine.gpu_utilization,
        "vllm.enable_prefix_caching": True,
        "vllm.enable_sleep": engine.sleep,
    }


def _algorithm(config: Config) -> Flags:
    algorithm = config.algorithm
    by_tokens = algorithm.weighting == "token-mean"
    dual: Flags = {"actor.dual_clip": algorithm.dual_clip} if algorithm.dual_clip else {}
    return {
        "actor.eps_clip_low_high": [algorithm.clip_low, algorithm.clip_high],
        "actor.policy_loss_type": "gspo" if algorithm.ratio == "sequence" else "ppo",
        "actor.entropy_coef": algorithm.entropy,  # 0: it is logged
        # Other weights are folded into the advantages.
        "actor.loss_agg_mode": "token-mean" if by_tokens else "seq-mean-token-mean",
        "algo.advantage.estimator": ESTIMATORS[algorithm.advantage],
        "algo.kl.use_loss": True,
        "algo.kl.estimator": "k3",
        "algo.kl.init_coef": algorithm.kl,
    } | (dual | _correction(config))


def _correction(config: Config) -> Flags:
    mode = config.correction()
    if mode == "none":
        return {}
    return {
        "algo.advantage.is_correction_level": "token",
        "algo.advantage.is_correction_mode": mode,
        "algo.advantage.is_correction_threshold": list(config.algorithm.correction_bounds),
    }


def _rollout(config: Config) -> Flags:
    rollout = config.rollout
    share = rollout.questions * rollout.group_size // config.placement.ranks
    return {
        "rollout.n_samples_per_prompt": rollout.group_size,
        "rollout.batch_size": rollout.questions,
        # OpenRLHF wants a micro-batch of runs for every rank, though rows are what we make.
        "rollout.micro_batch_size": min(config.optimizer.micro_batch, max(1, share)),
        "rollout.max_new_tokens": rollout.reply_tokens,
        "rollout.temperature": rollout.temperature,
        "data.max_len": rollout.window,
    }


def _training(config: Config) -> Flags:
    return {
        "train.batch_size": config.optimizer.batch_rows,
        "train.micro_batch_size": config.optimizer.micro_batch,
        "train.max_epochs": config.optimizer.epochs,
        "train.agent_func_path": "graph-workers.py",  # never read: says that no reward model is
        "train.num_episodes": 1,
        "train.seed": config.seed,
        "eval.steps": config.evaluation.every,
        "ckpt.save_steps": config.save_every or config.steps,
        "ckpt.best_metric_key": "none",
    }


def _files(config: Config) -> Flags:
    run = config.run
    return {
        "data.prompt_dataset": run / "data" / "train.jsonl",
        "data.input_key": "input",
        "data.label_key": "label",
        "eval.dataset": run / "data" / "heldout.jsonl",
        "ckpt.path": run / "checkpoints",
        "ckpt.load_enable": bool(checkpoints.latest(run)),
        "ckpt.output_dir": run / "model",
        "logger.wandb.run_name": run.name,
    } | ({"logger.tensorboard_dir": run / "tensorboard"} if config.logging.tensorboard else {})


def complete(args: Any, config: Config) -> None:
    """Set in `args`, what OpenRLHF's parser made of `flags(config)`, what it has no flag for."""
    args.ds.param_dtype = config.model.dtype  # the parser offers bf16 and fp16 only
    args.flow_device = config.engine.device
    args.flow_threads = 1 if config.deterministic else config.optimizer.threads
    args.flow_share = config.optimizer.share_prefixes
    args.flow_reference = config.model.reference
    optimizer = config.optimizer
    args.flow_schedule = {
        "lr": optimizer.lr,
        "warmup": optimizer.warmup,
        "course": optimizer.schedule,
        "least": optimizer.min_lr,
    }
    # Its parser would ask for flash-attn. Of the path we use the accumulation alone: an optimizer
    # step when its micro-batches are done, however many they are.
    args.flow_row_tokens = optimizer.micro_tokens
    args.train.dynamic_batch_enable = args.flow_share != "off" or args.flow_row_tokens > 0


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}"] if value else []
    words = value if isinstance(value, list) else [value]
    return [f"--{name}", *map(str, words)]
