"""The planner that ships, in numpy: the tokens and log-probabilities of transformers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import PromptTooLong, SettingError
from agentflow_graph.models.clients import LocalPolicy, NanoPolicy
from agentflow_graph.models.policy import Completion, Sampling
from agentflow_graph.models.strings import NANO
from agentflow_graph.record import RunRecord, record_as

QUESTIONS = (
    "What is 4738 * 37?",
    "What is the population of Old Harbor?",
    "Who is the mayor of the town where Olen Hale lives?",
    "What is the population of the town where Olen Hale lives + 73?",
)


def model_of(folder: Path) -> Any:
    return Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def apart(model: Any, prompt: list[int], done: Completion, temperature: float) -> float:
    """The largest difference from the log-probabilities that transformers gives the reply."""
    ids = torch.tensor([prompt + done.token_ids])
    with torch.inference_mode():
        logits = model(ids).logits[0, len(prompt) - 1 : -1] / (temperature or 1.0)
    exact = torch.log_softmax(logits, -1).gather(1, ids[0, len(prompt) :, None])[:, 0]
    return float((exact - torch.tensor(done.logprobs)).abs().max())


@pytest.fixture(scope="module")
async def prompts() -> list[list[int]]:
    """Every prompt that the planner gets when it is asked."""
    agent, found = build_graph(), []
    for question in QUESTIONS:
        run = RunRecord("run")
        with record_as(run):
            await agent.ainvoke({"question": question}, context=Context(seed=1))
        found += [a["prompt_ids"] for key, a in run.calls if key.node == "planner"]
    return found


async def test_tokens_and_log_probabilities_are_those_of_transformers(
    prompts: list[list[int]],
) -> None:
    ours, theirs, model = NanoPolicy(NANO), LocalPolicy(NANO), model_of(NANO)
    assert len(prompts) >= 6 and max(map(len, prompts)) > 80
    for prompt in prompts:
        greedy = await ours.generate(prompt, Sampling(0.0, 64))
        same = await theirs.generate(prompt, Sampling(0.0, 64))
        assert (greedy.token_ids, greedy.finish_reason) == (same.token_ids, same.finish_reason)
        assert apart(model, prompt, greedy, 0.0) < 3e-5
        for warmth in (0.7, 1.3, 3.0):
            drawn = await ours.generate(prompt, Sampling(warmth, 64, seed=4))
            assert apart(model, prompt, drawn, warmth) < 3e-5
            assert drawn == await ours.generate(prompt, Sampling(warmth, 64, seed=4))


def other(folder: Path, **changes: Any) -> Path:
    """A planner of random weights beside the tokenizer of ours."""
    torch.manual_seed(0)
    told: dict[str, Any] = {"vocab_size": 1007, "hidden_size": 48, "intermediate_size": 40}
    told |= {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2}
    told |= {"max_position_embeddings": 64, "tie_word_embeddings": False}
    config = Qwen2Config(initializer_range=0.1, **told, **changes)
    Qwen2ForCausalLM(config).save_pretrained(folder)
    shutil.copytree(NANO / "tokenizer", folder / "tokenizer")
    return folder


async def test_another_shape_is_computed_too(tmp_path: Path) -> None:
    """Shared keys, an output of its own, more layers: what `make nano` could come to."""
    folder = other(tmp_path)
    done = await NanoPolicy(folder).generate([5, 6, 7], Sampling(0.7, 40, seed=4))
    assert len(done.token_ids) > 5
    assert apart(model_of(folder), [5, 6, 7], done, 0.7) < 3e-5


async def test_a_reply_is_drawn_as_often_as_it_is_probable() -> None:
    client = NanoPolicy(NANO)
    drawn: dict[int, tuple[int, float]] = {}
    for _ in range(600):
        done = await client.generate([5, 6], Sampling(1.0, 1))
        count = drawn.get(done.token_ids[0], (0, 0.0))[0]
        drawn[done.token_ids[0]] = count + 1, done.logprobs[0]
    off = [abs(count / 600 - np.exp(logprob)) for count, logprob in drawn.values()]
    assert len(drawn) > 3, "one token alone would show nothing"
    assert max(off) < 0.1  # five standard deviations


async def test_a_reply_keeps_within_the_window(tmp_path: Path) -> None:
    client = NanoPolicy(other(tmp_path))
    done = await client.generate([5] * 62, Sampling(0.7, 100, seed=1))
    assert len(done.token_ids) <= 2
    with pytest.raises(PromptTooLong, match="the prompt has 64 tokens and the window 64"):
        await client.generate([5] * 64, Sampling())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "llama"}, r"config.json is damaged \(model_type: .*'qwen2'"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1}}, "rope_parameters.rope_type"),
        ({"hidden_size": 32}, r"model.safetensors is damaged \(ValueError: a weight is float32"),
        ({"num_hidden_layers": 9}, r"damaged \(KeyError: 'model.layers.2"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(NANO, tmp_path / "planner"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(SettingError, match=said):
        NanoPolicy(folder)


def test_weights_that_are_cut_short_are_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(NANO, tmp_path / "planner"))
    whole = (NANO / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1000])
    with pytest.raises(SettingError, match="model.safetensors is damaged"):
        NanoPolicy(folder)
