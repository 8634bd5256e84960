"""Text from outside: secrets go in whatever form, control characters show, ordinary text stays."""

from __future__ import annotations

import base64
import html
import io
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_openai import ChatOpenAI

from tools.outcomes.controls import visible
from tools.outcomes.outside import ShownError, hidden_in, hidden_json, keep_keys, shown
from tools.outcomes.secrets import hidden, keep_address, keep_secret
from tools.outcomes.terminal import Guarded

SECRET = 'pl/4nted+s3cret"&é x%4738'
TYPED = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C"]))
KEYS = TYPED.filter(lambda key: len(key) >= 8 and "hidden" not in key and key[0] not in "/~")
HIDE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def as_user(text: str) -> str:
    return coded(f"someone:{text}")


def safe(text: str) -> str:
    return base64.urlsafe_b64encode(f"x{text}y".encode()).decode()


def everywhere(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


FORMS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    quote_plus,
    everywhere,
    lambda text: quote(text, safe=""),
    lambda text: quote(quote(text, safe=""), safe=""),
    json.dumps,
    lambda text: json.dumps(json.dumps({"error": text})),
    lambda text: json.dumps(text, ensure_ascii=False),
    repr,
    html.escape,
    coded,
    as_user,
    safe,
    lambda text: json.dumps({"echo": quote(f"Basic {as_user(text)}", safe="")}),
)


def undone(text: str) -> set[str]:
    """What a reader can make of a text: it and all that decoding gives."""
    from tools.outcomes.encodings import decoded

    found = {text}
    while (plain := decoded(text)) and plain.text not in found:
        text = plain.text
        found.add(text)
    return found


@contextmanager
def secret(value: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_API_KEY", value)
        yield


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_every_form(form: Callable[[str], str]) -> None:
    with secret(SECRET):
        told = hidden(f"before {form(SECRET)} after")
    assert told.startswith("before ")
    assert told.endswith(" after")
    assert told.count("[hidden]") == 1
    assert not any(SECRET in text for text in undone(told))


@HIDE
@given(KEYS, st.text(max_size=20), st.text(max_size=20), st.sampled_from(FORMS))
def test_no_decoding_brings_a_secret_back(
    key: str, before: str, after: str, form: Callable[[str], str]
) -> None:
    with secret(key):
        text = f"{before} {form(key)} {after}"
        told = hidden(text)
        assert "[hidden]" in told
        assert form(key) not in told
        assert shown(shown(text)) == shown(text)


@HIDE
@given(st.text(min_size=1, max_size=7), st.text(max_size=100))
def test_a_short_secret_hides_nothing(key: str, text: str) -> None:
    key = key.replace("\0", "0").encode(errors="replace").decode()
    without = hidden(text)
    with secret(key):
        assert hidden(text) == without


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: required",
        "bearer instruments of the bank",
        "basic arithmetic: 4738 * 37",
        "the key: population of Old Harbor",
        "ssh://git@github.com/x/y",
        "https://example.org/a?q=what&page=2",
        "sk-learn-0.24, hf_hub_download, token by token",
        "password: the old one",
        "max_tokens=2048, api_key=None, tokens: 12345678",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("key sk-live-PLANTED-4738.", "key [hidden]."),
        ("provided: sk-proj-abcdefghijk; it", "provided: [hidden]; it"),
        ("provided: sk-proj-****************ijk.", "provided: [hidden]."),
        ("Authorization: Bearer abc.DEF-123=", "Authorization: Bearer [hidden]"),
        ("{'x-api-key': 'QWERTY123456'}", "{'x-api-key': '[hidden]'}"),
        ('"{"api_key": "a1b2c3d4"}"', '"{"api_key": "[hidden]"}"'),
        (f"Basic {coded('bob:pw')} x", "Basic [hidden] x"),
        ("at http://user:p@ss@host:1/x", "at http://[hidden]@host:1/x"),
        ("http%3A%2F%2Fu%3Apw%40host", "http%3A%2F%2F[hidden]%40host"),
        ("?key=AIzaSyA1234567890&b=2", "?key=[hidden]&b=2"),
        ("Cookie: session=abc; id=7", "Cookie: [hidden]"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_whoever_knows_it(text: str, told: str) -> None:
    assert hidden(text) == told


def test_what_a_cut_leaves_of_a_key_is_hidden() -> None:
    with secret("pa7h-to-the-9th-vault"):
        assert hidden("its start: pa7h-to-the-9t...") == "its start: [hidden]..."
        assert hidden("...to-the-9th-vault, its end") == "...[hidden], its end"
        assert hidden("pa7h-to") == "pa7h-to"


def test_a_secret_of_the_environment_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://joe:pr0xypass@proxy:3128")
    monkeypatch.setenv("MANY_API_KEYS", "first-key-1,second-key-2")
    monkeypatch.setenv("MAX_TOKENS", "12345678")
    monkeypatch.setenv("KEY_FILE", sys.executable)
    monkeypatch.setenv("SOME_PLACE", "Old Harbor")
    text = f"pr0xypass first-key-1 second-key-2 12345678 {sys.executable} Old Harbor"
    assert hidden(text) == f"[hidden] [hidden] [hidden] 12345678 {sys.executable} Old Harbor"


def test_a_secret_that_was_kept_is_one() -> None:
    keep_secret("kept-by-hand-1", "short")
    keep_address("https://user:in-address-1@host/")
    keep_keys(ChatOpenAI(api_key="given-by-a-program-1", model="x"))  # type: ignore[arg-type]
    told = hidden("kept-by-hand-1 short in-address-1 given-by-a-program-1")
    assert told == "[hidden] short [hidden] [hidden]"


JSON = st.recursive(
    st.none() | st.integers(-(2**53), 2**53) | st.text() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@HIDE
@given(KEYS, JSON)
def test_json_stays_json_and_loses_the_secret_alone(key: str, value: object) -> None:
    data = json.dumps({"a": value, "b": f"x {key} y"}).encode(errors="replace")
    with secret(key):
        clean = json.loads(hidden_json(data))
        assert clean["b"] == hidden(f"x {key} y")
        assert clean["a"] == hidden_in(json.loads(data)["a"])


def test_fields_named_like_a_secret_go_whole_and_the_rest_is_the_same_object() -> None:
    named = {"Authorization": "x", "n": [1, 2]}
    assert hidden_in(named) == {"Authorization": "[hidden]", "n": [1, 2]}
    plain = {"question": "what?", "ids": [1, 2], "usage": {"tokens": 3}}
    assert hidden_in(plain) is plain


@pytest.mark.parametrize(
    ("hostile", "written"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\u009b31m"),
        ("a\u202etxt", "a\\u202etxt"),
        ("a\u2066b", "a\\u2066b"),
        ("pay\u200bpal, pay\u200dpal", "pay\\u200bpal, pay\\u200dpal"),
        ("x\ufeffy", "x\\ufeffy"),
        ("half \ud800", "half \\ud800"),
        ("a\U000e0041b", "a\\udb40\\udc41b"),
        ("a\ufe0f\ufe01\ufe02", "a\ufe0f\\ufe01\\ufe02"),
        ("one\r\ntwo\rthree\ttab", "one\ntwo\nthree\ttab"),
    ],
)
def test_what_drives_a_terminal_or_deceives_is_written_out(hostile: str, written: str) -> None:
    assert visible(hostile) == written


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: ZWNJ inside a word
        "\u0915\u094d\u200d\u0937",  # Devanagari: ZWJ after a virama
        "\U0001f469\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",  # a family, a red heart
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # a flag
        "\u0e44\u0e17\u0e22\u200b\u0e44\u0e17\u0e22",  # Thai: ZWSP between words
        "\u200f\u05e9\u05dc\u05d5\u05dd\u200e (1)",  # Hebrew with direction marks
        "\u845b\U000e0100",  # a variant of an ideograph
        "e\u0301 \u00ad \u00a0 \u1820\u180e\u1820",
    ],
)
def test_ordinary_text_of_any_script_stays(text: str) -> None:
    assert shown(text) == text


@given(st.text())
def test_what_is_visible_can_be_written_and_stays_visible(text: str) -> None:
    written = visible(text)
    written.encode()
    assert visible(written) == written
    assert not {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))} & {*written}


@given(st.dictionaries(st.text(), st.text()))
def test_json_that_is_shown_means_the_same(value: dict[str, str]) -> None:
    text = json.dumps(value, ensure_ascii=False)
    again = json.loads(visible(text.replace("\x7f", "\\u007f")))
    assert again == json.loads(text)


def test_huge_and_hostile_text_takes_no_long_time() -> None:
    begun = time.process_time()
    for text in ("://" + ":" * 10**5, "eyJ" * 10**5, "%41" * 10**5, "&key=" * 10**5, "A" * 10**6):
        shown(text)
    for text in ("-----BEGIN " * 10**4, "authorization:" * 10**4, "cookie:a=" * 10**4):
        shown(text)
    assert time.process_time() - begun < 20


def test_an_error_of_ours_and_all_its_causes_are_shown() -> None:
    class Ours(ShownError, ValueError):
        pass

    with secret("pa7h-to-the-9th-vault"):
        try:
            try:
                try:
                    raise KeyError("Bearer pa7h-to-the-9th-vault")
                except KeyError as inner:
                    inner.add_note("\x1b[2J pa7h-to-the-9th-vault")
                    raise OSError("pa7h-to-the-9th-vault") from inner
            except OSError as fault:
                raise Ours(f"it failed: {fault}") from fault
        except Ours as error:
            told = "".join(traceback.format_exception(error))
    assert "it failed: [hidden]" in told
    assert told.count("[hidden]") == 4
    assert "9th-vault" not in told.replace('"Bearer pa7h-to-the-9th-vault"', "").replace(
        'OSError("pa7h-to-the-9th-vault")', ""
    ).replace('"\\x1b[2J pa7h-to-the-9th-vault"', "")
    assert "\x1b" not in told


def test_a_guarded_stream_shows_and_lets_progress_bars_draw() -> None:
    out = io.StringIO()
    with secret("pa7h-to-the-9th-vault"):
        print("\x1b[2J", "pa7h-to-the-9th-vault", file=Guarded(out))
        Guarded(out).write("\r 50 % \x1b[31m")
        Guarded(out).write("\n\x1b[A"[1:])
    assert out.getvalue() == "\\x1b[2J [hidden]\n\r 50 % \\x1b[31m\x1b[A"


PROGRAM = """
import logging, sys, warnings
from tools.outcomes.terminal import guard_output
guard_output()
print("\\x1b]0;P\\x07", sys.argv[1])
logging.warning("logged %s \\x9b1m", sys.argv[1])
warnings.warn("warned " + sys.argv[1])
try:
    {}[sys.argv[1]]
except KeyError as fault:
    raise RuntimeError("uncaught \\x1b[31m") from fault
"""


def test_all_that_a_command_prints_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "pa7h-to-the-9th-vault")
    command = [sys.executable, "-c", PROGRAM, "pa7h-to-the-9th-vault"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == "\\x1b]0;P\\x07 [hidden]\n"
    assert "logged [hidden] \\u009b1m" in done.stderr
    assert "warned [hidden]" in done.stderr
    assert "KeyError: '[hidden]'" in done.stderr
    assert "RuntimeError: uncaught \\x1b[31m" in done.stderr
    assert "9th-vault" not in done.stderr
    assert "\x1b" not in done.stderr


def test_the_reset_that_colorama_writes_at_the_end_is_left_out() -> None:
    written = io.StringIO()
    guarded = Guarded(written)
    for text in ("done\n", "\x1b[0m", "\x1b[0m of a model"):
        guarded.write(text)
    assert written.getvalue() == "done\n\\x1b[0m of a model"
