r"""Open questions: exact match and overlap of words, as in SQuAD and HotpotQA.

    words(["20 June 1837"], "It was on\n<answer>June 20th, 1837</answer>").value   # 1.0
    words(["Titan IIIE"], "the Titan rocket")       # Score(value=0.0, ..., f1=0.5)

The normal form is SQuAD's (lower case; without articles and punctuation; arXiv 1606.05250), but a
decimal point, a minus sign and C++ keep what makes them different, for SQuAD's own takes 10.8 for
108. Equal are also: dates in any order, accents or none, a hyphen or a space, small numbers as
words or digits, `&` or `and`, `%` or `percent`, initials and compound names with or without spaces,
hyphens and slashes (`AC/DC`, `ACDC`), `in 1837` for `1837`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from agentflow_graph.replies.marks.wrappings import visible
from benchmarks.scoring.rules.answer import Reply, Score, reading

LONGEST = 20_000
"""Characters of a reply that are compared."""

_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u02bb\u02bc\u0060\u00b4'", ""),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        "\u00f8": "o",
        "\u0142": "l",
        "\u0111": "d",
        "\u0131": "i",
        "\u00e6": "ae",
        "\u0153": "oe",
        "&": " and ",
        "%": " percent ",
    }
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_POINT_ZERO = re.compile(r"(?<![0-9.])([0-9]+)\.0+(?!\.?[0-9])")
# A word; a number with its minus sign, where that is not a hyphen; C++, C#.
_TOKEN = re.compile(
    r"(?:(?<!\S)|(?<=[$(]))-(?=\.?[0-9])[0-9.]*[0-9]|[0-9]*\.[0-9]+(?!\.?[0-9])|[^\W_]+[+#]*"
)
_INITIALS = re.compile(r"\b(?<![0-9])([^\W\d_])(?: (?=[^\W\d_]\b(?![+#])))")
_ARTICLES = frozenset(("a", "an", "the"))
_COUNTS = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
}
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {
    name[:length]: number for number, name in enumerate(_MONTH_NAMES, 1) for length in (3, 4, 9)
}
_DAYS = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
_ORDINAL = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)")
_ISO = re.compile(r"\s*([0-9]{4})-([0-9]{2})-([0-9]{2})\s*\.?")
_YES_NO = re.compile(
    r"\W*(yes|no)\b[*_`\"')\]]*\s*(?:[.,;:!(](?!\s*[0-9])|[-\u2013\u2014]\s|$"
    r"|(?=(?:they|it|he|she|we|both|neither|indeed)\b))",
    re.IGNORECASE,
)
_CLOSED = frozenset(("yes", "no", "noanswer"))
# "No, I could not find it" reports a failed search and says nothing of the question.
_FAILED = re.compile(
    r"\b(?:(?:could|can|did|do|does|was|were|am|is|are)(?: not|n'?t)(?: be)?"
    r"(?: able| know| find| found| determine| tell| sure| verif| confirm| establish| answer| access"
    r"| locate| clear| enough| available| have| load| mention| state| retrieve)\w*"
    r"|cannot|can'?t|unable|fail(?:ed|s|ure)?|error|unknown|unclear|unsure|uncertain|insufficient"
    r"|inconclusive|undetermined|silent|timeout|timed out|give up|gave up|nothing (?:could|was)"
    r"|no way to"
    r"|need more|(?:no|not enough|without|lack of|lacks?) (?:\w+ )?"
    r"(?:information|evidence|data|results?|answer|records?|sources?|idea|luck|matches)|not found"
    r"|search(?:es)?|sorry|tools?|idea)\b",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\b(?:wait|actually|scratch that|on second thought|on closer look|or maybe|maybe not)\b",
    re.IGNORECASE,
)
_CURRENCY = re.compile("[$\u20ac\u00a3\u00a5\u20b9]")
_PLACED = re.compile(r"(?:in|on|at|during)\s+(?=\S)", re.IGNORECASE)


def words(golds: Sequence[str], reply: Reply) -> Score:
    """`value`: 1.0 if the answer in the reply is one of `golds` in words.

    `f1`: the best overlap of words, 1.0 where `value` is. By HotpotQA's rule a yes or no overlaps
    with nothing but itself (arXiv 1809.09600). `Yes, both are` is a yes.

    Raises:
        ValueError: there is no gold answer, or one has no text.
    """
    if not golds or "" in map(_key, golds):
        raise ValueError(
            f"golds={list(golds)!r} has none or an empty one, so no reply could be right: "
            "repair the data set or leave this question out"
        )
    answer, where = reading(reply)
    text = answer[:LONGEST]
    keys = {_key(gold) for gold in golds if _same_money(gold, text)}
    readings = {text, _PLACED.sub("", text, count=1) if _PLACED.match(text) else text}
    if any({_key(each), yes_or_no(each)} & keys for each in readings):
        return Score(1.0, answer, where, 1.0)
    return Score(0.0, answer, where, max(_f1(g, a) for g in golds for a in readings))


def _same_money(gold: str, answer: str) -> bool:
    """Not in two currencies; a number without one may be in any."""
    mine, theirs = set(_CURRENCY.findall(answer)), set(_CURRENCY.findall(gold))
    return not mine or not theirs or mine == theirs


def yes_or_no(text: str) -> str:
    """`yes` or `no` if the text begins with it, and is not taken back nor tells of a failure.

    Else empty.
    """
    found = _YES_NO.match(text)
    said = set(re.findall(r"\b(?:yes|no)\b", text.casefold()))
    rest = text[found.end() :] if found else ""
    if not found or len(said) > 1 or _FAILED.search(rest) or _TAKEN_BACK.search(rest):
        return ""
    return found[1].casefold()


def _key(text: str) -> str:
    """Equal for two spellings of one answer; empty for blank text only."""
    if (iso := _ISO.fullmatch(text)) is not None:
        return _date(int(iso[1]), int(iso[2]), int(iso[3]))
    tokens = _tokens(text)
    return _as_date(tokens) or _compact(tokens) or "".join(text.split())


def _compact(tokens: Sequence[str]) -> str:
    """In one, for a name may be written so; numbers stay apart from each other."""
    return re.sub(r"(?<![0-9]) | (?![-.0-9])", "", " ".join(tokens))


def _tokens(text: str) -> list[str]:
    found = " ".join(_COUNTS.get(token, token) for token in _TOKEN.findall(_plain(text)))
    joined = _INITIALS.sub(r"\1", found).split()
    return [token for token in joined if token not in _ARTICLES] or joined


def _plain(text: str) -> str:
    text = visible(text).casefold().translate(_SAME)
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    # The points of initials and abbreviations, not those of numbers.
    return re.sub(r"(?<![0-9])\.(?![0-9])", " ", _POINT_ZERO.sub(r"\1", text))


def _as_date(tokens: Sequence[str]) -> str:
    """A day in words, in any order, in one form; empty if it is none."""
    left = [_ORDINAL.sub(r"\1", t) for t in tokens if t not in _DAYS and t not in ("of", "on")]
    months = [_MONTHS[t] for t in left if t in _MONTHS]
    numbers = [int(t) for t in left if t.isascii() and t.isdigit() and len(t) <= 4]
    if len(left) == 2 and len(months) == len(numbers) == 1 and numbers[0]:
        return f"date {numbers[0]} {months[0]}"
    if len(left) != 3 or len(months) != 1 or len(numbers) != 2:
        return ""
    day, year = sorted(numbers)
    return _date(year, months[0], day) if 1 <= day <= 31 < year else ""


def _date(year: int, month: int, day: int) -> str:
    return f"date {year} {month} {day}"


def _f1(gold: str, answer: str) -> float:
    """Harmonic mean of precision and recall over words."""
    mine, theirs = _tokens(answer), _tokens(gold)
    if mine != theirs and (" ".join(mine) in _CLOSED or " ".join(theirs) in _CLOSED):
        return 0.0
    common = (Counter(mine) & Counter(theirs)).total()
    return 2 * common / (len(mine) + len(theirs)) if common else 0.0
