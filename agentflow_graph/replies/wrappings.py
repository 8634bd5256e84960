r"""What stands around an answer and says nothing: Markdown, LaTeX, HTML, quotes, a full stop.

unwrapped("> **`$\\text{Paris}$`**.")   # "Paris"
"""

import html
import json
import re
import unicodedata

LONGEST = 5_000
"""Characters of a text from which wrappings are taken; each layer costs a pass over it."""

LAYERS = 40
"""Wrappings that come off at most."""

# Format characters say nothing that is seen; so do variation selectors.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,6}|#x[0-9a-fA-F]{1,5});")
_TOKEN = re.compile(
    r"<\|[\w /-]{1,40}\|>|</?s>|<(?:eos|bos|pad|end_of_turn|end_of_text)>|\[/?INST\]"
)
_WIDE = str.maketrans("\uff1c\uff1e", "<>")

_PAIRS = (
    ("**", "**"), ("__", "__"), ("~~", "~~"), ("==", "=="), ("*", "*"), ("_", "_"), ("`", "`"),
    ("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("``", "''"),
    ('"', '"'), ("'", "'"), ("\u201c", "\u201d"), ("\u2018", "\u2019"), ("\u201e", "\u201c"),
    ("\u00ab", "\u00bb"), ("\u2039", "\u203a"), ("\u300c", "\u300d"), ("\u300e", "\u300f"),
)  # fmt: skip
_BESIDE_ANSWER = frozenset(("reason", "reasoning", "explanation", "justification", "confidence"))
_EDGES = "*_`~=\"'\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb\u2039\u203a .,;:!"
_FENCE = re.compile(
    r"(?P<mark>`{3,}|~{3,})(?:[\w+-]*[ \t]*\n)?(?P<text>.*?)\n?\s*(?P=mark)", re.DOTALL
)
_HTML = re.compile(
    r"<(?P<tag>b|strong|i|em|u|code|pre|p|div|span|h[1-6]|mark|center|font|small|big|tt|kbd|samp|q"
    r"|blockquote|li|ul|ol|section|article|body|html|ans|result|output|response|solution|final)"
    r"(?:\s[^<>]*)?>(?P<text>.*)</(?P=tag)\s*>",
    re.DOTALL | re.IGNORECASE,
)
_BREAKS = re.compile(r"^(?:\s*<br\s*/?>)+|(?:<br\s*/?>\s*)+$", re.IGNORECASE)
_COMMAND = re.compile(
    r"\\(?:text|textbf|textit|textrm|texttt|textsf|emph|underline|mathrm|mathbf|mathit|mathsf"
    r"|mathtt|boldsymbol|bm|bf|mbox|hbox|boxed|fbox|framebox|operatorname|Large|large|huge)\*?\s*\{"
)
_ENVIRONMENT = re.compile(
    r"\\begin\{(?P<name>equation|align|aligned|gather|gathered|displaymath|math|center)(?P<star>\*?)\}"
    r"(?P<text>.*)\\end\{(?P=name)(?P=star)\}",
    re.DOTALL,
)
_BULLET = re.compile(
    r"\A(?:>+\s*|#{1,6}\s+|[\u2022\u25cf\u25aa\u2192\u27a4]\s*|[*+-]\s+(?![\d.(\\]))"
)
_STOPPED = re.compile(r"(?P<text>.*[*_`\"'\u201d\u2019\u00bb$\])}>~])\s*[.,;:!]+", re.DOTALL)
# A full stop that ends a sentence, not initials, U.S., Jr. or an ellipsis.
_STOP = re.compile(r"(?<=[^\s.])\s{0,3}\.\s*$")
_LOOSE_STOP = re.compile(r"\s+\.+$")
_ABBREVIATED = re.compile(
    r"(?:\.\s?[^\W\d_]|(?:^|[^\w.])(?:jr|sr|inc|ltd|co|corp|st|mr|mrs|ms|dr|prof|etc|vs|mt|ft|bros|gen"
    r"|col|capt|lt|sgt|rev|hon|gov|sen|rep|al|ph|approx|est|vol))\.\s*$",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """A reply without what nobody sees: invisible characters, tokens of templates, entities."""
    text = _SPACE.sub(" ", _TOKEN.sub(" ", _UNSEEN.sub("", text.translate(_WIDE))))
    return _ENTITY.sub(lambda entity: _SPACE.sub(" ", html.unescape(entity[0])), text)


def unwrapped(text: str) -> str:
    """`text` without the wrappings around the whole of it, however they nest."""
    text = text.strip()
    if len(text) > LONGEST:
        return text
    for _ in range(LAYERS):
        if (simpler := _layer(text)) == text:
            break
        text = simpler
    return text


def ends_sentence(text: str) -> bool:
    """Whether the full stop at the end of `text` is one, and no abbreviation's."""
    return bool(_STOP.search(text)) and not _ABBREVIATED.search(text)


def _layer(text: str) -> str:
    """One layer less; the same text where there is none."""
    for pattern in (_FENCE, _ENVIRONMENT, _HTML):
        if (found := pattern.fullmatch(text)) and not _opens_again(found):
            return found["text"].strip()
    for left, right in _PAIRS:
        if len(text) > len(left + right) and text.startswith(left) and text.endswith(right):
            inside = text[len(left) : -len(right)]
            if _is_pair(left, right, inside):
                return inside.strip()
    if (argument := _argument(text)) is not None:
        return argument.strip()
    if (value := _json_answer(text)) is not None:
        return value.strip()
    if (inside := _BREAKS.sub("", text)) != text:
        return inside.strip()
    if (stopped := _STOPPED.fullmatch(text)) and _layer(stopped["text"]) != stopped["text"]:
        return stopped["text"]
    if (bullet := _BULLET.match(text)) and len(bullet[0]) < len(text):
        return text[bullet.end() :].strip()
    text = _LOOSE_STOP.sub("", text)
    if re.search(r"(?<=[^\s.])\.{2,}$", text):
        return text.rstrip(".") + "."
    return _STOP.sub("", text) if ends_sentence(text) else text


def _opens_again(found: re.Match[str]) -> bool:
    """Whether there are two elements of one kind beside each other, and no whole."""
    if (tag := found.groupdict().get("tag")) is None:
        return False
    depth = 0
    for each in re.finditer(rf"<(/?){tag}\b", found["text"], re.IGNORECASE):
        depth += -1 if each[1] else 1
        if depth < 0:
            return True
    return depth != 0


def _is_pair(left: str, right: str, inside: str) -> bool:
    """Whether two marks around a text belong together: not those of `"A" or "B"`."""
    if not inside.strip() or inside.endswith("\\"):
        return False
    if left != right:
        return _balanced(left, right, inside)
    if left[0] == "$":
        return left not in inside.strip(left) or _argument(inside.strip()) is not None
    # Within a formula or a name a mark has no space beside it: *(1+2)*8*
    core, mark = inside.strip(_EDGES), re.escape(left)
    return re.search(rf"\s{mark}|{mark}\s", core) is None


def _balanced(left: str, right: str, text: str) -> bool:
    depth = 0
    for mark in re.finditer(f"{re.escape(left)}|{re.escape(right)}", text):
        depth += 1 if mark[0] == left else -1
        if depth < 0:
            return False
    return depth == 0


def _argument(text: str) -> str | None:
    r"""What a command such as `\text{...}` around the whole of `text` holds."""
    if not (command := _COMMAND.match(text)) or not text.endswith("}"):
        return None
    depth = 1
    for brace in re.finditer(r"\\.|[{}]", text[command.end() : -1], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return None
    return text[command.end() : -1] if depth == 1 else None


def _json_answer(text: str) -> str | None:
    """The answer in a JSON object that is nothing but an answer."""
    if not (text.startswith("{") and text.endswith("}") and "nswer" in text):
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    beside = {key.lower() for key in record} - _BESIDE_ANSWER
    if len(beside) != 1 or not re.fullmatch(r"(?:final[ _-]?)?answer", *beside):
        return None
    value = next(value for key, value in record.items() if key.lower() in beside)
    return str(value) if isinstance(value, str | int | float) else None


def visible(text: str) -> str:
    """`text` in Unicode's composed form without what nobody sees, for comparing."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
