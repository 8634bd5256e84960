"""Lines that say what the answer is, and the last line without polite words after it."""

import re

from agentflow_graph.replies.wrappings import ends_sentence, unwrapped

_MARKS = r"[\s*_#>`~\"']{0,12}"
_ADJECTIVES = r"(?:(?:final|correct|best|right|short|exact|most likely|only|overall)\s+)*"
# What may stand before "the answer is" in its sentence. Anything else, such as "it is not true
# that" or "if", makes of it a mention.
_OPENING = "|".join(
    (
        "so|thus|hence|therefore|then|now|finally|ok(?:ay)?|well|and|overall|consequently",
        "accordingly|as a result|in (?:conclusion|summary|short)|to (?:conclude|sum up)",
        r"(?:based|given|from|after|according|since|as|with|using|by|because)\b[^,.;:!?\n]{1,120}",
        r"(?:i|we)\s+(?:think|believe|conclude|find|get|see|say)(?:\s+that)?",
        r"i (?:am confident|am sure|would say)(?:\s+that)?|my guess is(?:\s+that)?",
        r"it (?:follows|means)(?:\s+that)?|(?:this|which) (?:means|gives|shows)(?:\s+that)?",
    )
)
# "Answer" in the languages that simple-evals asks in and an alphabet of ours can show.
_ELSEWHERE = (
    "antwort|r\u00e9ponse|respuesta|risposta|resposta|jawaban|jibu|\u043e\u0442\u0432\u0435\u0442|\u7b54\u6848|\u7b54\u3048|\u56de\u7b54|\u89e3\u7b54"
    "|\uc815\ub2f5|\ub2f5\ubcc0"
)
_SUBJECT = (
    rf"(?:(?:the|my|our|your)\s+)?{_ADJECTIVES}(?:answer|ans|option|choice|{_ELSEWHERE})(?![^\W_])"
    r"(?:\s+(?:to|for|of)\s+(?:the|this|your|that)\s+[\w-]+(?:\s+[\w-]+)?(?=\s*(?:is\b|:|=)))?"
)
_VERB = (
    rf"{_MARKS}(?:\s(?:is|are|was|were|(?:would|must|should|will|has to) be)\b(?:{_MARKS}[:=])?"
    r"|[:\uff1a]|=(?!=)|\u2192|[-=]>|[-\u2013\u2014](?=\s))"
)
_LEAD = re.compile(
    rf"(?:^|(?<=[.!?;:])\s|(?<=,)\s(?=(?:so|thus|hence|therefore)\b)){_MARKS}"
    rf"(?:(?:{_OPENING})[\s,:]{{1,3}}){{0,3}}{_MARKS}{_SUBJECT}{_VERB}\s*(?:that\s+)?",
    re.IGNORECASE,
)
_HEADING = re.compile(rf"(?:the\s+)?{_ADJECTIVES}(?:answer|ans)\s*:?", re.IGNORECASE)
_BACKWARDS = re.compile(
    r"(?!(?:this|that|it|what|which|here|there|neither|none|nothing|not)\b)(?P<text>\S.{0,300}?)\s+"
    rf"(?:is|are|was)\s+(?:the|my|our)\s+{_ADJECTIVES}answer\s*\.?",
    re.IGNORECASE,
)
_REASON = re.compile(r"(?<=[\w)\]}*`\"'$]),?\s+(?:because|since|as per|according to)\s")
# Words after a full stop that take back what was said before it.
_RETRACTED = re.compile(
    r"\W*(?:wait|actually|no|not|or|hmm|but|however|rather|instead|alternatively|sorry|correction"
    r"|scratch|maybe|perhaps|possibly|although|though|unless|oops|on second thought|it could|"
    r"it (?:may|might)|let me|i (?:mean|was|made))\b",
    re.IGNORECASE,
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
# Ends of a block of code, of a formula on lines of its own, a rule across the page.
_FRAME = re.compile(
    r"(?:`{3,}|~{3,})[\w+-]*|\${2}|\\[\]\[()]|[-*_=]{3,}|[\u25a0\u25a1\u220e]|\\(?:begin|end)\{\w+\*?\}"
    r"|</?(?:p|div|pre|code|br|body|html|ul|ol|li)[^<>]*>|[{}]",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!](?:[*_`\"')\]]{0,4})\s+(?=\S)")
_INITIAL = re.compile(r"(?:^|[^\w])[^\W\d_]\.$")
_BEGINS = re.compile(
    r"(?:It|The|This|That|These|Because|Since|As|He|She|They|I|We|In|So|Note|Here|There|Also)\b"
)
_OPEN_END = re.compile(r"(?:[:\uff1a=]|\bis)[*_\s]*$")
_ENDS_EMPHASISED = re.compile(
    r"(?P<said>(?:so|thus|hence|therefore|then|finally|we|this|it|the|which|and|in total)\b"
    r"[^\n]{0,200}"
    r"\b(?:is|are|was|were|get|gets|have|obtain|gives?|yields?|find|be|equals?|to)\s*:?)\s*"
    r"(?P<text>\*\*[^*]+\*\*|\$[^$]+\$|`[^`]+`|\\\((?:(?!\\\)).)+\\\))\s*[.!]?",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"n't\b|\b(?:not|never|no|nor|neither|wrong|doubt|unlikely|false|could|might|may|maybe|perhaps"
    r"|possibly|if|whether|unless|candidate|guess|consider(?:ed)?|instead|except|either|or)\b",
    re.IGNORECASE,
)
_PAIRED = ("**", "__", "*", "_", "`", '"', "\u201c")
LONGEST = 5_000
"""Characters of a line that are searched."""


def announced(text: str) -> str | None:
    """What the last line that says `Answer: ...` or `The answer is ...` gives; None without one."""
    lines = text.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        line = unwrapped(lines[number])
        if "\n" in line or not line or len(line) > LONGEST or _FRAME.fullmatch(line):
            continue
        if _HEADING.fullmatch(line) and (below := _below(lines[number + 1 :])):
            return below
        if leads := list(_LEAD.finditer(line)):
            said = _balanced(line[: leads[-1].end()], line[leads[-1].end() :])
            if re.search(r"\w|[^\s.,;:!?*_`'\"()]", said):
                return _claim(said)
            if _OPEN_END.search(line) and (below := _below(lines[number + 1 :])):
                return below
        elif (turned := _BACKWARDS.fullmatch(line)) and not re.search(r"[.!?;]\s", turned["text"]):
            return turned["text"]
    return None


def last_line(text: str) -> str:
    """The last line that says something, without a closing phrase behind it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not _FRAME.fullmatch(line) and not _asks(line)]
    while said and _CLOSING.fullmatch(said[-1]) and len(said) > 1:
        said.pop()
    if said:
        last = _without_closing(said[-1])
        return _emphasised(last) or last
    return "" if any(map(_asks, lines)) else "".join(lines[-1:])


def _emphasised(line: str) -> str:
    """What a sentence such as `So we get **42**.` ends with; empty for another sentence."""
    found = _ENDS_EMPHASISED.fullmatch(line)
    if not found or _DENIED.search(found["said"]) or re.search(r"[*$`]", found["said"]):
        return ""
    return found["text"]


def _asks(line: str) -> bool:
    """Whether a line announces an answer and gives none."""
    line = unwrapped(line)
    return bool(
        _HEADING.fullmatch(line) or ((lead := _LEAD.match(line)) and lead.end() == len(line))
    )


def _balanced(lead: str, said: str) -> str:
    """What is said without the other half of a mark that its lead opened: `**Answer:** Paris`."""
    for mark in _PAIRED:
        close = "\u201d" if mark == "\u201c" else mark
        if lead.count(mark) % 2 if close == mark else mark in lead and close not in lead:
            before, found, after = said.rpartition(close)
            behind = found and not after.strip(".,;:! ")
            if said.startswith(close) and not (behind and before and lead[-1:].isspace()):
                return said[len(close) :].strip()
            return before.strip() if behind else said
    return said.strip()


def _below(lines: list[str]) -> str:
    """The first line below a heading; a block that begins there as a whole."""
    rest = [line for line in lines if line.strip()]
    if not rest:
        return ""
    if not _FRAME.fullmatch(rest[0].strip()):
        return _claim(rest[0].strip())
    inside = [line for line in rest[1:] if not _FRAME.fullmatch(line.strip())]
    ends = [n for n, line in enumerate(rest[1:], 1) if _FRAME.fullmatch(line.strip())]
    block = rest[1 : ends[0]] if ends and ends[0] > 1 else inside[:1]
    return "\n".join(block)


def _claim(said: str) -> str:
    """The first sentence of what follows, unless the next one takes it back."""
    said = unwrapped(_without_closing(said))
    for end in _SENTENCE.finditer(said):
        first = said[: end.end()].rstrip()
        if not _full_stop(first.rstrip("*_`\"')]"), said[end.end() :]):
            continue
        return said if _RETRACTED.match(said[end.end() :]) else _reasoned(first)
    return _reasoned(said)


def _full_stop(first: str, rest: str) -> bool:
    """Whether a sentence ends here: not at initials, unless a word follows that begins one."""
    if _INITIAL.search(first):
        return bool(_BEGINS.match(rest))
    return first.endswith("!") or ends_sentence(first)


def _reasoned(said: str) -> str:
    reason = _REASON.search(said)
    return said[: reason.start()] if reason else said


def _without_closing(line: str) -> str:
    for end in _SENTENCE.finditer(line):
        if _CLOSING.fullmatch(line[end.end() :]):
            return line[: end.end()].rstrip()
    return line
