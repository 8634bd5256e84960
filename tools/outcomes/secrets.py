r"""Secrets in text, and text without them.

    hidden("Incorrect API key provided: Bearer sk-1234567890abcdef")
    # "Incorrect API key provided: Bearer [hidden]"

A secret is

* a value, of 8 characters or more, of an environment variable that is named like a key;
* what was given to `keep_secret`: keys in settings, passwords in addresses;
* what looks like one by itself: `sk-...` and its like, what stands behind `Bearer`, in a header for
  keys, or between `://` and `@`.

It is found plain, cut short, and as percent-encoding, JSON, repr, HTML and base64 leave it.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from threading import Lock

from tools.outcomes.encodings import decoded, forms_of, in_base64
from tools.outcomes.patterns import ADDRESS, is_userinfo, patterns_in

HIDDEN = "[hidden]"
SHORTEST = 8
"""Characters: a shorter value stands in too many texts that are no secret."""
MOST_KEPT = 1000
LAYERS = 3
"""Encodings inside each other that are read."""

Span = tuple[int, int]
_PART = "KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|AUTHORIZATION|COOKIE"
_NAME = re.compile(rf"(?:^|_)[A-Z0-9]*(?:{_PART})S?(?:_|$)|_(?:PASS|PWD|PW|PAT|AUTH)$")
_COUNT = re.compile(r"[0-9_.,]+")
_SEPARATORS = re.compile(r"[,;\s]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_DIGITS = frozenset(string.ascii_letters + string.digits + "+/_-")
_kept: dict[str, None] = {}
_lock = Lock()


def keep_secret(*values: str) -> None:
    """From now on these values are secrets in this process; shorter ones than 8 are not."""
    with _lock:
        for value in values:
            if len(value) >= SHORTEST:
                _kept.pop(value, None)  # the latest goes last
                _kept[value] = None
        while len(_kept) > MOST_KEPT:
            del _kept[next(iter(_kept))]


def keep_named(name: str, value: str) -> None:
    """The value of a header or variable is a secret from now on, if its name says so."""
    if _NAME.search(name.upper().replace("-", "_")):
        keep_secret(*_values(name, value))


def holds_credentials(text: str) -> bool:
    """Whether an address in `text` has a user and a password, or a token, before its host."""
    return any(is_userinfo(match[1]) for match in ADDRESS.finditer(text))


def keep_address(text: str) -> None:
    """User and password of the addresses in `text` are secrets from now on."""
    for match in ADDRESS.finditer(text):
        user, colon, password = match[1].partition(":")
        if colon:
            keep_secret(password, *_decoded_password(password), match[1])
        elif len(user) >= 2 * SHORTEST:
            keep_secret(user)


def _decoded_password(password: str) -> Iterator[str]:
    if plain := decoded(password):
        yield plain.text


def known() -> frozenset[str]:
    """The secrets of the environment and those that were kept."""
    found = set(_kept)
    for name in os.environ:
        if read := _reader(name):
            found |= read(name, os.environ[name])
    return frozenset(found)


@lru_cache(maxsize=4096)
def _reader(name: str) -> Callable[[str, str], frozenset[str]] | None:
    """What finds the secrets in the value of a variable of that name; None: it holds none."""
    if _NAME.search(name.upper()):
        return _values
    return _passwords if name.upper().endswith(("_URL", "_URI", "_PROXY", "_DSN")) else None


@lru_cache(maxsize=512)
def _values(name: str, value: str) -> frozenset[str]:
    value = value.strip()
    if name.upper().endswith("TOKENS") and _COUNT.fullmatch(value):
        return frozenset()
    if value.startswith(("/", "~/")) and os.path.exists(os.path.expanduser(value)):
        return frozenset()  # the file that holds the secret
    parts = {value, *_SEPARATORS.split(value)}
    return frozenset(part for part in parts if len(part) >= SHORTEST)


@lru_cache(maxsize=512)
def _passwords(_name: str, value: str) -> frozenset[str]:
    passwords = (match[1].partition(":")[2] for match in ADDRESS.finditer(value))
    plain = [one for given in passwords for one in (given, *_decoded_password(given))]
    return frozenset(one for one in plain if len(one) >= SHORTEST)


def hidden(text: str) -> str:
    """`text` with `[hidden]` in the place of each secret."""
    spans = _joined(_found(text, known(), LAYERS))
    if not spans:
        return text
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], HIDDEN]
        done = end
    return "".join([*parts, text[done:]])


def _found(text: str, secrets: frozenset[str], layers: int) -> Iterator[Span]:
    for find in _finders(secrets):
        yield from find(text)
    yield from patterns_in(text)
    plain = decoded(text) if layers else None
    if plain:
        for start, end in _found(plain.text, secrets, layers - 1):
            yield plain.span(start, end)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif start < end:
            joined.append((start, end))
    return joined


Find = Callable[[str], Iterator[Span]]


@lru_cache(maxsize=64)
def _finders(secrets: frozenset[str]) -> list[Find]:
    return [find for secret in sorted(secrets) for find in _finders_of(secret)]


def _finders_of(secret: str) -> Iterator[Find]:
    for form in forms_of(secret):
        yield _cut_short(form) if _can_be_cut(form) else _literal(form)
    for form in in_base64(secret):
        yield _coded(form)


def _literal(form: str) -> Find:
    return lambda text: ((at, at + len(form)) for at in _places(form, text))


def _coded(form: str) -> Find:
    """The whole base64 text that holds `form`: its rest is part of the same secret."""

    def find(text: str) -> Iterator[Span]:
        for at in _places(form, text):
            start = at
            while start and text[start - 1] in _DIGITS:
                start -= 1
            end = _BASE64.match(text, at)
            yield start, end.end() if end else at

    return find


def _half(secret: str) -> int:
    return max(12, -(-len(secret) // 2))


def _can_be_cut(secret: str) -> bool:
    """Whether half of it is as plainly a secret as the whole: no word, and long enough."""
    half = _half(secret)
    ends = (secret[:half], secret[-half:])
    return half < len(secret) and all(re.search(r"\d", end) for end in ends)


def _cut_short(secret: str) -> Find:
    """The secret, or what a cut left of it: at least the first or the last half."""
    half = _half(secret)

    def find(text: str) -> Iterator[Span]:
        for at in _places(secret[:half], text):
            same = half
            while same < len(secret) and text[at + same : at + same + 1] == secret[same]:
                same += 1
            yield at, at + same
        for at in _places(secret[-half:], text):
            same = half
            while same < len(secret) and at and text[at - 1] == secret[-same - 1]:
                at, same = at - 1, same + 1
            yield at, at + same

    return find


def _places(form: str, text: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + len(form))
