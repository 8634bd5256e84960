"""The nano planner: a Qwen2-architecture language model of 0.2 million parameters, made here.

No weights ship with the world, so the project makes its own. A folder of a planner holds

    config.json  generation_config.json  model.safetensors     what transformers and vLLM load
    tokenizer/                                                  see PolicyTokenizer for why apart
    agentflow.json                                              what it was trained under
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM
from transformers.utils.logging import disable_progress_bar

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
PAD_ID, START_ID, END_ID = 0, 1, 2
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WINDOW = 1024
"""Tokens of prompt and reply together."""

# Numbers fall into chunks of two digits and tool names stay whole: with single digits a model of
# this size never learned to copy an expression (facts: the nano planner).
SPLIT = r"\n| ?\d\d?| ?[\w-]*[^\W\d]|[^\s\w]| ?[^\s\w]+|\s"


def build_tokenizer(texts: Iterable[str], vocabulary: int = 1024) -> Tokenizer:
    """A byte-level BPE tokenizer trained on `texts`; any text can be encoded."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def build_model(vocabulary: int, seed: int) -> Qwen2ForCausalLM:
    """Random weights: 2 layers, 64 wide, tied embeddings; 0.19 million for 970 tokens."""
    torch.manual_seed(seed)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=WINDOW,
            tie_word_embeddings=True,
            pad_token_id=PAD_ID,
            bos_token_id=START_ID,
            eos_token_id=END_ID,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            initializer_range=0.1,
            dtype="float32",
        )
    )


def save(
    folder: Path, model: Qwen2ForCausalLM, tokenizer: Tokenizer, trained: dict[str, Any]
) -> None:
    """Write a planner's folder; `trained` becomes `agentflow.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    disable_progress_bar()
    model.generation_config = GenerationConfig(
        eos_token_id=END_ID, pad_token_id=PAD_ID, bos_token_id=START_ID
    )
    model.save_pretrained(folder)
    save_tokenizer(folder / "tokenizer", tokenizer)
    (folder / "agentflow.json").write_text(json.dumps(trained, indent=2) + "\n")


def save_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Write `tokenizer.json` and the configuration that transformers and vLLM read with it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "model_max_length": WINDOW,
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
