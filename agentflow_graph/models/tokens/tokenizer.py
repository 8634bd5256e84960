"""A policy's tokenizer: conversations to token ids and replies back to text.

What a question, a page or a model says never becomes a control token: text that spells one is cut
in two before it is encoded, so that it stays text. All other text gives the ids of transformers.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from tokenizers import Tokenizer

from agentflow_graph.errors import SettingError, model_inside
from agentflow_graph.models.tokens.template import TAKE, ChatTemplate
from agentflow_graph.record.artifacts import read_object, read_text

ROLES = {"human": "user", "ai": "assistant", "system": "system"}
SPECIAL = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
"""The tokens that transformers hands to a template, each as `NAME_token`."""
_CUT = "\ufdd0"
"""Stands where a control token's text is cut; a noncharacter, which no text may hold."""


class PolicyTokenizer:
    """`tokenizer.json` as it is, with the chat template that lies beside it.

    transformers 5 replaces the pre-tokenizer of a tokenizer that lies beside a qwen2 `config.json`,
    without a warning; engine and trainer would then disagree. So the file is read by `tokenizers`
    itself, and our own planners keep theirs in a folder of its own, `<model>/tokenizer`.

    Args:
        tokenizer: the tokenizer.
        template: its chat template.
        eos: the token that ends a reply.
        bos: the token that begins a text; empty if there is none.
        tokens: further tokens for the template, by name.
        given: further variables for the template, such as `enable_thinking`.
        ends: ids of further tokens that end a reply.

    Raises:
        SettingError: the tokenizer has no such `eos`, or the template cannot be read.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: str,
        eos: str,
        bos: str = "",
        tokens: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        ends: Sequence[int] = (),
    ) -> None:
        self._tokenizer, self._json = tokenizer, ""
        named = {"eos_token": eos, **({"bos_token": bos} if bos else {}), **(tokens or {})}
        self._template = ChatTemplate(template, named, given)
        eos_id = tokenizer.token_to_id(eos)
        if eos_id is None:
            raise SettingError(f"the tokenizer has no token {eos!r}; correct its eos_token")
        self.eos_id: int = eos_id
        self.ends: tuple[int, ...] = tuple(dict.fromkeys((eos_id, *ends)))
        """Ids of all tokens that end a reply."""

    @classmethod
    def load(cls, folder: str | Path, given: Mapping[str, Any] | None = None) -> "PolicyTokenizer":
        """Read a model folder or a tokenizer folder; raises SettingError naming what is missing."""
        model = Path(folder)
        home = model / "tokenizer" if (model / "tokenizer/tokenizer.json").exists() else model
        if not (home / "tokenizer.json").exists():
            told = f"no tokenizer.json in {home}{model_inside(home)}"
            raise SettingError(f"{told}; name the folder of a planner's model")
        config = read_object(home / "tokenizer_config.json", TAKE)
        tokenizer = tokenizer_of(home / "tokenizer.json", TAKE)
        tokens = _special_tokens(config, home)
        ends = _ends(model)
        eos = tokens.get("eos_token") or next(map(tokenizer.id_to_token, ends), None)
        if not eos:
            where = home / "tokenizer_config.json"
            raise SettingError(f"{where} names no eos_token, which ends a reply; add it")
        template = _template(home, config)
        return cls(tokenizer, template, str(eos), tokens=tokens, given=given, ends=ends)

    def render(self, messages: Sequence[BaseMessage]) -> list[int]:
        """Token ids of the conversation, ending where the assistant's reply begins."""
        turns = [{"role": ROLES[m.type], "content": self._as_text(m.text)} for m in messages]
        parts = self._template.render(turns).split(_CUT)
        return [token for part in parts for token in self.encode(part)]

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, no special tokens added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def to_json(self) -> str:
        """The tokenizer's own file."""
        if not self._json:  # megabytes, and asked for by every run that is recorded
            self._json = str(self._tokenizer.to_str())
        return self._json

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of a reply, its end-of-turn token left out."""
        body = token_ids[:-1] if token_ids and token_ids[-1] in self.ends else token_ids
        return str(self._tokenizer.decode(list(body), skip_special_tokens=False))

    def _as_text(self, content: str) -> str:
        """`content` with every spelling of a control token cut behind its first character."""
        content = content.replace(_CUT, "\ufffd")
        if self._controls is None:
            return content
        # A cut may leave the spelling of another token behind.
        while any(map(self._controls.search, parts := content.split(_CUT))):
            content = _CUT.join(self._controls.sub(_cut, part) for part in parts)
        return content

    @cached_property
    def _controls(self) -> re.Pattern[str] | None:
        added = self._tokenizer.get_added_tokens_decoder().values()
        # Runs of blanks and plain words are vocabulary, whoever added them.
        spelled = {t.content for t in added if len(t.content) > 1 and _is_control(t.content)}
        longest_first = sorted(spelled, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first))) if spelled else None


def _is_control(text: str) -> bool:
    return not text.isalnum() and bool(text.strip(" \t\r\n▁"))


def _cut(match: re.Match[str]) -> str:
    return match[0][0] + _CUT + match[0][1:]


def tokenizer_of(path: Path, remedy: str) -> Tokenizer:
    """The tokenizer in a file; raises SettingError if it cannot be read."""
    text = read_text(path, remedy)
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # the library raises no class of its own
        raise SettingError(f"{path} is damaged (no tokenizer: {error}); {remedy}") from error


def _special_tokens(config: Mapping[str, Any], home: Path) -> dict[str, str]:
    """Special tokens by name, as `tokenizer_config.json` tells them or the file beside it."""
    beside = home / "special_tokens_map.json"
    told = {**(read_object(beside, TAKE) if beside.exists() else {}), **config}
    named = {name: _text(told.get(name)) for name in (f"{kind}_token" for kind in SPECIAL)}
    return {name: text for name, text in named.items() if text}


def _text(token: object) -> str:
    """A token as a file tells it: its text, or a record with its text."""
    return str(token["content"]) if isinstance(token, dict) else str(token or "")


def _ends(model: Path) -> list[int]:
    """Ids of the tokens that end a reply, as the model's own files tell them."""
    for name in ("generation_config.json", "config.json"):
        if (model / name).exists():
            told = read_object(model / name, TAKE).get("eos_token_id")
            if told is not None:
                return [int(one) for one in (told if isinstance(told, list) else [told])]
    return []


def _template(home: Path, config: Mapping[str, Any]) -> str:
    """The template of a tokenizer; of several, the one named `default`."""
    beside = home / "chat_template.jinja"
    if beside.exists():
        return read_text(beside, TAKE)
    told: Any = config.get("chat_template")
    if not told and (home / "chat_template.json").exists():
        told = read_object(home / "chat_template.json", TAKE).get("chat_template")
    if isinstance(told, list):
        told = {one["name"]: one["template"] for one in told}.get("default")
    if not isinstance(told, str) or not told:
        raise SettingError(f"{home} has no chat template; add chat_template.jinja")
    return told
