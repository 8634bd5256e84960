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


def test_a_training_step_returns_what_the_blank_batch_repairs() -> None:
    tree = body(f"{ACTOR}:ActorPPOTrainer.training_step")
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    assert len(returned) == 1
    assert isinstance(returned[0], ast.Dict)
    keys = [ast.literal_eval(key) for key in returned[0].keys if key]
    assert keys == ["metrics", "weights", "num_samples", "num_action_tokens"], (
        "rl/adapter/update/policy.py `FlowActorTrainer` corrects metrics and num_action_tokens"
    )


def test_the_transport_asks_an_actor_for_what_the_stand_in_has() -> None:
    source = inspect.getsource(named(f"{ACTOR}:ActorPPOTrainer.broadcast_to_vllm"))
    asked = set(re.findall(r"self\.actor\.([\w.]+)|self\.actor, \"(\w+)\"", source))
    assert asked == {("model.module", ""), ("", "is_vlm")}, (
        "rl/adapter/update/policy.py stands in for it"
    )
    whole = set(re.findall(r"\bmodel\.(\w+)", source.replace("self.actor.model.module", "")))
    assert whole == {"named_parameters"}, "rl/adapter/update/policy.py stands in for the module"


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
