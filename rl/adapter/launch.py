"""Start: our configuration as OpenRLHF's flags, our classes in the places of its own, then its CLI.

Names are replaced as attributes of the modules in which OpenRLHF looks them up; its command line
then builds everything (strategy, actor groups, trainer) as it always does.
"""

from __future__ import annotations

import logging
import os
import runpy
import signal
import sys
from functools import partial
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, NoReturn

from rl import checkpoints
from rl.adapter.cpu import stub_flash_attn
from rl.config import Config
from rl.metrics import Recorder

stub_flash_attn()

import openrlhf.trainer.ppo_trainer as ppo_trainer  # noqa: E402
import openrlhf.trainer.ray as openrlhf_ray  # noqa: E402
import openrlhf.trainer.ray.launcher as launcher  # noqa: E402
import openrlhf.trainer.ray.ppo_actor as ppo_actor  # noqa: E402
import openrlhf.trainer.ray.vllm_engine as vllm_engine  # noqa: E402
import openrlhf.utils  # noqa: E402
import ray  # noqa: E402

from rl.adapter.engine import AsyncEngine, create_cpu_engines  # noqa: E402
from rl.adapter.models import FlowPolicy, FlowReference  # noqa: E402
from rl.adapter.trainer import SCHEDULE, FlowTrainer  # noqa: E402

ROOT = Path(__file__).parents[2]


class InDriver:
    """An actor handle for the trainer in this process: one process, 13 s of imports, less.

    OpenRLHF starts its trainer as a Ray actor and only ever calls it with `.remote`. In the driver
    the trainer can hold what no actor could be sent: the recorder with its open files.
    """

    def __init__(self, config: Config, recorder: Recorder) -> None:
        self._given = config, recorder

    def remote(self, *args: Any, **kwargs: Any) -> InDriver:
        """Build the trainer here."""
        self._trainer = FlowTrainer(*self._given, *args, **kwargs)
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._trainer, name)
        return SimpleNamespace(remote=lambda *args, **kwargs: ray.put(method(*args, **kwargs)))


def train(config: Config, recorder: Recorder) -> None:
    """Run the whole training; Ray is started here and always shut down."""
    terminated = Event()
    try:
        start_ray(on_cpu=config.engine.device == "cpu")
        # After ray.init, whose own handler aborts the process before anything can be saved.
        signal.signal(signal.SIGTERM, partial(_leave, terminated))
        _take_places(config, recorder)
        sys.argv = ["train_ppo_ray", *flags(config)]
        runpy.run_module("openrlhf.cli.train_ppo_ray", run_name="__main__")
    except SystemExit:
        # Inside ray.get, Ray turns our exit code into 1.
        if terminated.is_set():
            raise SystemExit(143) from None
        raise
    finally:
        ray.shutdown()


def start_ray(on_cpu: bool) -> None:
    """Start Ray on this machine, with what every process of ours needs in its environment."""
    environment = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(":"),
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
        "PYTHONWARNINGS": "ignore",
    }
    if on_cpu:
        environment |= {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    # OpenRLHF asks for one GPU an actor; on a CPU machine Ray's GPUs are mere numbers.
    ray.init(
        num_gpus=2 if on_cpu else None,
        num_cpus=4 if on_cpu else None,
        object_store_memory=200_000_000 if on_cpu else None,
        include_dashboard=False,
        log_to_driver=bool(os.environ.get("AGENTFLOW_DEBUG")),
        logging_level=logging.ERROR,
        runtime_env={
            "worker_process_setup_hook": "rl.adapter.cpu.stub_flash_attn",
            "env_vars": environment,
        },
    )


def _leave(terminated: Event, *_: Any) -> NoReturn:
    terminated.set()
    raise SystemExit(143)


def _take_places(config: Config, recorder: Recorder) -> None:
    """Put our classes where OpenRLHF's command line will look for its own."""
    ppo_actor.PolicyModelActor = ray.remote(num_gpus=1)(FlowPolicy)
    launcher.ReferenceModelActor = ray.remote(num_gpus=1)(FlowReference)
    ppo_trainer.PPOTrainer = InDriver(config, recorder)
    if config.engine.device == "cpu":
        engine = config.engine.model_dump()
        openrlhf_ray.create_vllm_engines = lambda *_, **__: create_cpu_engines(
            engine,
            config.model.path,
            config.seed,
            config.rollout.window,
            config.deterministic,
        )
    else:
        vllm_engine.RolloutRayActor = ray.remote(AsyncEngine)
    stock = openrlhf.utils.get_strategy

    def with_config(args: Any) -> Any:
        args.ds.param_dtype = config.model.dtype  # the parser offers bf16 and fp16 only
        args.flow_device = config.engine.device
        args.flow_threads = 1 if config.deterministic else config.optimizer.threads
        return stock(args)

    openrlhf.utils.get_strategy = with_config


def flags(config: Config) -> list[str]:
    """OpenRLHF's command line for `config`."""
    rollout, optimizer, algorithm = config.rollout, config.optimizer, config.algorithm
    run = config.run
    paper = algorithm.weighting == "paper"
    save = config.save_every or config.steps
    values: dict[str, Any] = {
        "actor.model_name_or_path": config.model.path,
        "actor.num_gpus_per_node": 1,
        "actor.adam.lr": optimizer.lr,
        "actor.lr_scheduler": "constant_with_warmup",
        "actor.lr_warmup_ratio": optimizer.warmup / SCHEDULE,
        "actor.max_norm": optimizer.max_norm,
        "actor.eps_clip_low_high": [algorithm.clip_low, algorithm.clip_high],
        "actor.loss_agg_mode": "seq-mean-token-mean" if paper else "token-mean",
        "ref.num_gpus_per_node": 1,
        "vllm.num_engines": config.engine.count,
        "vllm.gpu_memory_utilization": config.engine.gpu_utilization,
        "vllm.enable_prefix_caching": True,
        "ds.attn_implementation": config.model.attention,
        "ds.zero_stage": optimizer.zero_stage,
        "algo.advantage.estimator": "group_norm",
        "algo.kl.use_loss": True,
        "algo.kl.estimator": "k3",
        "algo.kl.init_coef": algorithm.kl,
        "rollout.n_samples_per_prompt": rollout.group,
        "rollout.batch_size": rollout.questions,
        "rollout.micro_batch_size": optimizer.micro_batch,
        "rollout.max_new_tokens": rollout.max_tokens,
        "rollout.temperature": rollout.temperature,
        "train.batch_size": optimizer.rows,
        "train.micro_batch_size": optimizer.micro_batch,
        "train.agent_func_path": "graph-workers.py",  # never read: says that no reward model is
        "train.num_episodes": 1,
        "train.seed": config.seed,
        "data.max_len": rollout.window,
        "data.prompt_dataset": run / "data" / "train.jsonl",
        "data.input_key": "input",
        "data.label_key": "label",
        "eval.dataset": run / "data" / "heldout.jsonl",
        "eval.steps": config.evaluation.every,
        "ckpt.path": run / "checkpoints",
        "ckpt.output_dir": run / "model",
        "ckpt.save_steps": save,
        "ckpt.best_metric_key": "none",
        "logger.tensorboard_dir": run / "tensorboard",
        "logger.wandb.run_name": run.name,
    }
    lora = config.model.lora
    if lora.rank:
        values |= {
            "ds.lora.rank": lora.rank,
            "ds.lora.alpha": lora.alpha,
            "ds.lora.dropout": lora.dropout,
        }
        # Left out, OpenRLHF takes "all-linear", which peft knows as a word and not as a list.
        values |= {"ds.lora.target_modules": lora.targets} if lora.targets else {}
    if (mode := config.correction()) != "off":
        values |= {
            "algo.advantage.is_correction_level": "token",
            "algo.advantage.is_correction_mode": mode,
            "algo.advantage.is_correction_threshold": list(algorithm.correction_bounds),
        }
    if checkpoints.latest(run):
        values["ckpt.load_enable"] = True
    return [word for name, value in values.items() for word in _flag(name, value)]


def _flag(name: str, value: Any) -> list[str]:
    if value is True:
        return [f"--{name}"]
    words = value if isinstance(value, list) else [value]
    return [f"--{name}", *map(str, words)]
