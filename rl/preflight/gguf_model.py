"""The model in a GGUF file, as its Hugging Face config.json would describe it.

What would make the model another one than the file's is refused, never left out: scaled positions,
experts, a vocabulary that is split in a way that is not known here.
"""

from __future__ import annotations

from typing import Any

from rl.preflight.gguf_file import GgufFile

CLASSES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}
"""By the architecture's name, which llama.cpp and transformers share."""
SPLITS = {
    "smollm": "smollm",
    "llama-bpe": "llama3",
    "llama3": "llama3",
    "llama-v3": "llama3",
    "qwen2": "qwen2",
    "deepseek-r1-qwen": "qwen2",
    "gpt-2": "gpt2",
}
"""By `tokenizer.ggml.pre`: how text is cut before its pieces are merged to tokens."""
UNDERSTOOD = {
    "vocab_size",
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "attention.causal",
    "tensor_data_layout",
}
"""Keys after `<architecture>.` that are taken over, or change nothing."""
NOTHING = (0, "", "none")
"""Values of other keys that change nothing either."""


def config_of(file: GgufFile) -> dict[str, Any]:
    """The config.json of the model in `file`.

    Raises:
        SettingError: it is of another architecture, or something about it cannot be taken over.
    """
    name = file.architecture
    if name not in CLASSES:
        raise file.refusal(f"holds a model of architecture {name!r}, not {', '.join(CLASSES)}")
    _refuse_the_rest(file, name)
    layers, heads = file.whole(f"{name}.block_count"), file.whole(f"{name}.attention.head_count")
    hidden, vocabulary = file.whole(f"{name}.embedding_length"), _rows(file)
    return {
        "architectures": [CLASSES[name]],
        "model_type": name,
        "hidden_size": hidden,
        "intermediate_size": file.whole(f"{name}.feed_forward_length"),
        "num_hidden_layers": _counted(file, layers),
        "num_attention_heads": heads,
        "num_key_value_heads": _or(file, f"{name}.attention.head_count_kv", heads),
        "head_dim": _head(file, name, hidden // heads),
        "max_position_embeddings": file.whole(f"{name}.context_length"),
        "vocab_size": vocabulary,
        "rms_norm_eps": file.real(f"{name}.attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"rope_type": "default", "rope_theta": _theta(file, name)},
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "dtype": "float32",
        **special_ids(file),
        **({"attention_bias": "blk.0.attn_q.bias" in file.tensors} if name != "qwen2" else {}),
    }


def special_ids(file: GgufFile) -> dict[str, int | None]:
    """Ids of the tokens that begin a text, end a turn and fill up.

    Raises:
        SettingError: none ends a turn.
    """
    key = "tokenizer.ggml.{}_token_id"
    # Where a file knows the end of a turn and the end of a text apart, a reply ends with the first.
    end = "eot" if key.format("eot") in file.metadata else "eos"
    eos = file.whole(key.format(end), 0)
    begin = key.format("bos")
    return {
        "bos_token_id": file.whole(begin, 0) if begin in file.metadata else None,
        "eos_token_id": eos,
        "pad_token_id": _or(file, key.format("padding"), eos, 0),
    }


def split_of(file: GgufFile) -> str:
    """How the file's tokenizer cuts text: smollm, llama3, qwen2 or gpt2.

    Raises:
        SettingError: its vocabulary is no byte-level BPE, or is cut in a way not known here.
    """
    kind, pre = file.text("tokenizer.ggml.model"), file.metadata.get("tokenizer.ggml.pre")
    if kind != "gpt2":
        raise file.refusal(f"has a tokenizer of kind {kind!r}; only byte-level BPE is converted")
    if not isinstance(pre, str) or pre not in SPLITS:
        known = ", ".join(SPLITS)
        raise file.refusal(f"has a tokenizer that cuts text by {pre!r}; known are {known}")
    return SPLITS[pre]


def _refuse_the_rest(file: GgufFile, name: str) -> None:
    if "rope_freqs.weight" in file.tensors:
        raise file.refusal("scales its positions (rope_freqs.weight), which is not converted")
    for key, value in file.metadata.items():
        known = not key.startswith(f"{name}.") or key.removeprefix(f"{name}.") in UNDERSTOOD
        if not known and not (isinstance(value, int | float | str) and value in NOTHING):
            raise file.refusal(f"has {key}={value!r}, which is not converted")


def _rows(file: GgufFile) -> int:
    """Tokens that the embedding has rows for."""
    embedding = file.tensors.get("token_embd.weight")
    if embedding is None:
        raise file.refusal("has no tensor token_embd.weight")
    return embedding.shape[0]


def _counted(file: GgufFile, layers: int) -> int:
    """The layers, if the file has as many: no model is built larger than its file."""
    found = {name.split(".")[1] for name in file.tensors if name.startswith("blk.")}
    if found != {str(number) for number in range(min(layers, len(file.tensors)))}:
        raise file.refusal(f"announces {layers:,} layers and has tensors of {len(found)}")
    return layers


def _head(file: GgufFile, name: str, usual: int) -> int:
    """Size of an attention head."""
    size = _or(file, f"{name}.attention.key_length", usual)
    for key in ("attention.value_length", "rope.dimension_count"):
        if (other := _or(file, f"{name}.{key}", size)) != size:
            raise file.refusal(f"has {name}.{key}={other}, and heads of {size}")
    return size


def _theta(file: GgufFile, name: str) -> float:
    key = f"{name}.rope.freq_base"
    return file.real(key) if key in file.metadata else 10_000.0


def _or(file: GgufFile, key: str, usual: int, least: int = 1) -> int:
    return file.whole(key, least) if key in file.metadata else usual
