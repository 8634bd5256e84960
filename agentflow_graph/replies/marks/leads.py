"""How a line begins that gives an answer: `Final answer:`, `So the answer is`, `Antwort:`."""

import re

# Markdown, a number of a list, a check mark, an element of HTML.
_MARKS = (
    r"(?:[\s*_#>`~\"'(\[\u2190-\u2bff\U0001f300-\U0001faff]|[0-9]{1,2}[.)]\s"
    r"|</?(?:b|i|u|p|strong|em|span|div|code|li|h[1-6])>){0,12}"
)
_ADJECTIVES = (
    r"(?:(?:final|correct|best|right|short|exact|single|selected|chosen|most (?:likely|appropriate)"
    r"|only|overall)[\s_-]+)*"
)
_ADVERBS = (
    r"(?:[\s,]+(?:therefore|thus|hence|then|indeed|simply|just|clearly|definitely|certainly"
    r"|obviously|actually|here)\b)*"
)
# What may stand before "the answer is" in its sentence. Anything else, such as "it is not true
# that" or "if", makes of it a mention.
_OPENING = "|".join(
    (
        "so|thus|hence|therefore|then|now|finally|ok(?:ay)?|well|and|but|overall|consequently",
        "accordingly|as a result|in (?:conclusion|summary|short)|to (?:conclude|sum up)",
        r"(?:based|given|from|after|according|since|as|with|using|by|because)\b[^,.;:!?\n]{1,120}",
        r"(?:i|we)\s+(?:think|believe|conclude|find|get|see|say)(?:\s+that)?",
        r"i(?:'m| am) (?:confident|sure|certain)(?:\s+that)?|i(?:'d| would) say(?:\s+that)?",
        r"my guess is(?:\s+that)?|here(?:'s| is)|i can confirm(?:\s+that)?|all things considered",
        r"to answer (?:the|your) question",
        r"it (?:follows|means)(?:\s+that)?|(?:this|which) (?:means|gives|shows)(?:\s+that)?",
    )
)
_ABOUT = (
    r"(?:\s+(?:to|for|of)\s+(?:question\s+[0-9]{1,3}"
    r"|(?:the\s+)?question,?\s+[\"\u201c'][^\"\u201d\n]{1,200}[\"\u201d']"
    r"|(?:the|this|your|that)\s+[\w-]+(?:\s+[\w-]+)?)(?=\s*(?:is\b|:|=)))?"
)
_SUBJECT = (
    rf"(?:(?:the|my|our|your)\s+)?{_ADJECTIVES}"
    r"(?:answer(?:\s+(?:choice|option|letter)|\s*#?[0-9]{1,2}(?=\s*:))?|ans|option|choice|letter)(?![^\W_])"
    rf"{_ABOUT}(?:\s*\((?:final|[\w ]{{1,20}})\))?"
)
_VERB = (
    rf"{_MARKS}(?:(?<![:=]){_ADVERBS},?\s(?:(?-i:is|are|was|were|IS|ARE)|is(?=\s*:)|equals|becomes"
    r"|(?:would|must|should|will|has to)(?: therefore| then| thus)? be"
    rf"|(?:turns|comes|works) out (?:to be|to|as))\b{_ADVERBS}(?:{_MARKS}[:=])?"
    r"|[:\uff1a]|=(?!=)|\u2192|[-=]>|[-\u2013\u2014](?=\s)|\]\s*[:\uff1a]?(?=\s))"
)
# "Answer" in the languages that simple-evals asks in and an alphabet of ours can show.
_ELSEWHERE = (
    r"(?:(?:\u56e0\u6b64|\u6240\u4ee5|\u6545)[\uff0c,]?)?\u3010?"
    r"(?:(?:la|le|die|das|el|il|a|o)\s+)?(?:(?:finale|endg\u00fcltige|richtige|korrekte|bonne)\s+)?"
    r"(?:\u6700\u7ec8|\u6b63\u786e|\u6700\u7d42)?\u7684?"
    "(?:antwort|r\u00e9ponse|respuesta|risposta|resposta|jawaban|jibu|\u043e\u0442\u0432\u0435\u0442"
    "|\u7b54\u6848|\u7b54\u3048|\u56de\u7b54|\u89e3\u7b54|\uc815\ub2f5|\ub2f5\ubcc0)"
    r"(?:\s+(?:final|finale|correcta|correcte|corretta))?"
    rf"(?:{_MARKS}[:\uff1a\u3011]|\s+(?:ist|est|es|\u00e8|\u00e9)\b(?:\s*:)?"
    r"|\s*[\u662f\u4e3a\u306f](?:\s*[:\uff1a])?)"
)
LEAD = re.compile(
    r"(?:^|(?<=[.!?;:])\s|(?<=,)\s(?=(?:so|thus|hence|therefore|but|and)\b))"
    rf"{_MARKS}(?:(?:{_OPENING})[\s,:]{{1,3}}){{0,3}}{_MARKS}"
    rf"(?:{_SUBJECT}{_VERB}|{_ELSEWHERE})\s*(?:that\s+)?",
    re.IGNORECASE,
)
"""The beginning of a sentence that gives an answer."""

HEADING = re.compile(rf"(?:the\s+)?{_ADJECTIVES}(?:answer|ans)\s*:?", re.IGNORECASE)
"""A line of its own above an answer."""

BACKWARDS = re.compile(
    r"(?:(?:so|thus|hence|therefore|then|finally)\b[\s,]{1,3})?"
    r"(?!(?:this|that|it|what|which|here|there|neither|none|nothing|not)\b)(?P<text>\S.{0,300}?)\s+"
    rf"(?-i:is|are|was|IS)\s+(?:the|my|our)\s+{_ADJECTIVES}answer\s*\.?",
    re.IGNORECASE,
)
"""`Paris is the answer.`"""

ROW = re.compile(
    rf"\|[\s*_]*(?:the\s+)?{_ADJECTIVES}answer[\s*_:]*\|\s*(?P<text>[^|]*[^|\s])\s*\|?",
    re.IGNORECASE,
)
"""A row of a table that gives an answer."""

LABEL = re.compile(
    r"(?:(?:(?:final|my)\s+)?(?:result|response|output|summary|conclusion|solution|verdict)"
    r"|tl;?dr|final|therefore|thus|hence|so|it's|assistant)"
    r"[*_]{0,3}(?:[:,][*_]{0,3}|(?<='s))\s+(?=\S)",
    re.IGNORECASE,
)
"""Words in front of an answer that count on the last line alone."""

TEX_LABEL = re.compile(r"\\(?:textbf|text|mathbf|emph|underline)\s*\{([^{}]{0,40}:)\s*\}")
r"""`\textbf{Answer:}`."""
