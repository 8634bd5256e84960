"""What lets stock OpenRLHF and DeepSpeed run without CUDA: three functions, one stub, no edits.

`rl.adapter` calls `stub_flash_attn` when it is imported, and Ray when it starts a process;
`prepare` is called where a process holds a model.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from agentflow_graph.record.events import versions

NUMERIC = ("torch", "transformers", "deepspeed", "openrlhf", "peft")
"""Packages whose version decides the last bits of an update."""


def stub_flash_attn() -> None:
    """Make `import flash_attn` work where it is not installed.

    OpenRLHF imports it at the top of `models/ring_attn_utils.py`; only sequence packing calls it.
    """
    if "flash_attn" in sys.modules or importlib.util.find_spec("flash_attn"):
        return

    def missing(*_: Any, **__: Any) -> None:
        raise RuntimeError("flash-attn is not installed: packing and ring attention need it")

    _module("flash_attn")
    names = ("index_first_axis", "pad_input", "unpad_input", "rearrange")
    _module("flash_attn.bert_padding", **dict.fromkeys(names, missing))
    _module("flash_attn.utils")
    _module("flash_attn.utils.distributed", all_gather=missing)


def _module(name: str, **contents: Any) -> None:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, loader=None, is_package=True)
    module.__path__ = []
    vars(module).update(contents)
    sys.modules[name] = module
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, module)


class _CpuDevice(str):
    """The device that `torch.cuda.current_device` names; formats as an index.

    OpenRLHF's replay buffer builds `torch.device(f"cuda:{current_device()}")`, which must parse.
    """

    def __format__(self, spec: str) -> str:
        return "0"


def prepare() -> None:
    """CPU stand-ins for torch.cuda, torch's AdamW instead of a compiled one, float32 allowed."""
    import torch

    device = _CpuDevice("cpu")
    torch.cuda.set_device = lambda *_: None
    torch.cuda.current_device = lambda: device  # type: ignore[assignment,return-value]
    torch.cuda.synchronize = lambda *_: None
    _without_compiled_ops()


def _without_compiled_ops() -> None:
    """DeepSpeed would compile two ops at first use, 75 s and a compiler; it has plain ones too."""
    import deepspeed.ops
    from openrlhf.utils.deepspeed import deepspeed as strategy

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    stock = strategy.get_train_ds_config

    def with_torch_adam(*args: Any, **kwargs: Any) -> dict[str, Any]:
        config: dict[str, Any] = stock(*args, **kwargs)
        if "optimizer" in config:
            config["optimizer"]["params"]["torch_adam"] = True
        return config

    strategy.get_train_ds_config = with_torch_adam


def allow_fp32() -> None:
    """OpenRLHF's parser knows bf16 and fp16; DeepSpeed is right with any third word."""
    import openrlhf.utils.utils as utils
    import torch

    stock = utils.convert_to_torch_dtype
    utils.convert_to_torch_dtype = lambda name: torch.float32 if name == "fp32" else stock(name)


def made_on() -> dict[str, Any]:
    """What decides the last bits of an update: kind of processor, versions of packages."""
    import torch

    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    kind = [*names[:1], platform.machine(), torch.backends.cpu.get_cpu_capability()]
    found = {name: number for name, number in versions(NUMERIC).items() if name in NUMERIC}
    return {"processor": ", ".join(kind), "versions": found}
