"""Lines that say what the answer is, and the last line without polite words after it."""

import re

from agentflow_graph.replies.marks.leads import BACKWARDS, HEADING, LABEL, LEAD, ROW, TEX_LABEL
from agentflow_graph.replies.marks.retraction import HEDGED, TAKEN_BACK
from agentflow_graph.replies.marks.sentences import first_claim, is_closing, without_closing
from agentflow_graph.replies.marks.wrappings import unwrapped

# Ends of a block of code, of a formula on lines of its own, an element, a rule across the page.
_FRAME = re.compile(
    r"(?:`{3,}|~{3,})[\w+-]*|\${2}|\\[\]\[()]|[-*_=]{3,}|[\u25a0\u25a1\u220e]"
    r"|\\(?:begin|end)\{\w+\*?\}|</?[a-z][\w-]*(?:\s[^<>]*)?/?>|[{}]",
    re.IGNORECASE,
)
_OPEN_END = re.compile(r"(?:[:\uff1a=]|\bis)[*_\s]*$")
_ENDS_EMPHASISED = re.compile(
    r"(?P<said>(?:so|thus|hence|therefore|then|finally|we|this|it|the|which|and|in total"
    r"|based on)\b"
    r"[^\n]{0,200}?"
    r"(?:\b(?:is|are|was|were|get|gets|have|obtain|gives?|yields?|find|be|equals?|to)|\bit's)\s*:?)\s*"
    r"(?P<text>\*\*[^*]+\*\*|\$[^$]+\$|`[^`]+`|\\\((?:(?!\\\)).)+\\\))\s*[.!]?",
    re.IGNORECASE,
)
_SOURCES = re.compile(r"[\W_]*(?:sources?|references?|citations?)[\W_]*", re.IGNORECASE)
_EXPLAINS = re.compile(
    r"[\W_]*(?:explanation|reasoning|justification|rationale)[*_]{0,2}:", re.IGNORECASE
)
_QUOTED = re.compile(r"\A>+\s+")
# An option or an item of a list: what it is marked by, and what it says.
_LETTERED = re.compile(
    r"[\s*_+\u2022-]*[(\[]?([A-Za-z])[*_]*(?:[.):\]]|\s+[\u2013\u2014-])[\s*_]+\S.*"
)
_LISTED = re.compile(r"\s*(?:[-+\u2022]|\*(?!\*))\s+(?P<text>\S.*)")
_CLOSED = re.compile(r"\A(?:</[a-z]\w{0,9}>\s*)+", re.IGNORECASE)
_CLOSES = {"\u201c": "\u201d", "(": ")", "[": "]"}
_PAIRED = ("**", "__", "*", "_", "`", '"', *_CLOSES)
LONGEST = 5_000
"""Characters of a line that are searched."""
LONGEST_LISTED = 60
"""Characters of an item of a list that may be a part of an answer; a longer one is a step."""


def announced(text: str) -> str | None:
    """What the last line that says `Answer: ...` or `The answer is ...` gives; None without one.

    A line below it that takes it back leaves none.
    """
    lines = text.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        line = TEX_LABEL.sub(r"\1 ", unwrapped(_QUOTED.sub("", lines[number].strip())))
        if "\n" in line or not line or len(line) > LONGEST or _FRAME.fullmatch(line):
            continue
        if HEADING.fullmatch(line) and (below := _below(lines[number + 1 :])):
            return below
        if leads := list(LEAD.finditer(line)):
            said = _balanced(line[: leads[-1].end()], line[leads[-1].end() :])
            if re.search(r"\w|[^\s.,;:!?*_`'\"()]", said):
                return _claim(said)
            if _OPEN_END.search(line) and (below := _below(lines[number + 1 :])):
                return below
        elif (turned := BACKWARDS.fullmatch(line)) and not re.search(r"[.!?;]\s", turned["text"]):
            return turned["text"]
        elif row := ROW.fullmatch(line):
            return row["text"]
        if TAKEN_BACK.match(line):
            return None
    return None


def last_line(text: str) -> str:
    """The last line that says something, without a closing phrase behind it.

    The last of several options, or of a short list, is none: there it is all of them.
    """
    lines = _above_sources([line.strip() for line in text.splitlines() if line.strip()])
    said = [line for line in lines if not _FRAME.fullmatch(line) and not _asks(line)]
    while len(said) > 1 and (is_closing(said[-1]) or _EXPLAINS.match(said[-1])):
        said.pop()
    if not said:
        return "" if any(map(_asks, lines)) else "".join(lines[-1:])
    if listed := _list(said):
        return listed
    last = without_closing(_QUOTED.sub("", said[-1]))
    last = LABEL.sub("", _emphasised(last) or last, count=1) if LABEL.match(last) else last
    return _emphasised(last) or last


def _above_sources(lines: list[str]) -> list[str]:
    """The lines above a heading of sources, where there are any."""
    ends = [n for n, line in enumerate(lines) if n and _SOURCES.fullmatch(line)]
    return lines[: ends[0]] if ends else lines


def _list(lines: list[str]) -> str:
    """The options or the short items that the lines end with, together; empty for one or none."""
    items: list[str] = []
    letters: list[str] = []
    for line in reversed(lines):
        option, listed = _LETTERED.fullmatch(line), _LISTED.fullmatch(line)
        if option and (not letters or ord(option[1].upper()) == ord(letters[-1]) - 1):
            letters.append(option[1].upper())
            items.insert(0, line)
        elif listed and _is_short(listed["text"]):
            items.insert(0, listed["text"])
        else:
            break
    return ", ".join(items) if len(items) > 1 else ""


def _is_short(item: str) -> bool:
    return len(item) <= LONGEST_LISTED and not item.endswith(".")


def _emphasised(line: str) -> str:
    """What a sentence such as `So we get **42**.` ends with; empty for another sentence."""
    found = _ENDS_EMPHASISED.fullmatch(line)
    if not found or HEDGED.search(found["said"]) or re.search(r"[*$`]", found["said"]):
        return ""
    return found["text"]


def _asks(line: str) -> bool:
    """Whether a line announces an answer and gives none."""
    line = unwrapped(line)
    return bool(HEADING.fullmatch(line) or ((lead := LEAD.match(line)) and lead.end() == len(line)))


def _balanced(lead: str, said: str) -> str:
    """What is said without the other half of a mark that its lead opened: `**Answer:** Paris`."""
    for mark in _PAIRED:
        close = _CLOSES.get(mark, mark)
        if lead.count(mark) % 2 if close == mark else mark in lead and close not in lead:
            before, found, after = said.rpartition(close)
            behind = found and not after.strip(".,;:! ")
            if said.startswith(close) and not (behind and before and lead[-1:].isspace()):
                return said[len(close) :].strip()
            return before.strip() if behind else said
    return _CLOSED.sub("", said).strip()


def _below(lines: list[str]) -> str:
    """The first line below a heading; a block that begins there as a whole."""
    rest = [line for line in lines if line.strip()]
    if not rest:
        return ""
    if not _FRAME.fullmatch(rest[0].strip()):
        return _claim(_QUOTED.sub("", rest[0].strip()))
    inside = [line for line in rest[1:] if not _FRAME.fullmatch(line.strip())]
    ends = [n for n, line in enumerate(rest[1:], 1) if _FRAME.fullmatch(line.strip())]
    block = rest[1 : ends[0]] if ends and ends[0] > 1 else inside[:1]
    return "\n".join(block)


def _claim(said: str) -> str:
    return first_claim(unwrapped(without_closing(said)))
