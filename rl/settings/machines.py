"""The sections of a run's configuration that say on which machines what runs, and what is kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rl.settings.sections import Section


class Engine(Section):
    """The rollout engines: vLLM."""

    device: Literal["cpu", "gpu"] = Field("cpu", description="Where policy and engines compute")
    kind: Literal["sync", "async"] = Field(
        "sync", description="sync: LLMEngine in the actor's process; async: AsyncLLM"
    )
    count: int = Field(1, ge=1, description="Engines")
    threads: int = Field(1, ge=1, description="OpenMP threads of one CPU engine")
    cache_gib: int = Field(1, ge=1, description="KV cache of one CPU engine, GiB")
    gpu_utilization: float = Field(
        0.6, gt=0, le=1, description="Share of a GPU's memory that an engine takes"
    )
    tensor_parallel: int = Field(1, ge=1, description="GPUs of one engine")
    sleep: bool = Field(
        False, description="Engines give their memory up while the policy trains; colocate: all"
    )


class Placement(Section):
    """Which GPUs hold what. On CPU there is one process of each and nothing to place."""

    nodes: int = Field(1, ge=1, description="Machines with GPUs of the policy")
    gpus: int = Field(1, ge=1, description="GPUs per machine that hold the policy")
    colocate: Literal["none", "reference", "all"] = Field(
        "none",
        description="What shares the policy's GPUs: nothing (the reference has as many of its own "
        "and each engine its own), the reference, or reference and engines",
    )
    gpu_gib: float = Field(80.0, gt=0, description="Memory of a GPU, for budgets made elsewhere")

    @property
    def ranks(self) -> int:
        """Data-parallel processes of the policy: one a GPU."""
        return self.nodes * self.gpus


class Record(Section):
    """What is kept of rollouts; see docs/record.md."""

    keep: int = Field(
        0,
        ge=0,
        description="Steps whose parts of record/ stay; older ones that no checkpoint needs are "
        "removed. 0: all stay",
    )

    def hold_to_saves(self, every: int) -> None:
        """Raises ValueError if no checkpoint ever allows to remove anything."""
        if self.keep and not every:
            raise ValueError(
                f"record.keep={self.keep} needs save_every: parts that no checkpoint stands for "
                "cannot be removed; set save_every, or record.keep=0"
            )
