r"""The one reader of answers: the agent, the rewards and the benchmarks read replies here.

    read_answer("So it is **Answer: Paris**. I hope this helps!")   # Answer("Paris", "answer_line")

In this order, reasoning aside: the last `<answer>` that holds something, closed or not; the last
`\boxed{}`; the last line that says what the answer is; the last line. What is wrapped around the
answer comes off, layer by layer (`agentflow_graph.replies.marks.wrappings`).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from agentflow_graph.replies.marks.boxes import boxed
from agentflow_graph.replies.marks.lines import announced, last_line
from agentflow_graph.replies.marks.retraction import is_denied
from agentflow_graph.replies.marks.wrappings import LONGEST, clean, unwrapped
from agentflow_graph.replies.reasoning import without_reasoning

Where = Literal["answer_tag", "boxed", "answer_line", "last_line", "empty"]
"""Where an answer stood: the last `<answer>`, the last `\\boxed{}`, a line such as `Answer: ...`,
the last line with text, or nowhere, because the reply says nothing."""

# Also <final_answer>, with spaces, with the slash turned round, and as Markdown escapes it.
_TAG = re.compile(
    r"\\?<\s{0,3}(?:([/\\])\s{0,3})?(?:final[ _-]?)?answer"
    r"(?:(?:\s[^<>\n]{0,60})?\s{0,3}\\?>|(?(1)(?![\w>])|(?!)))",
    re.IGNORECASE,
)
_ELEMENT = re.compile(r"<(/?)(b|strong|i|em|u|code|mark|sub|sup|p|span|div)\b[^<>]{0,60}>")
_CUT_TAG = re.compile(r"<\s{0,3}/\w{0,12}\s{0,3}>?\s*$")
# What stands between the tags where our own instruction is repeated.
_ECHO = re.compile(r"\W*(?:and|(?:your|the|my)? ?(?:final )?answer(?: here)?|)\W*", re.IGNORECASE)
_TAGS_NAMED = re.compile(r"[\s`'\"*]*tags?\b[\s:.]*", re.IGNORECASE)
_OR = re.compile(r"[\s,;]*(?:and/)?or(?: (?:maybe|perhaps|possibly|else))?:?[\s,]*", re.IGNORECASE)
# In front of a tag: a sentence that speaks of it.
_SPOKEN_OF = re.compile(
    r"\b(?:the|an?|your|my|this|that|only|of|in|between)[ \t]+\Z", re.IGNORECASE
)
_FENCED = re.compile(r"\s*(?:`{3}|\${2}|\\\[|\\begin\b)")
_DEPTH = 20
"""Wrappings within wrappings; each costs a pass over what is left."""


class Answer(NamedTuple):
    """What a reply gives as its answer, and where it stood."""

    text: str
    where: Where


def read_answer(reply: str) -> Answer:
    """The answer that `reply` gives; never raises."""
    text = spoken(reply)
    if (tagged := _tagged(text)) is not None:
        return Answer(_innermost(tagged), "answer_tag")
    text = _TAG.sub(" ", text)
    if (box := boxed(text)) is not None:
        return Answer(_innermost(box), "boxed")
    if (said := announced(text)) is not None:
        return Answer(_innermost(said), "answer_line")
    last = unwrapped(last_line(text))
    return Answer(last, "last_line" if last else "empty")


def final_answer(reply: str) -> str:
    """What a person is shown: the answer, or all of a reply that marks none.

    Reading it again finds the same answer; for that, lines within a mark are joined where needed.
    """
    text, where = read_answer(reply)
    if where in ("last_line", "empty"):
        return spoken(reply).strip()
    return text if read_answer(text).text == text else " ".join(text.split())


def spoken(reply: str) -> str:
    """A reply without reasoning and without what nobody sees."""
    # Twice: tokens of a template may mark reasoning, and so may what is escaped.
    return without_reasoning(clean(without_reasoning(reply)))


def _innermost(text: str) -> str:
    r"""Without the marks and wrappings within a mark: `<answer>\boxed{B}</answer>`."""
    for _ in range(_DEPTH):
        inner = _TAG.sub(" ", unwrapped(text))
        for deeper in (boxed(inner), announced(inner)):
            if deeper is not None:
                inner = deeper
                break
        if inner == text:
            break
        text = inner
    return text


def _tagged(text: str) -> str | None:
    """What the last tag holds that holds anything but an echo of an instruction.

    One that is denied does not count, and of two with "or" between them neither does alone.
    """
    tags = list(_TAG.finditer(text))
    ends = [*(tag.start() for tag in tags), len(text)][1:]
    found = ""
    for number in range(len(tags) - 1, -1, -1):
        tag, inside = tags[number], text[tags[number].end() : ends[number]]
        before = text[tags[number - 1].end() if number else 0 : tag.start()]
        if tag[1] or is_denied(before, len(before)):
            continue
        if ends[number] == len(text):
            if len(tags) > 1 and (_closes(tags, inside) or _speaks_of(before, tags)):
                continue
            inside = _unclosed(inside)
        if _ECHO.fullmatch(inside) and not _odd(inside):
            continue
        found = f"{inside} or {found}" if found else inside
        if not (number and tags[number - 1][1] and _OR.fullmatch(before)):
            break
    return found or None


def _closes(tags: list[re.Match[str]], inside: str) -> bool:
    """Whether the last tag was meant to close the one before."""
    return not tags[-2][1] and not inside.partition("\n")[0].strip()


def _speaks_of(before: str, tags: list[re.Match[str]]) -> bool:
    """Whether a sentence names the last tag, where another was opened and closed."""
    return bool(tags[-2][1] and _SPOKEN_OF.search(before))


def _odd(inside: str) -> bool:
    """Punctuation or a formula alone, which may be an answer: `?!`, but not `...`."""
    solid = inside.strip(" \t\r\n.\u2026`'\"*_")
    return bool(solid) and not re.search(r"\w", solid)


def _unclosed(inside: str) -> str:
    """The first line after a tag that nobody closed; all of it where it opens a block."""
    inside = _CUT_TAG.sub("", inside)
    if named := _TAGS_NAMED.match(inside):
        inside = inside[named.end() :]
    if _FENCED.match(inside):
        return inside
    return _closed(next((line for line in inside.splitlines() if line.strip()), ""))


def _closed(line: str) -> str:
    """With an end for what HTML stands open: it was cut off, as the tag itself was."""
    opened: list[str] = []
    for closing, name in _ELEMENT.findall(line.lower()) if len(line) <= LONGEST else ():
        if not closing:
            opened.append(name)
        elif name in opened:
            opened.remove(name)
    return line + "".join(f"</{name}>" for name in reversed(opened))
