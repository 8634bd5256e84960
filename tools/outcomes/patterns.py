r"""What looks like a secret by itself, whoever knows it.

Values behind a header or after `Bearer` must look drawn at random: "Authorization: required" and
"bearer instruments" are ordinary text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Span = tuple[int, int]

ADDRESS = re.compile(r"://([^\s/?#\"'<>\\]+)@")
"""Group 1 is what stands between `://` and the last `@` of an address: user and password."""
_RANDOM = re.compile(r"[0-9]|[a-z][A-Z]|[A-Z]{8}|[A-Za-z]{24}")
_LONG = 16
_BETWEEN = r"[\"']?\s{0,9}(?:[:=,]|=>)\s{0,9}b?[\"']?"
_VALUE = rf"{_BETWEEN}(?:[A-Za-z]{{3,12}}\s{{1,9}})?([^\s\"'<>,;(){{}}\[\]\\]{{8,}})"
_NAMED = r"[?&](?:key|auth|sig|token|[\w.-]{0,40}(?:signature|security-token|credential))="
_NO_LETTER = r"(?:^|[^A-Za-z0-9])"
_NO_NAME = r"(?:^|[^A-Za-z0-9_-])"


class Look(NamedTuple):
    """One look of secrets: at each `word`, which is sought in small letters, `after` is tried."""

    word: str
    before: str
    """What must end at the word, within 40 characters."""
    after: str
    """What begins at the word; its group 1 is the secret."""
    fits: Callable[[str], bool]


def _random(value: str) -> bool:
    return bool(_RANDOM.search(value))


def _always(value: str) -> bool:
    return bool(value)


def is_userinfo(value: str) -> bool:
    """Whether what stands before the host of an address is a secret; a name alone is none."""
    return ":" in value or (len(value) >= _LONG and _random(value))


def _credentials(value: str) -> bool:
    """Whether `Basic` stands before a user and a password, and not before a noun."""
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b":" in base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return False


_KEYS = {
    **dict.fromkeys(("sk-", "sk_live_", "sk_test_", "pk_live_", "rk_live_", "hf_"), r"[\w-]{10,}"),
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"\w{10,}"),
    **dict.fromkeys(("glpat-", "gsk_", "xai-", "nvapi-", "pplx-", "tvly-"), r"[\w-]{10,}"),
    **dict.fromkeys(("xoxb-", "xoxp-", "xoxa-", "npm_", "r8_"), r"[\w-]{10,}"),
    "AIza": r"[\w-]{30,}",
    "AKIA": r"[A-Z0-9]{16}",
    "ASIA": r"[A-Z0-9]{16}",
    "eyJ": r"[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?",
    "-----BEGIN ": r"[A-Z ]{0,40}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,40}KEY-----|\Z)",
}
"""What follows the beginnings of well-known keys."""

_SURE = ("sk-proj-", "sk-ant-", "sk-or-", "sk-svcacct-", "sk-admin-", "sk_live_", "github_pat_")
"""Beginnings that no ordinary word has: what follows need not look drawn at random. Providers show
keys with their middle in stars."""

LOOKS = (
    Look("://", "", ADDRESS.pattern, is_userinfo),
    Look("bearer", _NO_LETTER, r"bearer[ +]{1,9}([A-Za-z0-9._~+/=-]{8,})", _random),
    Look("basic", _NO_LETTER, r"basic[ +]{1,9}([A-Za-z0-9+/_-]{4,}={0,2})", _credentials),
    Look("authorization", "", rf"authorization{_VALUE}", _random),
    Look("key", r"(?:api|secret|access)[-_]?|x-[a-z-]{0,30}-", rf"key{_VALUE}", _random),
    Look(
        "token",
        r"(?:access|refresh|auth|id|security)[-_]|x-[a-z-]{0,30}-",
        rf"token{_VALUE}",
        _random,
    ),
    Look("secret", r"client[-_]", rf"secret{_VALUE}", _random),
    Look("passw", "", rf"passw(?:or)?d{_VALUE}", _random),
    Look("passphrase", "", rf"passphrase{_VALUE}", _random),
    Look(
        "cookie",
        _NO_LETTER + r"(?:set-)?",
        rf"cookie{_BETWEEN}([\w.-]+=[^\s\"',;\\]+(?:;\s{{0,9}}[\w.-]+=[^\s\"',;\\]+)*)",
        _always,
    ),
    Look("?", "", rf"{_NAMED}([^\s&\"'<>#\\]{{12,}})", _random),
    Look("&", "", rf"{_NAMED}([^\s&\"'<>#\\]{{12,}})", _random),
    *(
        Look(start.lower(), _NO_NAME, f"({re.escape(start)}{rest})", _random)
        for start, rest in _KEYS.items()
    ),
    *(Look(start, _NO_NAME, rf"({re.escape(start)}[\w*-]{{6,}})", _always) for start in _SURE),
)
_COMPILED = [
    (
        # One character that few short texts have spares most of the looks.
        next((sign for sign in "-_" if sign in look.word), look.word[0]),
        look.word,
        re.compile(rf"(?:{look.before})\Z", re.IGNORECASE) if look.before else None,
        # Beginnings of keys are told apart by their case; the rest is not.
        re.compile(look.after, 0 if look.after.startswith("(") else re.IGNORECASE),
        look.fits,
    )
    for look in LOOKS
]
_SIGNS = {sign for sign, *_ in _COMPILED}
_REACH = 40


def patterns_in(text: str) -> Iterator[Span]:
    """Where a secret stands."""
    lower = _lower(text)
    signs = {sign for sign in _SIGNS if sign in lower}
    for sign, word, before, after, fits in _COMPILED:
        at = lower.find(word) if sign in signs else -1
        while at >= 0:
            begun = before.search(text[max(0, at - _REACH) : at]) if before else True
            match = after.match(text, at) if begun else None
            if match and fits(match[1]):
                yield match.span(1)
            at = lower.find(word, match.end() if match else at + len(word))


def _lower(text: str) -> str:
    """Small letters, each in the place of its own."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)
