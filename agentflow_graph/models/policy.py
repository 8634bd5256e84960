"""The planner's model where tokens matter: exact ids in, ids and log-probabilities out.

model = PolicyModel(client=LocalPolicy(folder), tokenizer=PolicyTokenizer.load(folder))
reply = await model.ainvoke("Question: ...")
reply.response_metadata["token_ids"], reply.response_metadata["logprobs"]
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from tokenizers import Tokenizer
from typing_extensions import TypedDict

from agentflow_graph.errors import PromptTooLong, SettingError
from agentflow_graph.record.artifacts import read_as, read_text

TAKE = "take the planner's own file, or take another folder"
ROLES = {"human": "user", "ai": "assistant", "system": "system"}


@dataclass(frozen=True)
class Sampling:
    """How one reply is drawn: no top-k, no penalties; `seed` 0 draws without a fixed seed."""

    temperature: float = 0.7
    max_tokens: int = 2048
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One sampled reply.

    `logprobs[i]` is the natural log-probability of `token_ids[i]` under the tempered distribution
    it was sampled from; `policy_version` counts weight updates of whoever answered.
    """

    token_ids: list[int]
    logprobs: list[float]
    finish_reason: str
    policy_version: int = 0


def room_for_reply(prompt_ids: Sequence[int], window: int, remedy: str) -> int:
    """Tokens that `prompt_ids` leave for a reply in a window of `window` tokens, at least 1.

    Raises:
        PromptTooLong: they leave none; the message ends with `remedy`.
    """
    room = window - len(prompt_ids)
    if room < 1:
        raise PromptTooLong(
            f"the prompt has {len(prompt_ids)} tokens and the window {window}: no room for a "
            f"reply; {remedy}"
        )
    return room


class PolicyClient(Protocol):
    """Where replies are sampled: in process, on a vLLM server, or in the trainer's engine."""

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """One reply to `prompt_ids`; raises ModelError, and PromptTooLong if none would fit."""
        ...


class Token(TypedDict):
    """A token with what else is said of it, which nobody here reads."""

    content: str


class TokenizerConfig(TypedDict, total=False):
    """What is read of `tokenizer_config.json`."""

    eos_token: str | Token | None
    bos_token: str | Token | None
    chat_template: str | None


class PolicyTokenizer:
    """`tokenizer.json` as it is, with the chat template that lies beside it.

    transformers 5 replaces the pre-tokenizer of a tokenizer that lies beside a qwen2 `config.json`,
    without a warning; engine and trainer would then disagree. So the file is read by `tokenizers`
    itself, and our own planners keep theirs in a folder of its own, `<model>/tokenizer`.
    """

    def __init__(self, tokenizer: Tokenizer, template: str, eos: str, bos: str = "") -> None:
        def refuse(reason: str) -> None:
            raise SettingError(f"the chat template refuses the conversation: {reason}")

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        names = {"raise_exception": refuse, "eos_token": eos, "bos_token": bos}
        self._template = environment.from_string(template, globals=names)
        self._tokenizer = tokenizer
        eos_id = tokenizer.token_to_id(eos)
        if eos_id is None:
            raise SettingError(f"the tokenizer has no token {eos!r}; correct its eos_token")
        self.eos_id: int = eos_id

    @classmethod
    def load(cls, folder: str | Path) -> "PolicyTokenizer":
        """Read a model folder or a tokenizer folder; raises SettingError naming what is missing."""
        home = Path(folder)
        home = home / "tokenizer" if (home / "tokenizer" / "tokenizer.json").exists() else home
        if not (home / "tokenizer.json").exists():
            raise SettingError(f"no tokenizer.json in {home}; name the folder of a planner's model")
        config = read_as(TokenizerConfig, home / "tokenizer_config.json", TAKE)
        beside = home / "chat_template.jinja"
        template = read_text(beside, TAKE) if beside.exists() else config.get("chat_template")
        if not template:
            raise SettingError(f"{home} has no chat template; add chat_template.jinja")
        eos, bos = _text(config.get("eos_token")), _text(config.get("bos_token"))
        tokenizer = tokenizer_of(home / "tokenizer.json", TAKE)
        with _of_template(home):
            return cls(tokenizer, template, eos, bos)

    def render(self, messages: Sequence[BaseMessage]) -> list[int]:
        """Token ids of the conversation, ending where the assistant's reply begins."""
        turns = [{"role": ROLES[m.type], "content": m.text} for m in messages]
        try:
            text = self._template.render(messages=turns, add_generation_prompt=True)
        except SettingError:
            raise
        except Exception as error:  # a template is a program of anybody's
            raise SettingError(
                f"the chat template cannot be used ({type(error).__name__}: {error}); take another"
            ) from error
        return self.encode(text)

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, no special tokens added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def to_json(self) -> str:
        """The tokenizer's own file."""
        return str(self._tokenizer.to_str())

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of a reply, its end-of-turn token left out."""
        body = token_ids[:-1] if token_ids and token_ids[-1] == self.eos_id else token_ids
        return str(self._tokenizer.decode(list(body), skip_special_tokens=False))


def tokenizer_of(path: Path, remedy: str) -> Tokenizer:
    """The tokenizer in a file; raises SettingError if it cannot be read."""
    text = read_text(path, remedy)
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # the library raises no class of its own
        raise SettingError(f"{path} is damaged (no tokenizer: {error}); {remedy}") from error


@contextmanager
def _of_template(home: Path) -> Iterator[None]:
    try:
        yield
    except TemplateError as error:
        raise SettingError(
            f"the chat template of {home} cannot be used ({type(error).__name__}: {error}); {TAKE}"
        ) from error


def _text(token: str | Token | None) -> str:
    """A token as tokenizer_config.json tells it: its text, or a record with its text."""
    return token["content"] if isinstance(token, dict) else token or ""


class PolicyModel(BaseChatModel, arbitrary_types_allowed=True):
    """A chat model that renders the chat template itself and sends token ids to a `PolicyClient`.

    The client is all that differs between a laptop, a vLLM server and the trainer's engine;
    `trained` are settings the policy was trained under: layout, passages, memory_tokens.
    """

    client: Any  # a PolicyClient, which pydantic cannot check
    tokenizer: PolicyTokenizer
    sampling: Sampling = Sampling()
    trained: dict[str, Any] = {}

    @property
    def _llm_type(self) -> str:
        return "agentflow-policy"

    def get_num_tokens(self, text: str) -> int:
        """Length of `text` in the policy's own tokens."""
        return len(self.tokenizer.encode(text))

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        prompt_ids = self.tokenizer.render(messages)
        done: Completion = await self.client.generate(prompt_ids, self.sampling)
        given, new = len(prompt_ids), len(done.token_ids)
        usage = UsageMetadata(input_tokens=given, output_tokens=new, total_tokens=given + new)
        message = AIMessage(
            self.tokenizer.decode(done.token_ids),
            response_metadata={"prompt_ids": prompt_ids, **vars(done)},
            usage_metadata=usage,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return asyncio.run(self._agenerate(messages))
