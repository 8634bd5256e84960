"""JSON objects in a reply, whatever stands around them and however it was typed.

Models write drafts before the object that they mean, so the last one of the right shape counts.
What is nearly JSON (single quotes, Python's words, comments, a comma too many) is read as YAML,
which has these forms; nothing is ever evaluated.
"""

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping
from operator import itemgetter
from typing import Any

import yaml

from agentflow_graph.errors import ReplyError

ATTEMPTS = 100
"""Failures at most; each costs time in proportion to the reply."""
NEARLY, LONGEST = 10, 20_000
"""Objects that are only nearly JSON, and characters of each, at most."""
WRAPPERS = ("arguments", "parameters", "args", "kwargs", "input", "inputs", "verdict", "reply")
"""Keys under which models put the object that was asked for."""
Fits = Callable[[dict[str, Any]], bool]
_NONE = "the reply has no JSON object; answer with one JSON object and nothing else"
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"})
_COMMENT = re.compile(r"(?<=[\s,{\[])//[^\n]*")
_ESCAPES = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})
_APOSTROPHES = re.compile(r"(?<=[{,:\[\s])'((?:[^'\\]|\\.)*)'(?=\s*[,:}\]])")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def find_json(text: str, fits: Fits = lambda value: True) -> dict[str, Any]:
    """The last JSON object in `text` that `fits`; raises ReplyError for none."""
    objects = dict(_strict(text))
    objects = {**dict(_lenient(text, objects)), **objects}
    for _, value in sorted(objects.items(), reverse=True, key=itemgetter(0)):
        for one in (value, *_wrapped(value)):
            if fits(one):
                return one
    raise ReplyError(_NONE if not objects else "the reply's JSON object lacks what was asked for")


def fits_schema(schema: Mapping[str, Any]) -> Fits:
    """Whether an object has the names that a JSON schema wants; their values are checked later."""
    wanted, known = set(schema.get("required", ())), set(schema.get("properties", {}))

    def fits(value: dict[str, Any]) -> bool:
        return wanted <= set(value) and (not known or not value or bool(known & set(value)))

    return fits


def arguments_for(schema: Mapping[str, Any]) -> Callable[[str], dict[str, Any]]:
    """Reads the arguments of a tool out of a reply.

    Without an object that has all their names the last one counts: the tool says what it lacks.
    """
    fits = fits_schema(schema)

    def read(text: str) -> dict[str, Any]:
        try:
            return find_json(text, fits)
        except ReplyError:
            return find_json(text)

    return read


def _wrapped(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Objects inside: under a wrapper's key, or as JSON in a text, as tool calls have it."""
    lower = {key.lower(): inner for key, inner in value.items()}
    for name in WRAPPERS:
        inner = lower.get(name)
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            inner = next((one for _, one in _strict(inner)), None)
        if isinstance(inner, dict):
            yield inner


def _strict(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects that are JSON, but for line breaks inside of texts, and where they begin."""
    decoder = json.JSONDecoder(strict=False)
    failures = at = 0
    while failures < ATTEMPTS and (at := text.find("{", at)) >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
            yield at, value
            at = end
        except (ValueError, RecursionError):
            failures, at = failures + 1, at + 1


def _lenient(text: str, known: Container[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The last objects that are nearly JSON, but for those that begin at a `known` place."""
    pairs = _braces(text)[-NEARLY:]
    text = text.translate(_QUOTES)
    for start, end in pairs:
        if start not in known and end - start <= LONGEST:
            value = _as_yaml(text[start:end])
            if value is not None:
                yield start, value


def _braces(text: str) -> list[tuple[int, int]]:
    """Outermost pairs of braces; those that never close are passed over."""
    opened: list[int] = []
    pairs: list[tuple[int, int]] = []
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            start = opened.pop()
            while pairs and pairs[-1][0] > start:
                pairs.pop()
            pairs.append((start, brace.end()))
    return pairs


def _as_yaml(piece: str) -> dict[str, Any] | None:
    # YAML folds line breaks inside of texts, and has other escapes and other comments.
    plain = _APOSTROPHES.sub(lambda text: json.dumps(text[1].replace("\\'", "'")), piece)
    plain = _TEXT.sub(lambda text: text[0].translate(_ESCAPES), _COMMENT.sub("", plain))
    try:
        value = json.loads(json.dumps(yaml.safe_load(plain), default=str))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None
    told = isinstance(value, dict) and any(one is not None for one in value.values())
    return value if told else None
