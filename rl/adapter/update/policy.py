"""Policy and reference: OpenRLHF's DeepSpeed actors, made to run on CPU and to sync by bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
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
from rl.adapter.stack.loading import load_as_data, load_tokenizer
from rl.adapter.update import lora
from rl.adapter.update.actor import FlowActor
from rl.adapter.update.buffer import TreeBuffer
from rl.adapter.update.digests import weight_digests
from rl.adapter.update.sharing import Choice, choose
from rl.run.export import copy_tokenizer
from rl.run.saved import checkpoints


class FlowActorTrainer(ppo_actor.ActorPPOTrainer):  # type: ignore[misc]
    """OpenRLHF's PPO trainer; survives a micro-batch of blank rows and syncs adapters merged."""

    actor: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.args.flow_share != "off":
            self.replay_buffer = TreeBuffer()

    def training_step(self, experience: Any, kl: float, place: int, *args: Any) -> dict[str, Any]:
        """Stock step. A batch without action tokens has no mean to report: its metrics are 0/0."""
        if self.args.train.dynamic_batch_enable:
            # Unless it is told, DeepSpeed keeps the gradient of a window's last micro-batch only.
            last = bool(self.replay_buffer.dynamic_optimizer_step[place])
            self.actor.model.set_gradient_accumulation_boundary(last)
        status: dict[str, Any] = super().training_step(experience, kl, place, *args)
        if self.args.train.dynamic_batch_enable:
            self._own_means(status, experience.action_mask.float().sum(-1), place)
        if status["num_action_tokens"] == 0:
            status["num_action_tokens"] = 1e-6
            status["metrics"] = {
                name: torch.nan_to_num(value) if isinstance(value, torch.Tensor) else value
                for name, value in status["metrics"].items()
            }
        return status

    def _own_means(self, status: dict[str, Any], acted: torch.Tensor, place: int) -> None:
        """Report means of a micro-batch; in the loss they are its part of its window's mean.

        `acted`: (B,) action tokens of each row.
        """
        metrics, buffer = status["metrics"], self.replay_buffer
        tokens = buffer.dynamic_batch_num_tokens[place] / acted.sum().clamp(min=1)
        rows = buffer.dynamic_global_batch_size[place] / (acted > 0).sum().clamp(min=1)
        by_rows = self.args.actor.loss_agg_mode == "seq-mean-token-mean"
        metrics["policy_loss"] = metrics["policy_loss"] * (rows if by_rows else tokens)
        if "kl" in metrics:
            metrics["kl"] = metrics["kl"] * tokens

    def broadcast_to_vllm(self) -> None:
        """Stock transport (NCCL or CUDA IPC). Of an adapted policy it sees merged weights instead.

        Not run yet: needs GPUs.
        """
        actor, model = self.actor, self.actor.model.module
        if not isinstance(model, PeftModel):
            super().broadcast_to_vllm()
            return
        try:
            for some in lora.portions(model, self.strategy.args.ds.zero_stage == 3):
                module = SimpleNamespace(named_parameters=some.items)  # all that it is asked for
                self.actor = SimpleNamespace(model=SimpleNamespace(module=module), is_vlm=False)
                super().broadcast_to_vllm()
        finally:
            self.actor = actor


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
        rendezvous.join()
        super().init_model_from_pretrained(strategy, pretrain, max_steps, own)
        self.engines = vllm_engines
        self.version = self.checkpoint_states.get("policy_version", 0)
        if strategy.args.ds.zero_stage in (1, 2):
            # DeepSpeed then leaves out a step whose gradient holds a NaN, as it does with fp16.
            self.actor_optim.check_grad_overflow = True

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

    def fit(self, kl_ctl: float = 0) -> Any:
        """Stock update. Engine and reference are idle meanwhile, so it may take their cores.

        Every update draws from generators seeded by its number: there is no state to lose.
        """
        transformers.set_seed(self.strategy.seed + self.version)
        engine = self.actor.model
        left_out = engine.skipped_steps
        if self.on_cpu:
            torch.set_num_threads(self.strategy.args.flow_threads)
        try:
            status = super().fit(kl_ctl)
        finally:
            if self.on_cpu:
                torch.set_num_threads(1)
        return status | {"skipped_updates": engine.skipped_steps - left_out}

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

    def weights(self) -> dict[str, torch.Tensor]:
        """Copies of the weights that are served, on CPU, by name."""
        served = lora.weights(self.actor.model.module, self.sharded)
        return {name: weight.cpu() for name, weight in served}

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
            weights = self.weights()
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
        """Stock set-up."""
        launcher.Actor = FlowActor
        allow_fp32()
        load_as_data()
        if strategy.args.flow_device == "cpu":
            prepare()
        rendezvous.join()
        super().init_model_from_pretrained(strategy, pretrain)

    def share_prefixes(self) -> None:
        """From now on; raises SettingError if the architecture cannot."""
        self.model.share()
