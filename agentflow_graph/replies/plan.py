"""The planner's reply, read tolerantly; a `ReplyError` says what is missing.

Text from a model is data: matched, parsed as JSON, checked against the known tools, never
evaluated. The format is the paper's (arXiv 2510.05592, appendix): headings, from the released 7B
planner with markdown and numbers around them; JSON is accepted too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agentflow_graph.errors import ReplyError, closest
from agentflow_graph.replies.json import find_json

_HEADING = re.compile(
    r"^[ \t>#*\-\d.)]*(?:(?P<justification>justification)|(?P<context>context)"
    r"|(?P<sub_goal>sub[\s_-]?goal)|(?P<tool>tool(?:[\s_-]?name)?))[*`\s]*[:：][*`]*[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)

_AROUND = " \t`'\"*.,:;()[]<>"
_ASIDE = re.compile(r"\s*\(|\s+[-–—:]\s+|\.\s|\s+because\b|\s+to\s")
"""Where an explanation behind a tool's name begins."""
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(?P<code>.*?)\n?```", re.DOTALL)


@dataclass(frozen=True)
class Plan:
    """The planner's decision; `tool` is a known tool's exact name."""

    sub_goal: str
    tool: str
    context: str
    justification: str = ""


def parse_plan(text: str, tools: Iterable[str]) -> Plan:
    """Read the planner's reply; raises ReplyError for a missing field or an unknown tool."""
    found = _fields(text)
    missing = [name for name in ("context", "sub_goal", "tool") if not found.get(name)]
    if missing:
        need = "Context, Sub-Goal and Tool Name, each on a line of its own"
        raise ReplyError(f"the reply has no {', '.join(missing)}; write {need}")
    return Plan(**{**found, "tool": _known(found["tool"], list(tools))})


def _fields(text: str) -> dict[str, str]:
    """By name; one met twice keeps its last text, as a model corrects itself."""
    marks = list(_HEADING.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = {str(m.lastgroup): text[m.end() : end] for m, end in zip(marks, ends, strict=False)}
    found = found or _from_json(text)
    found = {name: _unfenced(value) for name, value in found.items()}
    tool = found.get("tool", "").splitlines()
    return {**found, "tool": tool[0]} if tool else found


def _unfenced(value: str) -> str:
    """A field's text; a fence around the whole of it is how it was written, not what it says."""
    value = value.strip()
    whole = _FENCE.fullmatch(value)
    return (whole["code"] if whole else value.strip("`")).strip()


def _from_json(text: str) -> dict[str, str]:
    try:
        record = find_json(text)
    except ReplyError:
        return {}
    keys = {_HEADING.match(f"{key}:"): value for key, value in record.items()}
    return {str(mark.lastgroup): str(value) for mark, value in keys.items() if mark}


def _known(name: str, tools: list[str]) -> str:
    """The tool that is meant; what is said of it behind or around its name is an aside."""
    for told in (name, _ASIDE.split(name, maxsplit=1)[0]):
        same = [tool for tool in tools if tool == told.strip(_AROUND)]
        alike = same or [tool for tool in tools if _plain(tool) == _plain(told)]
        if alike:
            return alike[0]
    said = _plain(name)
    named = [tool for tool in tools if re.search(rf"(?<!\w){re.escape(_plain(tool))}(?!\w)", said)]
    if not named:  # words of a sentence are joined as well
        named = [tool for tool in tools if f"_{_plain(tool)}_" in f"_{said}_"]
    if len(named) == 1:
        return named[0]
    shown = name[:60]
    near = closest(_plain(shown), tools) if not named else f": is it {' or '.join(named)}?"
    raise ReplyError(f"no tool named {shown!r}{near}; choose one of: {', '.join(tools)}")


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-]+", "_", text.strip(_AROUND)).lower()
