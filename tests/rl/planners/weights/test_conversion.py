"""GGUF files of tiny models: the converted folder computes what the model computed, to the bit."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import ggufs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from transformers import AutoModelForCausalLM, AutoTokenizer

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import PolicyTokenizer
from rl.planners import nano
from rl.planners.weights.checks import check
from rl.planners.weights.vocabulary import build
from rl.preflight.gguf_file import read
from rl.preflight.gguf_model import config_of

IDS = torch.tensor([[1, 9, 40, 77, 200, 3, 120, 2, 31, 8, 8, 250]])


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


def loaded(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


# ------------------------------------------------------------------- numbers


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ggufs.ARCHITECTURES)
def test_float32_is_taken_over_to_the_bit(architecture: str, tied: bool, tmp_path: Path) -> None:
    model = ggufs.tiny(architecture, tied)
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", model))
    assert torch.equal(logits(loaded(folder)), logits(model))
    check(folder)


@pytest.mark.parametrize("architecture", ggufs.ARCHITECTURES)
def test_quantised_tensors_are_dequantised(architecture: str, tmp_path: Path) -> None:
    model = ggufs.tiny(architecture)
    exact = logits(model)
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", model, ggufs.STORED))
    ggufs.rounded(model, ggufs.STORED)
    assert torch.equal(logits(loaded(folder)), logits(model))
    assert not torch.equal(logits(model), exact), "nothing was rounded"


def test_llamas_heads_are_turned_back(tmp_path: Path) -> None:
    """The same numbers without llama.cpp's permutation are another model: the test can see it."""
    model = ggufs.tiny("llama")
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", model, permute=False))
    assert (logits(loaded(folder)) - logits(model)).abs().max() > 0.1


@pytest.mark.parametrize("architecture", ggufs.ARCHITECTURES)
def test_the_configuration_is_the_models(architecture: str, tmp_path: Path) -> None:
    model = ggufs.tiny(architecture)
    made = config_of(read(ggufs.write(tmp_path / "m.gguf", model)))
    own = model.config.to_dict()
    special = {"bos_token_id", "eos_token_id", "pad_token_id", "architectures", "dtype"}
    assert {key: own[key] for key in made if key not in special} == {
        key: value for key, value in made.items() if key not in special
    }
    assert made["rms_norm_eps"] == 1e-5, "not the float32 nearest to it"
    assert made["architectures"] == [type(model).__name__]


def test_a_llama_with_biases_keeps_them(tmp_path: Path) -> None:
    model = ggufs.tiny("qwen2")
    path = ggufs.write(tmp_path / "m.gguf", model, drop="blk.1.attn_q.bias")
    with pytest.raises(SettingError, match=r"1 differ, such as blk\.1\.attn_q\.bias \(missing"):
        ggufs.converted(path)


# -------------------------------------------------------------------- tokens


@pytest.fixture(scope="module", params=["qwen2", "llama-bpe"])
def both(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Our tokenizer of a file, and transformers' of the same file."""
    home = tmp_path_factory.mktemp("tokens")
    architecture = "llama" if request.param == "llama-bpe" else "qwen2"
    path = ggufs.write(home / "m.gguf", ggufs.tiny(architecture), pre=request.param)
    file = read(path)
    theirs = AutoTokenizer.from_pretrained(home, gguf_file="m.gguf")
    return build(file, file.metadata["tokenizer.ggml.tokens"]), theirs


@settings(max_examples=200)
@given(text=st.text() | st.text("ab 1234567890'stre\n\t.<|im_end|>é"))
def test_text_is_cut_as_transformers_cuts_it(both: tuple[Any, Any], text: str) -> None:
    ours, theirs = both
    text = unicodedata.normalize("NFC", text)  # Qwen's own tokenizer does it, transformers' not
    ids = ours.encode(text, add_special_tokens=False).ids
    assert ids == theirs.encode(text, add_special_tokens=False)
    assert ours.decode(ids, skip_special_tokens=False) == text


def test_smollm_takes_digits_one_by_one(tmp_path: Path) -> None:
    """Also the blanks before them, which a tokenizer that cuts as GPT-2 does would part."""
    file = read(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("llama"), pre="smollm"))
    tokenizer = build(file, file.metadata["tokenizer.ggml.tokens"])
    cut = tokenizer.pre_tokenizer.pre_tokenize_str("or  4738 it's")
    assert [piece for piece, _ in cut] == ["or", "ĠĠ", "4", "7", "3", "8", "Ġit", "'s"]


def test_a_template_brings_its_first_token_along(tmp_path: Path) -> None:
    template = "{{- bos_token }}" + nano.TEMPLATE
    path = tmp_path / "m.gguf"
    ggufs.write(path, ggufs.tiny("llama"), tokenizer__chat_template=template)
    folder = ggufs.converted(path)
    assert PolicyTokenizer.load(folder).render([HumanMessage("Hi")])[:2] == [nano.START_ID] * 2
    check(folder)


def test_conversations_give_transformers_tokens(tmp_path: Path) -> None:
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen3")))
    theirs = AutoTokenizer.from_pretrained(folder)
    said = [
        SystemMessage("Be brief."),
        HumanMessage("Who?  47 "),
        AIMessage("I."),
        HumanMessage(""),
    ]
    roles = ("system", "user", "assistant", "user")
    plain = [{"role": r, "content": m.text} for r, m in zip(roles, said, strict=True)]
    for end in (2, 4):
        expected = theirs.apply_chat_template(
            plain[:end], tokenize=True, add_generation_prompt=True, return_dict=False
        )
        assert PolicyTokenizer.load(folder).render(said[:end]) == expected
    assert (theirs.eos_token_id, theirs.pad_token_id) == (nano.END_ID, nano.PAD_ID)


def test_what_was_written_says_what_it_is(tmp_path: Path) -> None:
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen3")))
    assert {path.name for path in folder.iterdir()} == {
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert json.loads((folder / "tokenizer_config.json").read_text()) == {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": nano.START,
        "eos_token": nano.END,
        "pad_token": nano.PAD,
        "model_max_length": ggufs.WINDOW,
    }
    assert loaded(folder).generation_config.eos_token_id == nano.END_ID
