"""Our attention in a transformers model: unseen without a tree, refused where it would be wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from prefixes import CONFIGS, SIZES, batch, changed, group, learned, padded, rotary, tiny
from transformers import AttentionInterface, AutoModelForCausalLM, Gemma2Config, GPT2Config
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from rl.prefix.attention import install, refusal

ROWS = batch(group())


@pytest.mark.parametrize("name", CONFIGS)
def test_without_a_tree_nothing_changes(name: str) -> None:
    model = tiny(name)
    ours = copy.deepcopy(model)
    install(ours)
    install(ours)  # again changes nothing
    assert ours.config._attn_implementation == "sdpa"
    for one, other in zip(*(learned(m, padded(m, ROWS)) for m in (model, ours)), strict=True):
        assert torch.equal(one, other)
    ids = ROWS.sequences[:1, :9]
    for how in (
        {},
        {"attention_mask": None, "position_ids": torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3, 4]])},
    ):
        assert torch.equal(model(ids, **how).logits, ours(ids, **how).logits)


def test_an_attention_that_looks_itself_up_finds_its_name() -> None:
    """As transformers' flash attention does, which cannot be imported here."""
    named = []

    def looks(module: Any, *given: Any, **how: Any) -> Any:
        named.append(module.config._attn_implementation)
        return ALL_ATTENTION_FUNCTIONS["sdpa"](module, *given, **how)

    AttentionInterface.register("looks", looks)
    AttentionMaskInterface.register("looks", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    model: Any = tiny("qwen2", "looks")
    install(model)
    model(ROWS.sequences[:1, :9])
    assert set(named) == {"looks"}


def test_without_a_tree_it_writes_the_same() -> None:
    model: Any = tiny("qwen2")
    ours = copy.deepcopy(model)
    install(ours)
    how = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}
    ids = ROWS.sequences[:1, :9]
    assert torch.equal(model.generate(ids, **how), ours.generate(ids, **how))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_model_knows_nothing_of_it(name: str, tmp_path: Path) -> None:
    model = tiny(name)
    model.save_pretrained(tmp_path / "before")
    install(model)
    model.save_pretrained(tmp_path / "after")
    before, after = (
        {path.name: path.read_bytes() for path in (tmp_path / place).iterdir()}
        for place in ("before", "after")
    )
    assert before == after
    assert b"or_tree" not in b"".join(after.values())
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "after")
    assert loaded.config._attn_implementation == "sdpa"
    assert json.loads(after["config.json"])["model_type"] == model.config.model_type
    assert torch.equal(loaded(ROWS.sequences).logits, model(ROWS.sequences).logits)


LONG = rotary("longrope", short_factor=[1.0] * 4, long_factor=[2.0] * 4)

REFUSED = {
    "model type 'gpt2'": GPT2Config(n_embd=32, n_head=4, n_layer=1),
    "model type 'gemma2'": Gemma2Config(**SIZES),
    "attn_logit_softcapping=30.0": changed("gemma3", attn_logit_softcapping=30.0),
    "use_bidirectional_attention=True": changed("gemma3", use_bidirectional_attention=True),
    "attention_dropout=0.1": changed("qwen2", attention_dropout=0.1),
    "rotary embeddings of type 'dynamic'": changed("qwen2", rope_parameters=rotary("dynamic")),
    "rotary embeddings of type 'longrope'": changed(
        "qwen2", rope_parameters=rotary("longrope", **LONG)
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_a_tree_would_get_wrong_is_refused_by_name(reason: str) -> None:
    model = AutoModelForCausalLM.from_config(REFUSED[reason], attn_implementation="sdpa")
    assert reason in refusal(model.config)
    with pytest.raises(ValueError, match=f"prefixes cannot be shared: .*{reason}"):
        install(model)
    assert model.config._attn_implementation == "sdpa", "nothing was changed"


def test_an_attention_without_a_way_in_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="attention 'eager' cannot follow a tree; sdpa can"):
        install(tiny("qwen2", "eager"))


def test_one_layer_in_two_with_moving_angles_is_refused() -> None:
    config = tiny("gemma3").config
    assert refusal(config) == ""
    config.rope_parameters["full_attention"]["rope_type"] = "dynamic"
    assert "'dynamic' depend on the row's length" in refusal(config)
