"""GGUF files of tiny models: the converted folder computes what the model computed, to the bit."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import ggufs
import pytest
import torch
from gguf import GGMLQuantizationType
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from transformers import AutoModelForCausalLM, AutoTokenizer

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import PolicyTokenizer
from rl.planners import nano
from rl.planners.weights.checks import check
from rl.planners.weights.conversion import convert
from rl.planners.weights.vocabulary import build
from rl.preflight.gguf_file import read
from rl.preflight.gguf_model import config_of

IDS = torch.tensor([[1, 9, 40, 77, 200, 3, 120, 2, 31, 8, 8, 250]])
STORED = {
    "ffn_down.weight": GGMLQuantizationType.Q8_0,
    "attn_q.weight": GGMLQuantizationType.Q4_1,
    "attn_k.weight": GGMLQuantizationType.Q8_0,
    "attn_v.weight": GGMLQuantizationType.F16,
    "ffn_up.weight": GGMLQuantizationType.BF16,
}


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


def converted(path: Path) -> Path:
    folder = path.with_suffix("")
    folder.mkdir()
    convert(path, folder, lambda _: None)
    return folder


def loaded(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


# ------------------------------------------------------------------- numbers


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ggufs.ARCHITECTURES)
def test_float32_is_taken_over_to_the_bit(architecture: str, tied: bool, tmp_path: Path) -> None:
    model = ggufs.tiny(architecture, tied)
    folder = converted(ggufs.write(tmp_path / "m.gguf", model))
    assert torch.equal(logits(loaded(folder)), logits(model))
    check(folder)


@pytest.mark.parametrize("architecture", ggufs.ARCHITECTURES)
def test_quantised_tensors_are_dequantised(architecture: str, tmp_path: Path) -> None:
    model = ggufs.tiny(architecture)
    exact = logits(model)
    folder = converted(ggufs.write(tmp_path / "m.gguf", model, STORED))
    ggufs.rounded(model, STORED)
    assert torch.equal(logits(loaded(folder)), logits(model))
    assert not torch.equal(logits(model), exact), "nothing was rounded"


def test_llamas_heads_are_turned_back(tmp_path: Path) -> None:
    """The same numbers without llama.cpp's permutation are another model: the test can see it."""
    model = ggufs.tiny("llama")
    folder = converted(ggufs.write(tmp_path / "m.gguf", model, permute=False))
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
        converted(path)


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
    folder = converted(path)
    assert PolicyTokenizer.load(folder).render([HumanMessage("Hi")])[:2] == [nano.START_ID] * 2
    check(folder)


def test_conversations_give_transformers_tokens(tmp_path: Path) -> None:
    folder = converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen3")))
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


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"general__architecture": "gemma3"}, "architecture 'gemma3', not llama, qwen2, qwen3"),
        ({"llama__rope__scaling__type": "yarn"}, r"llama\.rope\.scaling\.type='yarn'"),
        ({"llama__expert_count": 8}, r"llama\.expert_count=8, which is not converted"),
        ({"llama__rope__dimension_count": 8}, "and heads of 16"),
        ({"llama__block_count": 2**31}, "announces 2,147,483,648 layers and has tensors of 2"),
        ({"llama__embedding_length": 96}, "describes no possible model|differ, such as"),
        ({"llama__attention__head_count": "four"}, "not a whole number"),
        ({"llama__context_length": None}, "context_length=None"),
        ({"tokenizer__ggml__model": "llama"}, "kind 'llama'; only byte-level BPE"),
        ({"tokenizer__ggml__pre": "tekken"}, "cuts text by 'tekken'; known are smollm"),
        ({"tokenizer__ggml__pre": None}, "cuts text by None"),
        ({"tokenizer__ggml__eos_token_id": 5000}, "has .*5000.* and only 308 tokens"),
        ({"tokenizer__ggml__eos_token_id": None}, "eos_token_id=None"),
        ({"tokenizer__ggml__merges": ["Ġ nothing-known"]}, "merges that do not fit"),
        ({"tokenizer__ggml__token_type": [1, 1]}, "not each once and with a type"),
        ({"tokenizer__chat_template": None}, "no chat template"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = ggufs.write(tmp_path / "m.gguf", ggufs.tiny("llama"), **changes)
    with pytest.raises(SettingError, match=reason) as error:
        converted(path)
    assert str(path) in str(error.value)
    assert "take another GGUF file of the model, or its Hugging Face folder" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tokenizer__ggml__eos_token_id": nano.PAD_ID}, "does not end a reply"),
        (
            {"tokenizer__chat_template": "{{ nothing('%Y') }}"},
            "cannot be used .*Undefined",
        ),
        ({"tokenizer__chat_template": "{% if %}"}, "cannot be used .*TemplateSyntaxError"),
        ({"tokenizer__chat_template": "{% if strftime_now is defined %}x{% endif %}"}, "eos_token"),
    ],
)
def test_a_folder_is_not_passed_that_the_agent_reads_otherwise(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    folder = converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("llama"), **changes))
    with pytest.raises(SettingError, match=f"(?s){reason}.*(correct eos_token|take another)"):
        check(folder)


def test_a_qwen_that_transformers_would_cut_otherwise_is_not_passed(tmp_path: Path) -> None:
    """Beside a qwen2 config.json it puts Qwen's own pre-tokenizer in the place of any other."""
    folder = converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen2"), pre="gpt-2"))
    with pytest.raises(SettingError, match=r"for \['user'\] the agent reads \d+ tokens and"):
        check(folder)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    model = ggufs.tiny("qwen2")
    model.model.norm.weight.data[3] = float("nan")
    with pytest.raises(SettingError, match=r"output_norm\.weight that are not finite"):
        converted(ggufs.write(tmp_path / "m.gguf", model))


def test_a_folder_whose_weights_are_damaged_is_not_passed(tmp_path: Path) -> None:
    folder = converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen2")))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(SettingError, match=r"does not load .*; fetch the model again"):
        check(folder)


# -------------------------------------------------------------------- damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ggufs.write(tmp_path_factory.mktemp("whole") / "m.gguf", ggufs.tiny("llama"), STORED)


def attempt(data: bytes, folder: Path) -> None:
    """Convert what may be damaged: it succeeds, or is refused in one error of ours."""
    folder.mkdir(exist_ok=True)
    path = folder / "damaged.gguf"
    path.write_bytes(data)
    try:
        convert(path, folder, lambda _: None)
    except SettingError as error:
        assert str(path) in str(error) and "\n" not in str(error)


@settings(max_examples=150)
@given(data=st.data())
def test_a_file_that_is_cut_short_is_refused(
    data: st.DataObject, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = whole.read_bytes()
    end = data.draw(st.integers(0, 200) | st.integers(0, len(content) - 1))
    path = tmp_path_factory.getbasetemp() / "cut.gguf"
    path.write_bytes(content[:end])
    with pytest.raises(SettingError, match="damaged or cut short|not a GGUF file"):
        read(path)


@settings(max_examples=300)
@given(data=st.data())
def test_damaged_bytes_never_end_in_a_traceback(
    data: st.DataObject, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(whole.read_bytes())
    header = next(iter(read(whole).tensors.values())).start
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 1500) | st.integers(0, header - 1))
        content[place] = data.draw(st.integers(0, 255))
    attempt(bytes(content), tmp_path_factory.getbasetemp() / "damaged")


def test_a_value_of_another_type_never_ends_in_a_traceback(whole: Path, tmp_path: Path) -> None:
    model = ggufs.tiny("llama")
    others: tuple[Any, ...] = (7, 0.5, "text", ["a", "b"], [1, 2])
    for key in read(whole).metadata.keys() - {"general.architecture"}:
        for other in others:
            changes: dict[str, Any] = {key.replace(".", "__"): other}
            path = ggufs.write(tmp_path / "m.gguf", model, **changes)
            attempt(path.read_bytes(), tmp_path)
    for alignment in ("text", [1, 2], 0):
        path = ggufs.write(tmp_path / "m.gguf", model, general__alignment=alignment)
        attempt(path.read_bytes(), tmp_path)


@given(content=st.binary(max_size=300))
def test_nonsense_after_the_magic_is_refused(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    attempt(b"GGUF\x03\0\0\0" + content, tmp_path_factory.getbasetemp() / "nonsense")


def test_a_version_of_another_time_or_order_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF\0\0\0\x03" + bytes(100))
    with pytest.raises(SettingError, match=r"version 50331648, and only 2 and 3.*convert it anew"):
        read(tmp_path / "m.gguf")
    with pytest.raises(SettingError, match=r"cannot be read \(Is a directory\)"):
        read(tmp_path)


def test_what_was_written_says_what_it_is(tmp_path: Path) -> None:
    folder = converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen3")))
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
