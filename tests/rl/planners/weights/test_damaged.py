"""GGUF files that cannot be taken over or are damaged: refused by name, never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ggufs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentflow_graph.errors import SettingError
from rl.planners import nano
from rl.planners.weights.checks import check
from rl.planners.weights.conversion import convert
from rl.preflight.gguf_file import read

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
        ggufs.converted(path)
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
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("llama"), **changes))
    with pytest.raises(SettingError, match=f"(?s){reason}.*(correct eos_token|take another)"):
        check(folder)


def test_a_qwen_that_transformers_would_cut_otherwise_is_not_passed(tmp_path: Path) -> None:
    """Beside a qwen2 config.json it puts Qwen's own pre-tokenizer in the place of any other."""
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen2"), pre="gpt-2"))
    with pytest.raises(SettingError, match=r"for \['user'\] the agent reads \d+ tokens and"):
        check(folder)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    model = ggufs.tiny("qwen2")
    model.model.norm.weight.data[3] = float("nan")
    with pytest.raises(SettingError, match=r"output_norm\.weight that are not finite"):
        ggufs.converted(ggufs.write(tmp_path / "m.gguf", model))


def test_a_folder_whose_weights_are_damaged_is_not_passed(tmp_path: Path) -> None:
    folder = ggufs.converted(ggufs.write(tmp_path / "m.gguf", ggufs.tiny("qwen2")))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(SettingError, match=r"does not load .*; fetch the model again"):
        check(folder)


# -------------------------------------------------------------------- damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ggufs.write(
        tmp_path_factory.mktemp("whole") / "m.gguf", ggufs.tiny("llama"), ggufs.STORED
    )


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
