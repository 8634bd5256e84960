"""The three policy clients agree, and the engine serves exactly the weights it was given."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import safetensors.torch
import torch
from transformers import AutoModelForCausalLM

from agentflow_graph.models.clients import LocalPolicy, ServerPolicy
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling
from agentflow_graph.models.strings import chat_model
from rl.adapter.engines.policy import EnginePolicy
from rl.serve import command, environment
from rl.settings.config import Engine

pytestmark = pytest.mark.integration
LONG, MANY, NEVER = Sampling(2.0, 400), 24, 0
"""Replies of hundreds of tokens, most of them, and how many at once."""
PROMPTS = [
    "Tools: base_generator python_coder wikipedia_search\nQuestion: What is 4738 * 37?\n",
    "Tools: python_coder wikipedia_search\nQuestion: Who is the mayor of Old Hill?\n",
    "Question: In which town does Mira Voss live?\nStep 1: find the facts | x | y\nResult: z\n",
]


@pytest.fixture(scope="module")
def tokenizer(warm_planner: Path) -> PolicyTokenizer:
    return PolicyTokenizer.load(warm_planner)


@pytest.fixture(scope="module")
def prompts(tokenizer: PolicyTokenizer) -> list[list[int]]:
    wrap = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
    return [tokenizer.encode(wrap.format(text)) for text in PROMPTS]


@pytest.fixture(scope="module")
def model(warm_planner: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(warm_planner, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def server(warm_planner: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("server") / "log.txt").open("w")
    words = command(warm_planner, port)
    process = subprocess.Popen(words, env=environment(), stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(url, process, Path(log.name))
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(f"{url}/health", timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(f"the server did not come up:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def doubled(warm_planner: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planner in a file that has its output layer too, which is tied to the embeddings."""
    folder = tmp_path_factory.mktemp("doubled") / "planner"
    shutil.copytree(warm_planner, folder)
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    safetensors.torch.save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def engines(warm_planner: Path, doubled: Path) -> Iterator[dict[str, Any]]:
    import ray

    from rl.adapter.engines.cpu_engines import create_cpu_engines
    from rl.adapter.stack.cluster import start_ray

    start_ray(on_cpu=True)
    try:
        kinds = {"sync": warm_planner, "async": warm_planner, "doubled": doubled}
        yield {
            name: create_cpu_engines(
                Engine(kind="async" if name == "async" else "sync").model_dump(), str(file), 0, 512
            )[0]
            for name, file in kinds.items()
        }
    finally:
        ray.shutdown()


def under_way(engine: Any) -> int:
    """Requests that vLLM itself has not finished."""
    import ray

    def count(self: Any) -> int:
        inner = getattr(self, "engine", None)
        where = inner.output_processor if inner else self.llm.output_processor
        return int(where.get_num_unfinished_requests())

    return int(ray.get(engine.__ray_call__.remote(count)))


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_call_that_is_given_up_ends_in_its_engine(
    kind: str, prompts: list[list[int]], engines: dict[str, Any]
) -> None:
    policy = EnginePolicy([engines[kind]], window=512, eos_id=NEVER)
    calls = [asyncio.create_task(policy.generate(prompts[0], LONG)) for _ in range(MANY)]
    await until(lambda: under_way(engines[kind]) > MANY / 2)
    given_up = sum(call.cancel() for call in calls)
    await asyncio.wait(calls)
    await until(lambda: under_way(engines[kind]) == 0)
    assert given_up > MANY / 2


@pytest.mark.parametrize("form", ["policy", "vllm"])
async def test_a_call_that_is_given_up_ends_in_its_server(
    form: str, prompts: list[list[int]], server: str
) -> None:
    def figure(name: str) -> float:
        text = httpx.get(f"{server}/metrics").text
        found = re.findall(rf"^vllm:{name}{{.*?}} ([\d.e+]+)$", text, re.MULTILINE)
        return sum(map(float, found))

    works: list[Awaitable[Any]]
    if form == "policy":
        policy = ServerPolicy(server, NEVER)
        works = [policy.generate(prompts[0], LONG) for _ in range(MANY)]
    else:
        model = chat_model(f"vllm:planner@{server}?ignore_eos=true", 1.0, 400)
        works = [model.ainvoke("Who?") for _ in range(MANY)]
    before = figure("request_success_total")
    calls = [asyncio.ensure_future(work) for work in works]
    await until(lambda: figure("num_requests_running") > MANY / 2)
    given_up = sum(call.cancel() for call in calls)
    await asyncio.wait(calls)
    await until(lambda: figure("num_requests_running") == 0)
    finished = figure("request_success_total") - before
    assert finished < MANY - given_up / 2, "those given up are not among them"


async def until(true: Callable[[], bool]) -> None:
    for _ in range(100):
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not in time")


def scored(model: Any, prompt: list[int], reply: list[int], temperature: float) -> torch.Tensor:
    """Log-probabilities of `reply` under the model itself."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 : -1]
    return (logits / temperature).log_softmax(-1).gather(1, torch.tensor(reply)[:, None])[:, 0]


def test_the_same_tokens_and_log_probabilities_everywhere(
    warm_planner: Path,
    tokenizer: PolicyTokenizer,
    prompts: list[list[int]],
    server: str,
    engines: dict[str, Any],
    model: Any,
) -> None:
    greedy, drawn = Sampling(0.0, 32), Sampling(0.7, 32, seed=5)
    eos = tokenizer.eos_id

    async def all_of(client: Any, sampling: Sampling) -> list[Completion]:
        return [await client.generate(prompt, sampling) for prompt in prompts]

    class Actor:
        def __init__(self, handle: Any) -> None:
            self.handle = handle

        async def generate(self, prompt: list[int], sampling: Sampling) -> Completion:
            done: Completion = await self.handle.generate_ids.remote(prompt, sampling, eos)
            return done

    clients = {
        "in process": LocalPolicy(warm_planner),
        "server": ServerPolicy(server, eos),
        "sync engine": Actor(engines["sync"]),
        "async engine": Actor(engines["async"]),
    }
    replies = {name: asyncio.run(all_of(c, greedy)) for name, c in clients.items()}
    reference = replies["in process"]
    assert [r.finish_reason for r in reference] == ["stop"] * len(prompts)
    for name, given in replies.items():
        assert [r.token_ids for r in given] == [r.token_ids for r in reference], name
    for name, client in clients.items():
        for prompt, reply in zip(prompts, asyncio.run(all_of(client, drawn)), strict=True):
            true = scored(model, prompt, reply.token_ids, 0.7)
            apart = (true - torch.tensor(reply.logprobs)).abs().max().item()
            assert apart < 1e-3, f"{name}: {apart}"


@pytest.mark.parametrize("kind", ["sync", "async", "doubled"])
def test_the_engine_serves_the_weights_of_the_last_sync(
    kind: str,
    warm_planner: Path,
    tokenizer: PolicyTokenizer,
    prompts: list[list[int]],
    engines: dict[str, Any],
) -> None:
    import ray

    moved = AutoModelForCausalLM.from_pretrained(warm_planner, dtype=torch.float32).eval()
    assert moved.config.tie_word_embeddings
    stale = AutoModelForCausalLM.from_pretrained(warm_planner, dtype=torch.float32).eval()
    torch.manual_seed(3)
    for parameter in moved.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter) * parameter.std(correction=0))
    named = {name: p.detach().clone() for name, p in moved.named_parameters()}
    engine = engines[kind]
    ray.get(engine.load_weights.remote(safetensors.torch.save(named), 41))
    worst = {"moved": 0.0, "stale": 0.0}
    for prompt in prompts:
        reply = ray.get(engine.generate_ids.remote(prompt, Sampling(1.0, 32), tokenizer.eos_id))
        assert reply.policy_version == 41
        given = torch.tensor(reply.logprobs)
        for name, model in (("moved", moved), ("stale", stale)):
            gap = (scored(model, prompt, reply.token_ids, 1.0) - given).abs().max().item()
            worst[name] = max(worst[name], gap)
    assert worst["moved"] < 1e-3
    assert worst["stale"] > 1e-2, "the control does not discriminate: perturb more"
