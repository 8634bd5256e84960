"""What `rl/adapter` relies on inside OpenRLHF, Ray, DeepSpeed and vLLM is there, as it expects it.

These fail at an upgrade, and say which file of ours depends on what has gone.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from importlib.metadata import version

import pytest
from upstream import named, parameters, stock_cli

from rl.adapter import trainer
from rl.adapter.update import actor, buffer, experience, policy, training

# ------------------------------------------------------------------ versions


@pytest.mark.parametrize(
    ("package", "pinned"), [("openrlhf", "0.11.2"), ("ray", "2.55.0"), ("deepspeed", "0.19.6")]
)
def test_the_versions_are_those_that_the_adapter_knows(package: str, pinned: str) -> None:
    assert version(package) == pinned, f"read rl/adapter anew before moving to another {package}"


# ----------------------------------------------------------------- OpenRLHF


@pytest.mark.parametrize(
    "path",
    [
        "openrlhf.trainer.ray.ppo_actor:PolicyModelActor",
        "openrlhf.trainer.ray.launcher:ReferenceModelActor",
        "openrlhf.trainer.ppo_trainer:PPOTrainer",
        "openrlhf.trainer.ray.vllm_engine:RolloutRayActor",
    ],
)
def test_the_class_inside_a_ray_actor_can_be_had(path: str) -> None:
    module, _, name = path.partition(":")
    wrapped = getattr(importlib.import_module(module), name)
    inside = wrapped.__ray_metadata__.modified_class.__ray_actor_class__
    assert inspect.isclass(inside), (
        f"rl/adapter/engines/async_engine.py `plain` cannot unwrap {path}"
    )
    assert inside.__name__ == name, (
        f"rl/adapter/engines/async_engine.py `plain` unwraps {path} to another class"
    )


TRAINER = "openrlhf.trainer.ppo_trainer:PPOTrainer"
MAKER = "openrlhf.trainer.ppo_utils.experience_maker:RemoteExperienceMaker"
SAMPLES = "openrlhf.trainer.ppo_utils.samples_generator"
ACTOR = "openrlhf.trainer.ray.ppo_actor"
BUFFER = "openrlhf.trainer.ppo_utils.replay_buffer:NaiveReplayBuffer"
ROLLOUT = "openrlhf.trainer.ray.vllm_engine:RolloutRayActor"
GROUPS = "actor_model_group critic_model_group reward_model_group"
SIGNATURES = {
    f"{TRAINER}.__init__": (
        f"pretrain strategy {GROUPS} reference_model_group vllm_engines generate_kwargs",
        "trainer.py",
    ),
    f"{TRAINER}.get_max_steps": ("", "trainer.py"),
    f"{TRAINER}.fit": ("global_step", "trainer.py"),
    f"{TRAINER}.train_step": ("rollout_samples global_step", "trainer.py"),
    f"{TRAINER}.save_logs_and_checkpoints": (
        "global_step logs_dict client_states",
        "trainer.py",
    ),
    f"{TRAINER}.evaluate": ("global_step generate_kwargs", "trainer.py"),
    f"{MAKER}.__init__": (
        f"{GROUPS} initial_model_group kl_controller strategy tokenizer kwargs",
        "trainer.py",
    ),
    f"{MAKER}.split_rollout_samples": ("rollout_samples", "update/experience.py"),
    f"{MAKER}.compute_advantages_and_returns": ("experiences", "update/experience.py"),
    f"{SAMPLES}:SamplesGenerator.__init__": (
        "strategy prompts_dataloader eval_dataloader tokenizer vllm_engines",
        "workers/samples.py",
    ),
    f"{SAMPLES}:SamplesGenerator._process_response_into_experience": (
        "response generate_kwargs",
        "update/rows.py",
    ),
    f"{ACTOR}:ActorPPOTrainer.training_step": (
        "experience kl_ctl step loss_batch_info",
        "update/policy.py",
    ),
    f"{ACTOR}:PolicyModelActor.init_model_from_pretrained": (
        "strategy pretrain max_steps vllm_engines",
        "update/policy.py",
    ),
    f"{BUFFER}.append": ("experience", "update/buffer.py"),
    f"{BUFFER}.collate_fn": ("batch", "update/buffer.py"),
    f"{BUFFER}.setup_dynamic_batch": ("strategy", "update/buffer.py"),
    "deepspeed:DeepSpeedEngine.set_gradient_accumulation_boundary": (
        "is_boundary",
        "update/policy.py",
    ),
    f"{ACTOR}:ActorPPOTrainer.broadcast_to_vllm": ("", "update/training.py"),
    f"{ACTOR}:PolicyModelActor.broadcast_to_vllm": ("", "update/policy.py"),
    f"{ACTOR}:PolicyModelActor.fit": ("kl_ctl", "update/policy.py"),
    f"{ACTOR}:PolicyModelActor.save_checkpoint": (
        "tag client_states metric_value metric_key",
        "update/policy.py",
    ),
    "deepspeed:DeepSpeedEngine.save_checkpoint": (
        "save_dir tag client_state save_latest exclude_frozen_parameters",
        "update/policy.py",
    ),
    f"{ACTOR}:PolicyModelActor.save_model": ("", "update/policy.py"),
    "openrlhf.trainer.ray.launcher:ReferenceModelActor.init_model_from_pretrained": (
        "strategy pretrain",
        "update/policy.py",
    ),
    "openrlhf.models.actor:Actor.forward": (
        "sequences action_mask attention_mask return_output allgather_logits return_logprobs "
        "ring_attn_group packed_seq_lens return_entropy mm_inputs",
        "update/actor.py",
    ),
    "openrlhf.trainer.ppo_utils.length_penalty:apply_overlong_penalty": (
        "experiences max_new_tokens overlong_buffer_len overlong_penalty_factor",
        "objective/advantages.py",
    ),
    "openrlhf.utils.loss_utils:get_loss_batch_info": (
        "strategy loss_mask replay_buffer step dynamic_batch batch_num_tokens global_batch_size",
        "update/training.py",
    ),
    "openrlhf.models.utils:log_probs_from_logits": ("logits labels temperature", "update/actor.py"),
    "openrlhf.trainer.ppo_utils.kl_controller:FixedKLController.__init__": (
        "kl_coef",
        "update/contenders.py",
    ),
    f"{ROLLOUT}.generate": (
        "prompt_token_ids sampling_params multi_modal_data",
        "engines/async_engine.py",
    ),
    "openrlhf.utils:get_strategy": ("args", "patches.py"),
    "openrlhf.utils.utils:convert_to_torch_dtype": ("param_dtype", "cpu.py"),
    "openrlhf.models.utils:compute_approx_kl": (
        "log_probs log_probs_base log_probs_old kl_estimator unbiased_gradient",
        "../flow_grpo.py",
    ),
}


@pytest.mark.parametrize("path", SIGNATURES)
def test_what_we_override_or_call_has_its_signature(path: str) -> None:
    expected, file = SIGNATURES[path]
    assert parameters(named(path)) == expected.split(), f"rl/adapter/{file} relies on {path}"


OVERRIDDEN: dict[type, str] = {
    trainer.FlowTrainer: "get_max_steps fit train_step save_logs_and_checkpoints evaluate",
    experience.FlowExperienceMaker: "split_rollout_samples compute_advantages_and_returns",
    actor.FlowActor: "forward",
    training.FlowActorTrainer: "training_step broadcast_to_vllm",
    policy.FlowPolicy: (
        "init_model_from_pretrained fit broadcast_to_vllm save_checkpoint save_model"
    ),
    policy.FlowReference: "init_model_from_pretrained",
    buffer.TreeBuffer: "append __getitem__ collate_fn setup_dynamic_batch",
}


@pytest.mark.parametrize("ours", OVERRIDDEN)
def test_every_override_overrides_something(ours: type) -> None:
    own = [each for each in ours.__mro__ if each.__module__.startswith("rl.")]
    for method in OVERRIDDEN[ours].split():
        assert any(method in vars(each) for each in own)
        assert any(method in vars(base) for base in ours.__mro__ if base not in own), (
            f"{ours.__module__}.{ours.__name__}.{method} would never be called"
        )


@pytest.mark.parametrize(
    ("module", "names", "file"),
    [
        (
            ACTOR,
            "get_tokenizer Actor ActorPPOTrainer PolicyModelActor",
            "update/policy.py and patches.py",
        ),
        (
            "openrlhf.trainer.ppo_trainer",
            "get_tokenizer PPOTrainer balance_experiences",
            "trainer.py and patches.py",
        ),
        ("openrlhf.trainer.ray", "create_vllm_engines", "patches.py"),
        (
            "openrlhf.trainer.ray.launcher",
            "Actor ReferenceModelActor",
            "update/policy.py and patches.py",
        ),
        ("openrlhf.trainer.ray.vllm_engine", "RolloutRayActor", "patches.py"),
        ("openrlhf.utils", "get_strategy", "patches.py"),
        (
            "openrlhf.utils.utils",
            "convert_to_torch_dtype get_tokenizer",
            "cpu.py and update/policy.py",
        ),
        ("openrlhf.utils.deepspeed.deepspeed", "get_train_ds_config", "cpu.py"),
        ("openrlhf.models.ring_attn_utils", "pad_input unpad_input all_gather", "cpu.py"),
    ],
)
def test_names_are_looked_up_where_we_replace_them(module: str, names: str, file: str) -> None:
    found = vars(importlib.import_module(module))
    missing = [name for name in names.split() if name not in found]
    assert not missing, f"rl/adapter/{file} replaces {missing} in {module}"


def test_the_stock_command_line_imports_what_launch_replaces() -> None:
    imports = {
        (node.module, alias.name)
        for node in ast.walk(stock_cli())
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {
        ("openrlhf.trainer.ray", "create_vllm_engines"),
        ("openrlhf.trainer.ray.launcher", "ReferenceModelActor"),
        ("openrlhf.trainer.ray.ppo_actor", "PolicyModelActor"),
        ("openrlhf.trainer.ppo_trainer", "PPOTrainer"),
        ("openrlhf.utils", "get_strategy"),
    } <= imports, "rl/adapter/patches.py replaces these names before the command line runs"


def test_the_stock_command_line_calls_the_trainer_through_remote_only() -> None:
    nodes = [node for node in ast.walk(stock_cli()) if isinstance(node, ast.Call)]
    calls = {ast.unparse(node.func): node for node in nodes}
    wanted = {"ppo_trainer.get_max_steps.remote", "ppo_trainer.fit.remote"}
    found = {name for name in calls if name.startswith("ppo_trainer.")}
    assert found == wanted, "rl/adapter/patches.py `InDriver` answers these calls"
    given = calls["PPOTrainer.remote"]
    assert len(given.args) == 7, "rl/adapter/trainer.py takes 7 positional arguments"
    names = {keyword.arg for keyword in given.keywords}
    assert {"temperature", "max_new_tokens"} <= names, (
        "rl/adapter/workers/samples.py samples with these"
    )
