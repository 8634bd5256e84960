"""The configurations that ship: they load, say what the paper says, and OpenRLHF accepts each.

OpenRLHF's own command line runs as it is, parser and validation, up to the first thing it would
start: Ray is replaced by one that raises.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import chat_model
from rl.adapter.stack.arguments import openrlhf_args
from rl.preflight.endpoints import MODULES
from rl.settings.config import load

FOLDER = Path(__file__).parents[3] / "rl" / "configs"
EVERY = sorted(FOLDER.glob("*.yaml"))
QWEN = sorted(FOLDER.glob("qwen*.yaml"))
WHOLE = [path for path in QWEN if "lora" not in path.stem]
PAPER = FOLDER / "qwen2.5-7b.yaml"


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_openrlhf_accepts_every_configuration(path: Path) -> None:
    config = load(path)
    args = openrlhf_args(config)
    place = config.placement
    assert (args.actor.num_nodes, args.actor.num_gpus_per_node) == (place.nodes, place.gpus)
    assert (args.ref.num_nodes, args.ref.num_gpus_per_node) == (place.nodes, place.gpus)
    assert args.rollout.batch_size == config.rollout.questions
    assert args.critic.model_name_or_path is None
    if place.colocate == "all":
        assert place.ranks == args.vllm.num_engines * args.vllm.tensor_parallel_size
    ranks = place.nodes * place.gpus
    assert args.train.batch_size % (args.train.micro_batch_size * ranks) == 0


@pytest.mark.parametrize("runs", [(1, 2), (2, 2), (3, 3)])
def test_fewer_runs_than_a_micro_batch_are_taken(runs: tuple[int, int]) -> None:
    given = [f"rollout.questions={runs[0]}", f"rollout.group_size={runs[1]}"]
    args = openrlhf_args(load(FOLDER / "nano.yaml", given))
    assert args.rollout.micro_batch_size == runs[0] * runs[1] < args.train.micro_batch_size


def test_the_papers_settings_reach_openrlhf() -> None:
    args = openrlhf_args(load(PAPER))
    assert (args.rollout.batch_size, args.rollout.n_samples_per_prompt) == (32, 8)
    assert (args.rollout.temperature, args.rollout.max_new_tokens) == (0.5, 2048)
    assert args.data.max_len == 18_432 + 2_048
    adam = args.actor.adam
    assert (adam.lr, adam.weight_decay, adam.betas) == (1e-6, 0.01, [0.9, 0.999])
    how = {"lr": 1e-6, "warmup": 0, "course": "constant", "least": 0.0}
    assert args.flow_schedule == how
    assert args.actor.eps_clip_low_high == [0.2, 0.3]
    kl = args.algo.kl
    assert (kl.use_loss, kl.estimator, kl.init_coef) == (True, "k3", 0.001)
    assert (args.ds.param_dtype, args.ds.packing_samples) == ("bf16", True)
    assert args.actor.gradient_checkpointing_enable
    correction = args.algo.advantage
    assert (correction.is_correction_level, correction.is_correction_mode) == ("token", "clip")
    assert correction.is_correction_threshold == [0.5, 2.0]
    assert (args.train.colocate_all, args.vllm.enable_sleep) == (True, True)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_sizes_change_nothing_that_is_learned(path: Path) -> None:
    paper, other = load(PAPER), load(path)
    assert other.algorithm == paper.algorithm
    assert (other.data, other.reward) == (paper.data, paper.reward)
    learned = ("lr", "warmup", "betas", "weight_decay", "batch_rows", "max_norm")
    assert [getattr(other.optimizer, n) for n in learned] == [
        getattr(paper.optimizer, n) for n in learned
    ]
    sampled = ("questions", "group_size", "temperature", "reply_tokens", "window", "deadline")
    assert [getattr(other.rollout, n) for n in sampled] == [
        getattr(paper.rollout, n) for n in sampled
    ]


def test_the_adapters_reach_openrlhf() -> None:
    lora = openrlhf_args(load(FOLDER / "qwen2.5-7b-lora-1gpu.yaml")).ds.lora
    assert (lora.rank, lora.alpha, lora.dropout, lora.target_modules) == (32, 64, 0, "all-linear")


@pytest.mark.parametrize("path", QWEN, ids=lambda path: path.stem)
def test_the_frozen_modules_are_models_behind_an_endpoint(path: Path) -> None:
    context = load(path).context()
    assert (context.max_turns, context.layout) == (3, "static_first")
    specs = [getattr(context, name) for name in MODULES]
    for spec in (*specs, load(path).reward.judge):
        model: Any = chat_model(spec, 0.0, 16)
        assert model.endpoint.url == "http://127.0.0.1:8001/v1"
        assert model.endpoint.name == "Qwen/Qwen2.5-7B-Instruct"


@pytest.mark.parametrize(
    ("override", "fragments"),
    [
        (
            "rollout={questions: 3, group_size: 2}",
            ["rollout.questions=3 x rollout.group_size=2 makes 6 runs for 8 GPUs"],
        ),
        ("optimizer.batch_rows=60", ["optimizer.batch_rows=60", "x 8 GPUs"]),
        ("engine.count=4", ["engine.count=4", "placement.gpus=8"]),
        ("placement.colocate=none", ["engine.sleep=True", "placement.colocate=all"]),
        ("model.attention=sdpa", ["model.packing=True", "flash_attention_2", "'sdpa'"]),
        ("engine.device=cpu", ["placement", "engine.device=gpu"]),
        ("placement.colocate=some", ["placement.colocate='some'", "'reference'"]),
    ],
)
def test_what_openrlhf_would_refuse_later_is_refused_at_once(
    override: str, fragments: list[str]
) -> None:
    with pytest.raises(SettingError) as caught:
        load(PAPER, [override])
    assert [part for part in fragments if part not in str(caught.value)] == []


def test_gpu_engines_report_what_they_sampled_from_and_are_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import inspect

    import ray
    from openrlhf.trainer.ray.vllm_engine import create_vllm_engines

    from rl.adapter.engines.async_engine import awaited

    assert list(inspect.signature(create_vllm_engines).parameters)[11] == "logprobs_mode"
    kept = SimpleNamespace()

    def stock(*given: Any, **named: Any) -> list[Any]:
        kept.given, kept.named = given, named
        return [engine, engine]

    ready = SimpleNamespace(remote=lambda: "ready")
    engine = SimpleNamespace(ready=ready)
    monkeypatch.setattr(ray, "get", lambda refs: setattr(kept, "awaited", refs))
    made = awaited(stock)(*range(11), None, agent_func_path="x")
    assert made == [engine, engine]
    assert kept.awaited == ["ready", "ready"]
    assert kept.given == (*range(11), "processed_logprobs")
    assert kept.named == {"agent_func_path": "x"}


def test_openrlhfs_validation_is_reached() -> None:
    config = load(FOLDER / "nano.yaml")
    broken = config.model_copy(
        update={"rollout": config.rollout.model_copy(update={"group_size": 1})}
    )
    with pytest.raises(AssertionError, match="n_samples_per_prompt > 1"):
        openrlhf_args(broken)


async def test_gpu_engines_load_no_agent_file_and_no_tokenizer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from rl.adapter.engines.async_engine import AsyncEngine

    kept: dict[str, Any] = {}

    async def stock(self: Any, **kwargs: Any) -> None:
        kept.update(kwargs)

    monkeypatch.setattr(AsyncEngine.__mro__[1], "__init__", stock)
    engine = object.__new__(AsyncEngine)
    await AsyncEngine.__init__(
        engine, agent_func_path="graph-workers.py", trust_remote_code=True, model="m"
    )  # type: ignore[misc]
    assert kept == {
        "agent_func_path": None,
        "remote_rm_url": None,
        "skip_tokenizer_init": True,
        "trust_remote_code": False,
        "model": "m",
    }


@pytest.mark.parametrize("sleeps", [True, False])
def test_engines_that_sleep_are_awake_for_an_evaluation(
    sleeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rl.adapter.workers import samples

    told: list[str] = []
    monkeypatch.setattr(samples, "batch_vllm_engine_call", lambda _, what: told.append(what))
    generator = object.__new__(samples.FlowSamplesGenerator)
    generator.args = SimpleNamespace(vllm=SimpleNamespace(enable_sleep=sleeps))
    generator.vllm_engines = []
    with pytest.raises(ZeroDivisionError), generator.awake():
        told.append("asked")
        raise ZeroDivisionError
    assert told == (["wake_up", "asked", "sleep"] if sleeps else ["asked"])
