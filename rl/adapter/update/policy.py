"""Policy and reference: OpenRLHF's DeepSpeed actors, made to run on CPU and to sync by bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import openrlhf.trainer.ray.launcher as launcher
import openrlhf.trainer.ray.ppo_actor as ppo_actor
import ray
import safetensors.torch
import torch
import transformers
from peft import PeftModel

from agentflow_graph.record import RecordError
from rl.adapter.stack import rendezvous
from rl.adapter.stack.cluster import unwrap_ray_actor
from rl.adapter.stack.cpu import allow_fp32, prepare
from rl.adapter.stack.digests import weight_digests
from rl.adapter.stack.loading import load_as_data, load_tokenizer
from rl.adapter.update import lora
from rl.adapter.update.actor import FlowActor
from rl.adapter.update.finite import guard
from rl.adapter.update.schedule import Schedule, install
from rl.adapter.update.sharing import Choice, choose
from rl.adapter.update.training import FlowActorTrainer
from rl.run.export import copy_tokenizer
from rl.run.saved import checkpoints


class FlowPolicy(unwrap_ray_actor(ppo_actor.PolicyModelActor)):  # type: ignore[misc]
    """The policy under training."""

    def init_model_from_pretrained(
        self, strategy: Any, pretrain: str, max_steps: Any = None, vllm_engines: Any = None
    ) -> None:
        """Stock set-up; on CPU without the NCCL group to the engines."""
        self.version = 0
        self.pretrain = pretrain
        self.on_cpu = strategy.args.flow_device == "cpu"
        ppo_actor.get_tokenizer = load_tokenizer
        ppo_actor.ActorPPOTrainer, ppo_actor.Actor = FlowActorTrainer, FlowActor
        allow_fp32()
        load_as_data()
        if self.on_cpu:
            prepare()
        own = None if self.on_cpu else vllm_engines
        install(strategy.args.flow_schedule)
        rendezvous.join()
        super().init_model_from_pretrained(strategy, pretrain, max_steps, own)
        self.engines = vllm_engines
        self.version = self.checkpoint_states.get("policy_version", 0)
        guard(self.actor_optim, strategy.args.ds.zero_stage)

    def choose_form(self, rows: int, timed: bool, **batch: torch.Tensor) -> Choice:
        """See `rl.adapter.update.sharing.choose`."""
        device = torch.cuda.current_device()
        given = {name: tensor.to(device) for name, tensor in batch.items()}
        self.actor.eval()
        choice = choose(self.actor, **given, rows=rows, timed=timed)
        self.actor.train()
        return choice

    def share_prefixes(self) -> None:
        """From now on; raises SettingError if the architecture cannot."""
        self.actor.share()

    def begin(self, progress: float) -> None:
        """The next update stands at `progress` of the training, from 0 to 1."""
        scheduler: Schedule = self.actor_scheduler
        scheduler.at(progress)

    def fit(self, kl_ctl: float = 0) -> Any:
        """Stock update. Engine and reference are idle meanwhile, so it may take their cores.

        Every update draws from generators seeded by its number: there is no state to lose.
        """
        transformers.set_seed(self.strategy.seed + self.version)
        engine = self.actor.model
        left_out, taken = engine.skipped_steps, engine.global_steps
        if self.on_cpu:
            torch.set_num_threads(self.strategy.args.flow_threads)
        try:
            status = super().fit(kl_ctl)
        finally:
            if self.on_cpu:
                torch.set_num_threads(1)
        return status | {
            "skipped_updates": engine.skipped_steps - left_out,
            "optimizer_steps": engine.global_steps - taken,
        }

    def broadcast_to_vllm(self) -> int:
        """Give the engines the current weights and count the policy version up; returns it."""
        self.version += 1
        return self.push()

    def push(self) -> int:
        """Give the engines, which answer nothing meanwhile, the weights; returns the version."""
        if self.on_cpu:
            # One reference for all engines: each would else be sent its own copy.
            blob = ray.put(self.fingerprint())
            self._tell_engines("load_weights", blob, self.version)
        else:
            self._tell_engines("shut_gate")
            super().broadcast_to_vllm()
            self._tell_engines("set_version", self.version)
        return self.version

    def _tell_engines(self, method: str, *given: Any) -> None:
        """Call each engine from the first rank; the others wait until all have answered."""
        if self.strategy.is_rank_0():
            ray.get([getattr(engine, method).remote(*given) for engine in self.engines])
        torch.distributed.barrier()

    def weights(self, first_alone: bool = False) -> dict[str, torch.Tensor]:
        """Copies of the weights that are served, on CPU, by name.

        `first_alone`: the other ranks take part, for parts of the weights are theirs, and get none.
        """
        served = lora.weights(self.actor.model.module, self.sharded)
        keeps = not first_alone or self.strategy.is_rank_0()
        return {name: weight.cpu() for name, weight in served if keeps}

    def fingerprint(self) -> bytes:
        """The policy's weights as safetensors bytes, as the engines of a CPU are sent them."""
        return safetensors.torch.save(self.weights())

    def digests(self) -> dict[str, str]:
        """SHA-256 of each weight, by name."""
        return weight_digests(self.weights())

    @property
    def sharded(self) -> bool:
        """Whether each rank holds a part of every weight."""
        return bool(self.strategy.args.ds.zero_stage == 3)

    def save_checkpoint(
        self, tag: str, client_states: Any = None, metric_value: Any = None, metric_key: Any = None
    ) -> None:
        """Stock contents, whole or not at all: a kill while saving leaves the former checkpoint.

        Raises:
            RecordError: it could not be written.
        """
        home = Path(self.strategy.args.ckpt.path) / "_actor"
        aside, states = home / ".partial", {**(client_states or {}), "policy_version": self.version}
        try:
            if self.strategy.is_rank_0():
                shutil.rmtree(aside, ignore_errors=True)
            torch.distributed.barrier()
            self.actor.model.save_checkpoint(
                str(aside), tag=tag, client_state=states, save_latest=False
            )
            torch.distributed.barrier()
            if self.strategy.is_rank_0():
                checkpoints.publish(aside / tag, home)
        except (OSError, RuntimeError) as error:
            raise RecordError(
                f"the checkpoint {home / tag} cannot be written: {error}; make room there "
                f"(`df {home}`), then resume the run"
            ) from error
        torch.distributed.barrier()

    def save_model(self) -> None:
        """Save the planner of the run and, if there is one, its adapter."""
        out = Path(self.strategy.args.ckpt.output_dir)
        self.export(str(out))
        if isinstance(self.actor.model.module, PeftModel):
            lora.save_adapter(self.actor.model.module, out.parent / "adapter", self.sharded)

    def export(self, folder: str) -> None:
        """Hugging Face folder, with the tokenizer's files as they were."""
        if isinstance(self.actor.model.module, PeftModel) or not self.sharded:
            # Stock would write an output layer that is tied to the embeddings a second time.
            weights = self.weights(first_alone=True)
            if self.strategy.is_rank_0():
                self.actor.plain_model.save_pretrained(folder, state_dict=weights)
            torch.distributed.barrier()
        else:
            self.strategy.save_model(self.actor, self.tokenizer, folder)
        if self.strategy.is_rank_0() and not copy_tokenizer(Path(self.pretrain), Path(folder)):
            self.tokenizer.save_pretrained(folder)  # its files are in the hub's cache alone


class FlowReference(unwrap_ray_actor(launcher.ReferenceModelActor)):  # type: ignore[misc]
    """The frozen reference policy."""

    def init_model_from_pretrained(self, strategy: Any, pretrain: str) -> None:
        """Stock set-up, of the planner that the KL is measured against."""
        launcher.Actor = FlowActor
        allow_fp32()
        load_as_data()
        if strategy.args.flow_device == "cpu":
            prepare()
        rendezvous.join()
        super().init_model_from_pretrained(strategy, strategy.args.flow_reference or pretrain)

    def share_prefixes(self) -> None:
        """From now on; raises SettingError if the architecture cannot."""
        self.model.share()
