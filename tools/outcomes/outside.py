r"""The one function that text from outside passes on its way to a person or a file.

    shown(reply)                 # without secrets, and nothing in it drives a terminal
    hidden_in(state)             # data: without secrets, in every text of it
    class OurError(ShownError)   # its text is shown, its causes are harmless

Text from outside is what a model, a tool, a server, a file or a library wrote, errors of theirs
included. Data keeps its control characters, for programs read it; a page and a terminal do not.
What a command prints passes here by itself: `tools/outcomes/terminal.py`.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import orjson
from pydantic import BaseModel, SecretStr

from tools.outcomes.controls import visible
from tools.outcomes.secrets import HIDDEN, hidden, keep_named, keep_secret, known

T = TypeVar("T")
_SECRET_FIELD = re.compile(
    r"(?:proxy[-_])?authorization|(?:set[-_])?cookie|passw(?:or)?d|(?:x[-_].*|api[-_]?)key"
    r"|(?:access|refresh|x[-_].*)[-_]token|client[-_]secret",
    re.IGNORECASE,
)
_NUMBERS = {int, float}
_BETWEEN = "\n\0\n"
"""Between texts that are looked through together: in no secret, and in no pattern."""


_MOST_SEEN = 100_000


class _Seen(threading.local):
    """Texts without secrets, by their hashes, and the secrets that were sought in them."""

    secrets: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.marks: set[int] = set()


_seen = _Seen()


def shown(text: str) -> str:
    """`text` as a person may see it: secrets are `[hidden]`, control characters written out."""
    return visible(hidden(text))


def hidden_in(value: T) -> T:
    """Plain data without secrets: in texts, in names, and whole in fields that are named so.

    Data without any is returned as it is.
    """
    texts: list[str] = []
    named = _collect(value, texts)
    if not named and _clean(texts):
        return value
    return cast(T, _hidden_in(value))


def _clean(texts: list[str]) -> bool:
    """Whether no text holds a secret. A run says most texts many times: they are marked."""
    secrets = known()
    if secrets != _seen.secrets or len(_seen.marks) > _MOST_SEEN:
        _seen.secrets, _seen.marks = secrets, set()
    fresh = [text for text in texts if hash(text) not in _seen.marks]
    together = _BETWEEN.join(fresh)
    if fresh and hidden(together) != together:
        return False
    _seen.marks.update(map(hash, fresh))
    return True


def _collect(value: Any, texts: list[str]) -> bool:
    """Add the texts of `value` to `texts`; returns whether a field is named like a secret."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, dict):
        named = False
        for name, one in value.items():
            texts.append(str(name))
            named |= _is_secret(name, one) or _collect(one, texts)
        return named
    elif isinstance(value, list | tuple) and not {*map(type, value)} <= _NUMBERS:
        return any(_collect(one, texts) for one in value)
    return False


def _is_secret(name: Any, value: Any) -> bool:
    if not (isinstance(value, str) and value and isinstance(name, str)):
        return False
    return value != HIDDEN and bool(_SECRET_FIELD.fullmatch(name))


def _hidden_in(value: Any) -> Any:
    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, dict):
        return {
            _hidden_in(name): HIDDEN if _is_secret(name, one) else _hidden_in(one)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hidden_in(one) for one in value]
    return value


def hidden_json(data: bytes) -> bytes:
    """JSON without secrets; it stays JSON, whatever characters a secret has."""
    value = orjson.loads(data)
    clean = hidden_in(value)
    return data if clean is value else orjson.dumps(clean)


def keep_keys(part: BaseModel) -> None:
    """The keys in a model or a tool of LangChain's are secrets from now on."""
    for name in type(part).model_fields:
        match vars(part).get(name):
            case SecretStr() as secret:
                keep_secret(secret.get_secret_value())
            case dict() as headers if name.endswith("headers"):
                for header, value in headers.items():
                    keep_named(str(header), str(value))


def make_harmless(error: BaseException) -> None:
    """Take the secrets out of an exception of anybody's, and out of all that it comes from.

    What a traceback prints of it is fit to be seen, unless its class makes its text of other things
    than its arguments, as pydantic's does: leave such a one behind by `from None`.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.args = tuple(shown(part) if isinstance(part, str) else part for part in one.args)
        notes: list[str] = one.__dict__.get("__notes__", [])
        notes[:] = map(shown, notes)
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def told(arguments: Iterable[object]) -> tuple[object, ...]:
    """The arguments of an exception of ours, as shown; the one at work is made harmless.

    That one will be its context, and most often its cause.
    """
    if caught := sys.exception():
        make_harmless(caught)
    return tuple(shown(part) if isinstance(part, str) else part for part in arguments)


class ShownError(Exception):
    """Base of our exceptions here: neither their text nor their causes hold a secret."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*told(arguments))
