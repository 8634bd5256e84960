r"""What stands around an answer and says nothing: Markdown, LaTeX, HTML, quotes, a full stop.

unwrapped("> **`$\\text{Paris}$`**.")   # "Paris"
"""

import html
import json
import re
import unicodedata

from agentflow_graph.replies.marks.sentences import without_stop

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
_WIDE = str.maketrans("\uff1c\uff1e\uff0f", "<>/")

_PAIRS = (
    ("**", "**"), ("__", "__"), ("~~", "~~"), ("==", "=="), ("*", "*"), ("_", "_"), ("`", "`"),
    ("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("``", "''"),
    ('"', '"'), ("'", "'"), ("\u201c", "\u201d"), ("\u2018", "\u2019"), ("\u201e", "\u201c"),
    ("\u00ab", "\u00bb"), ("\u2039", "\u203a"), ("\u300c", "\u300d"), ("\u300e", "\u300f"),
)  # fmt: skip
_EDGES = "*_`~=\"'\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb\u2039\u203a .,;:!"
_FENCE = re.compile(
    r"(?P<mark>`{3,}|~{3,})(?:[\w+-]*[ \t]*\n)?(?P<text>.*?)\n?\s*(?P=mark)", re.DOTALL
)
_HTML = re.compile(
    r"<(?P<tag>[a-z][\w-]{0,20})(?:\s[^<>]*)?>(?P<text>.*)</(?P=tag)\s*>", re.DOTALL | re.IGNORECASE
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
    r"\A(?:>+\s*(?![\s>=\d.$\\-])|#{1,6}\s+|[\u2022\u25cf\u25aa\u2192\u2700-\u27bf\U0001f300-\U0001faff]\s*|[*+-]\s+(?![\d.(\\]))"
)
# Where it is from: [1], a mark of a retrieval, "(source: ...)"; a check mark; what it is not.
_CITED = re.compile(
    r"(?<=[\w.)\"'*_])\s{0,3}(?:(?:\[\^?[0-9]{1,3}(?:[,\s\u2013-]{1,3}[0-9]{1,3}){0,9}\]|\[source\]"
    r"|\u3010[^\u3010\u3011]{0,99}\u3011)\s{0,3})+\.?\Z"
    r"|\s\((?:sources?:|see (?:the|step|source|page|above|below)|according to|ref\.|cf\."
    r"|as (?:stated|per))[^()]{0,200}\)\.?\Z"
    r"|\s\((?:https?://[^()\s]{1,200}|\[[^\[\]]{1,99}\]\(https?://[^()\s]{1,200}\))\)\.?\Z"
    r"|(?<=\.)[\u00b9\u00b2\u00b3\u2074-\u2079]{1,3}\Z"
    r"|(?:,\s|\s\()(?:and )?not (?:the )?(?-i:[A-Z0-9$])[^,;()]{0,60}\)?\Z"
    r"|[\u2705\u2713\u2714\u2611\u2610]+\Z",
    re.IGNORECASE,
)
_CDATA = re.compile(r"<!\[CDATA\[(?P<text>.*)\]\]>", re.DOTALL)
_LINK = re.compile(r"\[(?P<text>[^\[\]]+)\]\((?:https?://|www\.)[^()\s]*\)")
_CALL = re.compile(
    r"(?:final_?answer|finish|submit|answer)\s*(?:\((?P<round>.*)\)|\[(?P<square>.*)\])",
    re.IGNORECASE | re.DOTALL,
)
_ANSWER_KEY = re.compile(r"(?:final[ _-]?)?answer", re.IGNORECASE)
_BESIDE = re.compile(
    r"(?:reason|explanation|justification|rationale|confidence|thought|thinking|analysis|step|source"
    r"|citation|evidence|context|note|question)(?:s|ing)?",
    re.IGNORECASE,
)
_ONLY_KEY = re.compile(r"(?:choice|option|letter|result|output|response)", re.IGNORECASE)
_STOPPED = re.compile(r"(?P<text>.*[*_`\"'\u201d\u2019\u00bb$\])}>~])\s*[.,;:!]+", re.DOTALL)
_LOOSE_STOP = re.compile(r"\s+\.+$")


def clean(text: str) -> str:
    """A reply without what nobody sees: invisible characters, tokens of templates, entities."""
    text = _SPACE.sub(" ", _TOKEN.sub(" ", _UNSEEN.sub("", text.translate(_WIDE))))
    return _ENTITY.sub(lambda entity: _SPACE.sub(" ", html.unescape(entity[0])), text)


def unwrapped(text: str) -> str:
    """`text` without the wrappings around the whole of it, however they nest."""
    text = text.strip()
    if len(text) > LONGEST or not text or text.isalnum():
        return text
    for _ in range(LAYERS):
        if (simpler := _layer(text)) == text:
            break
        text = simpler
    return text


def _layer(text: str) -> str:
    """One layer less; the same text where there is none."""
    for pattern in (_FENCE, _ENVIRONMENT, _HTML, _LINK, _CDATA):
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
    if call := _CALL.fullmatch(text):
        return str(call["round"] or call["square"] or "").strip() or text
    if (cited := _CITED.search(text)) and cited.start():
        return text[: cited.start()].rstrip()
    if (inside := _BREAKS.sub("", text)) != text:
        return inside.strip()
    if (stopped := _STOPPED.fullmatch(text)) and _layer(stopped["text"]) != stopped["text"]:
        return stopped["text"]
    if (bullet := _BULLET.match(text)) and len(bullet[0]) < len(text):
        return text[bullet.end() :].strip()
    text = _LOOSE_STOP.sub("", text)
    if re.search(r"(?<=[^\s.])\.{2,}$", text):
        return text.rstrip(".") + "."
    return without_stop(text)


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
    """The answer in an object of JSON or Python, beside what explains it."""
    if not (text.startswith("{") and text.endswith("}") and ":" in text):
        return None
    # As Python prints it; a text of a model is never given to Python's own parser.
    swapped = text.replace("'", '"') if '"' not in text and "\\" not in text else text
    try:
        record = json.loads(swapped)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    keys = [key for key in record if not _BESIDE.fullmatch(key)]
    alone = len(record) == len(keys) == 1 and _ONLY_KEY.fullmatch(*keys)
    if len(keys) != 1 or not (alone or _ANSWER_KEY.fullmatch(*keys)):
        return None
    parts = record[keys[0]] if isinstance(record[keys[0]], list) else [record[keys[0]]]
    return (
        ", ".join(map(str, parts)) if all(isinstance(p, str | int | float) for p in parts) else None
    )


def visible(text: str) -> str:
    """`text` in Unicode's composed form without what nobody sees, for comparing."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
