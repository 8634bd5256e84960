"""What the update relies on in the bodies of OpenRLHF's functions is there, as it expects it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re

from openrlhf.trainer.ppo_utils.experience import Experience
from upstream import body, named

SAMPLES = "openrlhf.trainer.ppo_utils.samples_generator"
ACTOR = "openrlhf.trainer.ray.ppo_actor"
MAKER = "openrlhf.trainer.ppo_utils.experience_maker:RemoteExperienceMaker"


def test_a_training_step_returns_what_the_blank_batch_repairs() -> None:
    tree = body(f"{ACTOR}:ActorPPOTrainer.training_step")
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    assert len(returned) == 1
    assert isinstance(returned[0], ast.Dict)
    keys = [ast.literal_eval(key) for key in returned[0].keys if key]
    assert keys == ["metrics", "weights", "num_samples", "num_action_tokens"], (
        "rl/adapter/update/training.py `FlowActorTrainer` corrects metrics and num_action_tokens"
    )


def test_a_training_step_takes_entropies_of_the_last_columns_and_subtracts_their_mean() -> None:
    source = inspect.getsource(named(f"{ACTOR}:ActorPPOTrainer.training_step"))
    assert "return_entropy=self.args.actor.entropy_coef is not None" in source
    assert "output.entropy[:, -experience.action_mask.shape[1] :]" in source, (
        "rl/adapter/update/actor.py `FlowActor` gives the output its `entropy`"
    )
    assert "loss -= entropy_loss * self.args.actor.entropy_coef" in source


def test_epochs_go_over_one_buffer_with_the_tables_of_the_first() -> None:
    loop = inspect.getsource(named(f"{ACTOR}:ActorPPOTrainer.ppo_train"))
    tables, epochs = loop.index("setup_dynamic_batch"), loop.index("in range(self.max_epochs)")
    assert tables < epochs, "rl/adapter/update/buffer.py takes the windows' numbers out, once"
    assert loop.index("enumerate(micro_batches)") > epochs, "places count from 0 in each epoch"


def test_the_transport_asks_an_actor_for_what_the_stand_in_has() -> None:
    source = inspect.getsource(named(f"{ACTOR}:ActorPPOTrainer.broadcast_to_vllm"))
    asked = set(re.findall(r"self\.actor\.([\w.]+)|self\.actor, \"(\w+)\"", source))
    assert asked == {("model.module", ""), ("", "is_vlm")}, (
        "rl/adapter/update/training.py stands in for it"
    )
    whole = set(re.findall(r"\bmodel\.(\w+)", source.replace("self.actor.model.module", "")))
    assert whole == {"named_parameters"}, "rl/adapter/update/training.py stands in for the module"


def test_a_row_is_made_without_looking_at_the_generator() -> None:
    tree = body(f"{SAMPLES}:SamplesGenerator._process_response_into_experience")
    assert "self" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}, (
        "rl/adapter/update/rows.py calls it without a generator"
    )


def test_the_replay_buffer_and_the_loss_count_non_empty_rows_only() -> None:
    source = inspect.getsource(named("openrlhf.utils.loss_utils:_optimizer_step_loss_norm"))
    assert ".sum(dim=-1) > 0" in source, "rl/adapter/update/experience.py adds blank rows to a step"


def test_an_experience_has_the_fields_that_we_fill() -> None:
    known = {field.name for field in dataclasses.fields(Experience)}
    ours = (
        "sequences attention_mask action_mask action_log_probs rollout_log_probs returns "
        "advantages kl rewards scores response_length truncated total_length index prompts "
        "labels images mm_train_inputs info"
    )
    assert set(ours.split()) <= known, "rl/adapter/update/experience.py fills these fields"
    rest = "base_action_log_probs values"
    assert known == {*ours.split(), *rest.split()}, (
        "rl/adapter/update/experience.py `_blank` lacks a field, or has one too many"
    )


def test_the_trainer_reads_a_windows_tables_where_batches_are_dynamic() -> None:
    buffer = "openrlhf.trainer.ppo_utils.replay_buffer:NaiveReplayBuffer"
    told = inspect.getsource(named(f"{buffer}.__init__"))
    step = inspect.getsource(named(f"{ACTOR}:ActorPPOTrainer.training_step"))
    loss = inspect.getsource(named("openrlhf.utils.loss_utils:get_loss_batch_info"))
    read = set(re.findall(r"replay_buffer\.(dynamic_\w+)", step + loss))
    assert read == {
        "dynamic_sample_loss_scale",
        "dynamic_batch_num_tokens",
        "dynamic_global_batch_size",
        "dynamic_optimizer_step",
    }, "rl/adapter/update/buffer.py fills these, and dynamic_indices"
    assert all(f"self.{name}" in told for name in {*read, "dynamic_indices"})
    loop = inspect.getsource(named(f"{ACTOR}:ActorPPOTrainer.ppo_train"))
    assert "setup_dynamic_batch(self.strategy)" in loop
    assert "not self.args.train.dynamic_batch_enable" in loop, "windows must not be shuffled"


def test_dynamic_batches_step_deepspeed_by_hand() -> None:
    source = inspect.getsource(
        named("openrlhf.utils.deepspeed.deepspeed:DeepspeedStrategy.get_ds_train_config")
    )
    branch = source.partition("if self.use_dynamic_batch:")[2].partition("else:")[0]
    assert '"gradient_accumulation_steps"] = 1' in branch, (
        "rl/adapter/update/training.py tells the engine where a window ends"
    )


def test_a_verification_finds_what_it_stands_in_for() -> None:
    maker = inspect.getsource(named(MAKER))
    asked = set(re.findall(r"\bray\.(\w+)\(", maker))
    assert asked == {"put", "get"}, "rl/adapter/verifying/retraining.py stands in for Ray"
    groups = set(re.findall(r"group\.(async_\w+)\(", maker))
    assert groups == {"async_run_method", "async_run_method_batch"}, "`Here` has no more methods"


def test_stage_3_asks_before_its_step_and_marks_norms_that_are_not_finite() -> None:
    kind = "deepspeed.runtime.zero.stage3:DeepSpeedZeroOptimizer_Stage3"
    source = inspect.getsource(named(kind))  # its methods are wrapped
    step = source.partition("def step(self")[2].partition("def dump_pre_step")[0]
    asked = step.index("if self._overflow_check_and_loss_scale_update():")
    assert asked < step.index("self._get_norm_groups()") < step.index("self._optimizer_step(")
    mark = named("deepspeed.runtime.utils:mask_nan_or_inf_with_val_inplace")
    assert inspect.signature(mark).parameters["val"].default == -1.0, "rl/adapter/update/finite.py"
