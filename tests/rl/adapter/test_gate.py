"""On the real class of a GPU engine, over a vLLM of our own: no reply on weights that change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import Completion, Sampling
from rl.settings.config import Config

LAYERS = ("first", "second", "third")
Weights = tuple[int, ...]


class FakeLLM:
    """AsyncLLM as the engine calls it: a reply of ten steps, each by the weights of its moment."""

    def __init__(self) -> None:
        self.weights = dict.fromkeys(LAYERS, 0)
        self.running = 0
        self.cached: set[Weights] = set()
        self.replies: list[list[Weights]] = []
        """By reply: the weights at each step, first those that its cached prefix is of."""
        self.transports: set[str] = set()

    async def generate(
        self, prompt: Any, params: Any, request_id: str
    ) -> AsyncIterator[SimpleNamespace]:
        self.running += 1
        seen = [*self.cached] or [tuple(self.weights.values())]
        for _ in range(10):
            await asyncio.sleep(0.005)
            seen.append(tuple(self.weights.values()))
        self.cached.add(seen[-1])
        self.running -= 1
        self.replies.append(seen)
        logprobs = [{1: SimpleNamespace(logprob=-0.5)}]
        done = SimpleNamespace(token_ids=[1], logprobs=logprobs, finish_reason="stop")
        yield SimpleNamespace(outputs=[done])

    async def collective_rpc(self, method: str, args: tuple[Any, ...]) -> None:
        await asyncio.sleep(0.002)
        self.transports.add(method)
        self.weights[args[0]] += 1

    async def reset_prefix_cache(self) -> bool:
        """Nothing is dropped while a request holds blocks."""
        if self.running:
            return False
        self.cached.clear()
        return True


@pytest.fixture
def engine() -> Any:
    from rl.adapter.engines.async_engine import AsyncEngine

    made = object.__new__(AsyncEngine)
    made.llm, made._mm_pad_token_ids = FakeLLM(), None
    made.start()
    return made


async def ask(engine: Any) -> Completion:
    done: Completion = await engine.generate_ids([1, 2, 3], Sampling(1.0, 8), 0)
    return done


async def sync(engine: Any, transport: str, version: int, announced: bool) -> None:
    """What the policy and OpenRLHF's trainer of it call, by NCCL or by CUDA IPC."""
    if announced:
        await engine.shut_gate()
    await engine.reset_prefix_cache()
    for name in LAYERS:
        await getattr(engine, transport)(name, None, None, *[None] * transport.endswith("ipc"))
    await asyncio.sleep(0.01)
    await engine.set_version(version)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("transport", ["update_weight", "update_weight_cuda_ipc"])
async def test_a_reply_is_of_one_version_whatever_the_transport(
    engine: Any, transport: str, announced: bool
) -> None:
    early = [asyncio.create_task(ask(engine)) for _ in range(3)]
    await asyncio.sleep(0.02)
    change = asyncio.create_task(sync(engine, transport, 1, announced))
    await asyncio.sleep(0.02)
    late = [asyncio.create_task(ask(engine)) for _ in range(3)]
    await change
    assert [(await one).policy_version for one in early] == [0] * 3
    assert [(await one).policy_version for one in late] == [1] * 3
    assert engine.llm.transports == {transport}
    seen = [set(reply) for reply in engine.llm.replies]
    assert seen == [{(0, 0, 0)}] * 3 + [{(1, 1, 1)}] * 3, "and no cached prefix of the former"


async def test_many_syncs_and_requests_never_mix(engine: Any) -> None:
    async def asks() -> list[int]:
        return [(await ask(engine)).policy_version for _ in range(6)]

    asking = [asyncio.create_task(asks()) for _ in range(4)]
    for version in range(1, 6):
        await asyncio.sleep(0.03)
        await sync(engine, "update_weight", version, announced=True)
    versions = [version for some in asking for version in await some]
    assert all(len(set(reply)) == 1 for reply in engine.llm.replies)
    found = sorted(reply[0][0] for reply in engine.llm.replies)
    assert found == sorted(versions)
    assert len(set(versions)) > 2


async def test_a_cache_that_cannot_be_dropped_is_an_error_and_no_reply(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rl.adapter.engines import async_engine

    monkeypatch.setattr(async_engine, "DROPS", 2)
    engine.llm.running = 1  # vLLM's own: no request of ours
    with pytest.raises(RuntimeError, match="cached prefixes of former weights"):
        await engine.shut_gate()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(engine), 0.1)


@pytest.mark.parametrize("first", [True, False])
def test_the_policy_shuts_every_gate_before_its_transport_and_opens_them_after(
    first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rl.adapter.update import policy

    log: list[Any] = []

    class Engine:
        def __init__(self, name: str) -> None:
            for method in ("shut_gate", "set_version"):
                setattr(self, method, SimpleNamespace(remote=partial(self.told, name, method)))

        def told(self, *what: Any) -> None:
            log.append(what)

    made: Any = object.__new__(policy.FlowPolicy)
    made.on_cpu, made.version, made.engines = False, 4, [Engine("a"), Engine("b")]
    made.strategy = SimpleNamespace(is_rank_0=lambda: first)
    made.trainer = SimpleNamespace(broadcast_to_vllm=lambda: log.append("transport"))
    monkeypatch.setattr("ray.get", list)
    monkeypatch.setattr("torch.distributed.barrier", lambda: log.append("barrier"))
    assert made.broadcast_to_vllm() == 5
    shut, opened = (
        [(name, *what) for name in "ab"] for what in (["shut_gate"], ["set_version", 5])
    )
    told = [*shut, "barrier", "transport", *opened, "barrier"]
    assert log == (told if first else ["barrier", "transport", "barrier"])


def test_rollouts_ahead_are_refused_where_weights_have_a_way_past_the_gate() -> None:
    from openrlhf.trainer.ray.vllm_engine import RolloutRayActor

    from rl.adapter.patches import check_gate
    from rl.adapter.stack.cluster import unwrap_ray_actor

    def config(ahead: int) -> Config:
        rollout = {"max_steps_ahead": ahead}
        return Config.model_validate({"run": "r", "model": {"path": "m"}, "rollout": rollout})

    class Another:
        async def update_weight(self) -> None: ...
        async def update_weights_by_disk(self) -> None: ...

    check_gate(config(1), unwrap_ray_actor(RolloutRayActor))
    check_gate(config(0), Another)
    with pytest.raises(SettingError, match="max_steps_ahead=1 .* update_weights_by_disk"):
        check_gate(config(1), Another)
    late = {"close": 0.9}
    early = Config.model_validate({"run": "r", "model": {"path": "m"}, "rollout": late})
    with pytest.raises(SettingError, match="close=0.9 .* update_weights_by_disk"):
        check_gate(early, Another)
