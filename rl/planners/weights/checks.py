"""Is a folder of weights what everything here expects? Looked at before it is put in place.

The agent reads tokenizer.json and the chat template by itself, the trainer's libraries through
transformers: both must give the same tokens for a conversation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from transformers import AutoModelForCausalLM, AutoTokenizer

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import ROLES, PolicyTokenizer

TEXT = "Is 4738 * 37\tmore than 9,000?\n\n  Naïve “quotes”, it's 東京 🙂.  \n"
REMEDY = (
    "take another model, or one whose chat_template.jinja needs no more than messages and "
    "add_generation_prompt"
)
USER, SYSTEM, REPLY = HumanMessage(TEXT), SystemMessage("Be brief."), AIMessage("Yes.")
CONVERSATIONS: tuple[list[BaseMessage], ...] = ([USER], [SYSTEM, USER], [USER, REPLY, USER])


def check(folder: Path) -> None:
    """Load a folder as the agent and as transformers do, and compare.

    Raises:
        SettingError: it does not load, tokens differ, or a reply would not end with its turn.
    """
    try:
        answered = _conversations(folder)
    except SettingError:
        raise
    except Exception as error:  # templates are programs, and fail in every way there is
        raise SettingError(
            f"{folder}: its tokenizer or chat template cannot be used ({type(error).__name__}: "
            f"{error}); {REMEDY}"
        ) from error
    _loads(folder, answered)


def _conversations(folder: Path) -> list[int]:
    """Compare the tokens of each; returns those of one that was answered."""
    ours = PolicyTokenizer.load(folder)
    for conversation in CONVERSATIONS:
        _same_tokens(folder, ours, conversation)
    asked, answered = ours.render([USER]), ours.render([USER, REPLY])
    if answered.count(ours.eos_id) <= asked.count(ours.eos_id):
        raise SettingError(
            f"{folder}: the chat template does not end a reply with the tokenizer's eos_token "
            f"(id {ours.eos_id}), so a reply would never end; correct eos_token in "
            "tokenizer_config.json, or take the instruct model"
        )
    return answered


def _same_tokens(folder: Path, ours: PolicyTokenizer, messages: list[BaseMessage]) -> None:
    home = folder / "tokenizer" if (folder / "tokenizer").exists() else folder
    plain = [{"role": ROLES[message.type], "content": message.text} for message in messages]
    theirs: Any = AutoTokenizer.from_pretrained(home)
    expected = theirs.apply_chat_template(
        plain, tokenize=True, add_generation_prompt=True, return_dict=False
    )
    if (found := ours.render(messages)) == expected:
        return
    place = next(
        (i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]),
        min(len(found), len(expected)),
    )
    raise SettingError(
        f"{folder}: for {[turn['role'] for turn in plain]} the agent reads {len(found)} tokens and "
        f"transformers {len(expected)}, other ones from token {place}; {REMEDY}"
    )


def _loads(folder: Path, ids: list[int]) -> None:
    """One forward pass over a conversation."""
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits
    except Exception as error:  # whatever a damaged folder makes the library raise
        raise SettingError(
            f"{folder} does not load ({type(error).__name__}: {error}); fetch the model again"
        ) from error
    if not logits.isfinite().all():
        raise SettingError(f"{folder}: the model gives no finite logits; fetch it again")
