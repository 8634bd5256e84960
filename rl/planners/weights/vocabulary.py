"""The tokenizer in a GGUF file, as the files that `tokenizers`, transformers and vLLM read.

Text is cut into pieces as the model's own tokenizer cuts it; transformers' conversion does so for
some files only, and cuts others as GPT-2 does without a word.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from rl.preflight.gguf_file import GgufFile
from rl.preflight.gguf_model import split_of

CONTROL, USER_DEFINED = 3, 4
"""Types of tokens that text is never cut across; the first are special."""
PIECES = {
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
"""The expressions of Meta's and of Qwen's own tokenizers."""


def write_tokenizer(file: GgufFile, folder: Path, ids: dict[str, int | None], window: int) -> None:
    """Write tokenizer.json, tokenizer_config.json and chat_template.jinja.

    Args:
        file: the GGUF.
        folder: where they are written.
        ids: of the special tokens, as in config.json.
        window: tokens of prompt and reply together.

    Raises:
        SettingError: the vocabulary is damaged or of a kind that is not known, or there is no chat
            template.
    """
    tokens = _texts(file, "tokenizer.ggml.tokens")
    if outside := {key: id for key, id in ids.items() if id is not None and id >= len(tokens)}:
        raise file.refusal(f"has {outside} and only {len(tokens):,} tokens")
    names = {
        key.removesuffix("_id"): tokens[id] for key, id in sorted(ids.items()) if id is not None
    }
    build(file, tokens).save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **names, "model_max_length": window}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    template = file.metadata.get("tokenizer.chat_template")
    if not isinstance(template, str):
        raise file.refusal("has no chat template: it is no model for conversations")
    if "bos_token" in template and "bos_token" in names:
        # Readers do not agree whether a template is given the name; so it brings it along.
        template = f"{{%- set bos_token = {json.dumps(names['bos_token'])} -%}}{template}"
    (folder / "chat_template.jinja").write_text(template)


def build(file: GgufFile, tokens: list[str]) -> Tokenizer:
    """The tokenizer of a file with these `tokens`, by their ids.

    Raises:
        SettingError: see `write_tokenizer`.
    """
    split = split_of(file)
    merges = [merge.partition(" ") for merge in _texts(file, "tokenizer.ggml.merges")]
    types = file.metadata.get("tokenizer.ggml.token_type")
    if not isinstance(types, np.ndarray) or not len(types) == len(tokens) == len({*tokens}):
        raise file.refusal(f"has {len(tokens):,} tokens, not each once and with a type")
    try:
        model = models.BPE(
            vocab={token: number for number, token in enumerate(tokens)},
            merges=[(left, right) for left, _, right in merges],
            ignore_merges=split == "llama3",
        )
    except Exception as error:  # the library raises nothing narrower
        raise file.refusal(f"has merges that do not fit its tokens ({error})") from error
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = _pieces(split)
    tokenizer.decoder = decoders.ByteLevel()
    if split == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    pairs = list(zip(tokens, types, strict=True))
    for kind, special in ((CONTROL, True), (USER_DEFINED, False)):
        whole = [AddedToken(t, special=special, normalized=False) for t, k in pairs if k == kind]
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)(whole)
    return tokenizer


def _pieces(split: str) -> Any:
    """What cuts text before the merges; all end in bytes."""
    if split == "gpt2":
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    if split == "smollm":
        first: Any = pre_tokenizers.Digits(individual_digits=True)
        return pre_tokenizers.Sequence([first, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    first = pre_tokenizers.Split(Regex(PIECES[split]), behavior="isolated")
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([first, last])


def _texts(file: GgufFile, key: str) -> list[str]:
    value = file.metadata.get(key)
    if isinstance(value, list):
        return value
    raise file.refusal(f"has no list {key!r} in its metadata")
