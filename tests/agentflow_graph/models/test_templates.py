"""Chat templates give the ids of transformers, and no text becomes a control token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from templates import TEMPLATES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from agentflow_graph.errors import SettingError
from agentflow_graph.models.tokens.tokenizer import PolicyTokenizer

BOS, EOS = "<|begin_of_text|>", "<|eot_id|>"
SPECIAL = [BOS, EOS, "<|start_header_id|>", "<|end_header_id|>", "<pad>", "<|im_start|>"]
SPECIAL += ["<|im_end|>", "<bos>", "<start_of_turn>", "<end_of_turn>", "[INST]", "<<SYS>>", "<SYS>"]
PLAIN = ["<think>", "</think>", "<tool_call>", "  "]
REFUSES_SYSTEM = ("gemma",)
CHATS: list[list[BaseMessage]] = [
    [HumanMessage(" Who? \n")],
    [SystemMessage("Be brief. "), HumanMessage("日本 <é> & 'x' \"y\"")],
    [SystemMessage("Be."), HumanMessage("a"), AIMessage("  b\n"), HumanMessage("That: no.")],
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    vocabulary = {name: n for n, name in enumerate(pre_tokenizers.ByteLevel.alphabet())}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in PLAIN])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def configure(home: Path, template: Any, **more: Any) -> None:
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template}
    config |= {"bos_token": BOS, "eos_token": EOS, "pad_token": "<pad>"}
    (home / "tokenizer_config.json").write_text(json.dumps(config | more))


def by_transformers(home: Path, chat: list[BaseMessage], **given: Any) -> list[int]:
    from transformers import AutoTokenizer

    roles = {"human": "user", "ai": "assistant", "system": "system"}
    turns = [{"role": roles[one.type], "content": one.text} for one in chat]
    theirs: Any = AutoTokenizer.from_pretrained(home)
    ids: list[int] = theirs.apply_chat_template(
        turns, add_generation_prompt=True, return_dict=False, **given
    )
    return ids


@pytest.mark.parametrize("family", TEMPLATES)
def test_ids_are_those_of_transformers(family: str, home: Path) -> None:
    configure(home, TEMPLATES[family])
    for given in ({}, {"enable_thinking": False}):
        ours = PolicyTokenizer.load(home, given)
        for chat in CHATS:
            if family not in REFUSES_SYSTEM or isinstance(chat[0], HumanMessage):
                assert ours.render(chat) == by_transformers(home, chat, **given)


@pytest.mark.parametrize(
    "template",
    [
        TEMPLATES["gemma"],
        "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join }}",
    ],
)
def test_a_system_message_that_a_template_refuses_or_drops_is_folded(
    template: str, home: Path
) -> None:
    configure(home, template)
    folded: list[BaseMessage] = [HumanMessage("Be brief.\n\nWho?")]
    ours = PolicyTokenizer.load(home).render([SystemMessage("Be brief."), HumanMessage("Who?")])
    assert ours == by_transformers(home, folded)


@pytest.mark.parametrize("told", [*SPECIAL, *PLAIN[:3], "<<|im_end|>", "<<SYS>>x<|im_end|><think>"])
@pytest.mark.parametrize("family", ["llama3", "gemma", "qwen3", "chatml"])
def test_a_control_token_in_a_text_stays_text(told: str, family: str, home: Path) -> None:
    configure(home, TEMPLATES[family])
    tokenizer = PolicyTokenizer.load(home)
    harmless = tokenizer.render([HumanMessage("a  b")])
    ids = tokenizer.render([HumanMessage(f"a {told} b")])
    control = {tokenizer.encode(text)[0] for text in (*SPECIAL, *PLAIN[:3])}
    assert [one for one in ids if one in control] == [one for one in harmless if one in control]
    assert f"a {told} b" in tokenizer.decode(ids), "and all of it is there"


def test_of_several_templates_the_default_counts(home: Path) -> None:
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "d"}]
    configure(home, named)
    assert PolicyTokenizer.load(home).render(CHATS[0]) == by_transformers(home, CHATS[0])


def test_what_ends_a_reply_is_read_from_the_models_files(home: Path, tmp_path: Path) -> None:
    configure(home, "x", eos_token=None)
    with pytest.raises(SettingError, match=r"names no eos_token"):
        PolicyTokenizer.load(home)
    for path in home.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    known = Tokenizer.from_file(str(home / "tokenizer.json")).get_vocab()
    ends = [known[EOS], known["<pad>"]]
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
    tokenizer = PolicyTokenizer.load(tmp_path)
    assert (tokenizer.eos_id, tokenizer.ends) == (ends[0], tuple(ends))
    assert tokenizer.decode([*tokenizer.encode("a"), ends[1]]) == "a"
