"""What the adapter relies on inside Ray, DeepSpeed and vLLM is there, as it expects it."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect

import pytest
from upstream import body, named, parameters

from agentflow_graph.models.policy import Sampling
from rl.adapter.engines import request
from rl.serve import on_cpu

cpu_only = pytest.mark.skipif(not on_cpu(), reason="vLLM is not the CPU build here")


def test_an_engine_can_ask_whether_ray_started_it_anew() -> None:
    context = named("ray.runtime_context:RuntimeContext")
    assert isinstance(context.was_current_actor_reconstructed, property), (
        "rl/adapter/engines/weight_version.py"
    )


def test_a_checkpoint_is_loaded_by_the_name_in_latest() -> None:
    source = inspect.getsource(named("deepspeed:DeepSpeedEngine.load_checkpoint"))
    assert "'latest'" in source, "rl/run/saved/checkpoints.py names the checkpoint there"
    source = inspect.getsource(
        named("openrlhf.trainer.ppo_trainer:PPOTrainer.init_checkpoint_states")
    )
    assert "get_checkpoint_states" in source, "rl/adapter/trainer.py resumes from these"
    assert '"global_step": 0' in source


def test_deepspeed_loads_checkpoints_where_we_have_it_read_data_alone() -> None:
    engine = named("deepspeed.runtime.checkpoint_engine.torch_checkpoint_engine")
    assert parameters(engine.TorchCheckpointEngine.load) == ["path", "map_location"], (
        "rl/adapter/stack/loading.py replaces it"
    )
    source = inspect.getsource(named("deepspeed:DeepSpeedEngine"))
    assert "torch.load(" not in source, "rl/adapter/stack/loading.py knows of no other way in"
    make = named("deepspeed.runtime.checkpoint_engine:create_checkpoint_engine")
    unasked = inspect.getsource(make).splitlines()[-1].strip()
    assert unasked == "return TorchCheckpointEngine(config_params)", (
        "rl/adapter/stack/loading.py replaces `load` of this one only"
    )


def test_deepspeeds_compiled_operations_can_be_switched_off() -> None:
    operations = importlib.import_module("deepspeed.ops").__compatible_ops__
    assert isinstance(operations, dict), "rl/adapter/stack/cpu.py writes into __compatible_ops__"
    source = inspect.getsource(importlib.import_module("deepspeed.comm.torch"))
    assert "__compatible_ops__.get(builder.NAME" in source, "rl/adapter/stack/cpu.py: who reads it?"
    builder = importlib.import_module("deepspeed.ops.op_builder.cpu.comm")
    assert builder.ShareMemCommBuilder.NAME == "deepspeed_shm_comm", (
        "rl/adapter/stack/cpu.py names it"
    )


def test_the_optimizer_of_deepspeeds_configuration_has_params() -> None:
    make = named("openrlhf.utils.deepspeed.deepspeed_utils:get_train_ds_config")
    optimizer = {"type": "AdamW", "params": {"lr": 1e-3}}
    config = make(offload=False, adam_offload=False, optim_config=optimizer)
    assert config["optimizer"]["params"]["lr"] == 1e-3, (
        "rl/adapter/stack/cpu.py adds torch_adam there"
    )
    config = make(offload=False, param_dtype="fp32")
    enabled = [config[half]["enabled"] for half in ("bf16", "fp16")]
    assert enabled == [False, False], (
        "rl/adapter/stack/cpu.py `allow_fp32`: a third word is float32"
    )


def test_vllm_takes_our_sampling_parameters() -> None:
    params = request.sampling_params(Sampling(0.7, 32, seed=5), eos_id=2)
    given = {
        "temperature": 0.7,
        "max_tokens": 32,
        "min_tokens": 0,
        "seed": 5,
        "logprobs": 0,
        "detokenize": False,
        "stop_token_ids": [2],
    }
    assert {name: getattr(params, name) for name in given} == given, "rl/adapter/engines/request.py"
    unset = {"top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
    assert {name: getattr(params, name) for name in unset} == unset
    assert (params.top_k, params.min_p, params.repetition_penalty) == (0, 0.0, 1.0)
    assert request.sampling_params(Sampling(0.7, 32), eos_id=2).seed is None


def test_vllm_takes_our_engine_arguments() -> None:
    import vllm

    tree = body("rl.adapter.engines.cpu_engines:create_cpu_engines")
    keys = {
        ast.literal_eval(key)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if key
    }
    assert {"model", "worker_extension_cls", "logprobs_mode", "max_model_len"} <= keys
    known = {field.name for field in dataclasses.fields(vllm.EngineArgs)}
    assert keys | {"seed"} <= known, "rl/adapter/engines/cpu_engines.py"


def test_vllms_synchronous_engine_has_what_the_sync_engine_calls() -> None:
    llm = named("vllm.v1.engine.llm_engine:LLMEngine")
    calls = {
        "from_engine_args": ["engine_args"],
        "add_request": ["request_id", "prompt", "params"],
        "abort_request": ["request_ids"],
        "step": [],
        "has_unfinished_requests": [],
        "reset_prefix_cache": [],
        "collective_rpc": ["method", "timeout", "args"],
    }
    for method, expected in calls.items():
        found = parameters(getattr(llm, method))
        assert found[: len(expected)] == expected, (
            f"rl/adapter/engines/sync_engine.py calls LLMEngine.{method}"
        )


@cpu_only
def test_weights_can_be_loaded_anew_on_cpu() -> None:
    runner = named("vllm.v1.worker.cpu_model_runner:CPUModelRunner")
    assert parameters(runner.reload_weights)[0] == "weights_iterator", (
        "rl/adapter/engines/weight_sync.py"
    )
    assert callable(runner.get_model), "rl/adapter/engines/weight_sync.py"
    repack = named("vllm.model_executor.layers.utils:dispatch_cpu_unquantized_gemm")
    assert parameters(repack) == ["layer", "remove_weight"], "rl/adapter/engines/weight_sync.py"


def test_weight_sync_collides_with_no_method_of_vllms_worker() -> None:
    from rl.adapter.engines.weight_sync import WeightSync

    worker = named("vllm.v1.worker.worker_base:WorkerBase")
    own = [name for name in vars(WeightSync) if not name.startswith("__")]
    assert own == ["load_bytes"]
    assert not hasattr(worker, "load_bytes"), (
        "rl/adapter/engines/weight_sync.py is mixed into this class"
    )
