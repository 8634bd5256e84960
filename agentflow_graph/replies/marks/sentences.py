"""Where sentences end, which closing phrases say nothing, and what the first sentence claims."""

import re

from agentflow_graph.replies.marks.retraction import CONTRAST, RETRACTS

_SENTENCE = re.compile(r"[.!](?:[*_`\"')\]]{0,4})\s+(?=\S)")
_INITIAL = re.compile(r"(?:^|[^\w])[^\W\d_]\.$")
# A sentence, and not the next word of a title: a small letter follows.
_BEGINS = re.compile(
    r"(?:It|The|This|That|These|Because|Since|As|He|She|They|I|We|In|So|Note|Here|There|Also)\b"
    r"(?! [A-Z])"
)
# A full stop that ends a sentence, not initials, U.S., Jr. or an ellipsis.
_STOP = re.compile(r"(?<=[^\s.])\s{0,3}\.\s*$")
_ABBREVIATED = re.compile(
    r"(?:\.\s?[^\W\d_]|(?:^|[^\w.])(?:jr|sr|inc|ltd|co|corp|st|mr|mrs|ms|mme|mlle|dr|prof|etc|vs|mt"
    r"|ft|bros|gen|maj|adm|cmdr|col|capt|lt|sgt|rev|hon|gov|sen|rep|pres|supt|wm|geo|chas|al|ph"
    r"|approx|est|vol))\.\s*$",
    re.IGNORECASE,
)
# Words that are abbreviated before a number: No. 5, Op. 27, Sept. 11.
_NUMBERED = re.compile(
    r"(?:^|[^\w.])(?:no|nos|op|pt|fig|art|ch|sec|p|pp|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
    r"\.$",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"(?<=[\w)\]}*`\"'$]),?\s+(?:because|since|as per|according to"
    r"|as (?:stated|mentioned|given|shown|described|reported|noted|found|seen) (?:in|by|on))\s"
)
_CLOSING = re.compile(
    r"\W*(?:i hope|hope (?:this|that|it)|hoping|let me know|feel free|please (?:let|feel|note|ask)"
    r"|if you (?:have|need|want|would|'d|like)|thank|thanks|glad|happy to"
    r"|i(?:'m| am) (?:happy|glad|here)|is there anything|do you (?:have|want|need)|would you like"
    r"|have a (?:nice|great|good)|best regards|cheers|good luck|you(?:'re| are) welcome"
    r"|any (?:other |more )?questions|(?:my )?confidence\s*:|sources?\s*:|references?\s*:|note\s*:"
    r"|that(?:'s| is) (?:it|all)|done|q\.?e\.?d|this (?:is|was) (?:my|the) final answer"
    r"|(?:end|stop) of)\b.*",
    re.IGNORECASE | re.DOTALL,
)


_TITLE = re.compile(r"[*_\"]*(?:[A-Z]\w*\s+)(?:(?:[A-Z]\w*|a|an|of|for|the)\s+)+[A-Z]\w*[*_\"]*")


def ends_sentence(text: str) -> bool:
    """Whether the full stop at the end of `text` is one, and no abbreviation's."""
    return bool(_STOP.search(text)) and not _ABBREVIATED.search(text)


def without_stop(text: str) -> str:
    """A text without the full stop that ends its sentence."""
    return _STOP.sub("", text) if ends_sentence(text) else text


def is_closing(line: str) -> bool:
    """Whether a line is polite and says nothing; a title, as of a film, is none."""
    return _CLOSING.fullmatch(line) is not None and not _TITLE.fullmatch(line)


def without_closing(line: str) -> str:
    """A line without the closing phrase behind its sentences."""
    for end in _SENTENCE.finditer(line):
        if is_closing(line[end.end() :]):
            return line[: end.end()].rstrip()
    return line


def first_claim(said: str) -> str:
    """The first sentence without its reason; all of it where the rest takes something back."""
    for end in _SENTENCE.finditer(said):
        first = said[: end.end()].rstrip()
        if _is_end(first.rstrip("*_`\"')]"), said[end.end() :]):
            return said if RETRACTS.match(said[end.end() :]) else _without_reason(first)
    return _without_reason(said)


def _is_end(first: str, rest: str) -> bool:
    """Whether a sentence ends here: not at initials, abbreviations and within titles."""
    if first.endswith("!") or _INITIAL.search(first) or _ABBREVIATED.search(first):
        return bool(_BEGINS.match(rest)) or bool(first.endswith("!") and RETRACTS.match(rest))
    return ends_sentence(first) and not (rest[:1].isdigit() and _NUMBERED.search(first))


def _without_reason(said: str) -> str:
    reason = _REASON.search(said)
    return said[: reason.start()] if reason and not CONTRAST.search(said, reason.end()) else said
