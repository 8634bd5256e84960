r"""Answers of mathematics in the LaTeX that math-verify reads whole, and what it must not read.

    as_latex("11 5/6")           # r"11\frac{5}{6}"
    as_latex("2√3")              # r"2\sqrt{3}"
    comparable("33", "33_{8}")   # False: math-verify would read the 33 and stop

math-verify takes what it can parse and passes over the rest, which is kind to formulas in prose and
wrong for an answer: `33:1` is not 33.
"""

from __future__ import annotations

import re
import unicodedata

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SUBSCRIPT = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_SIGNS = {
    "π": r"\pi ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\neq ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "÷": "/", "∞": r"\infty ", "°": r"^\circ ", "±": r"\pm ", "∅": r"\emptyset ", "≡": r"\equiv ",
    "⇒": "=>", "→": "=>", "θ": r"\theta ", "ℝ": r"\mathbb{R}", "≈": r"\approx ", "φ": r"\phi ",
}  # fmt: skip
_ROOTS = {"√": r"\sqrt", "∛": r"\sqrt[3]", "∜": r"\sqrt[4]"}
_ROOT = re.compile(r"([√∛∜])\s*(?:\(([^()]*)\)|\{([^{}]*)\}|([0-9.]+|[a-zA-Zπ]))")
_SQRT = re.compile(r"(?<![a-zA-Z\\])sqrt\s*(?:\(([^()]*)\)|\{([^{}]*)\}|([0-9.]+|[a-zA-Z]))")
_PI = re.compile(r"(?<![a-zA-Z\\])pi(?![a-zA-Z])", re.IGNORECASE)
_MIXED = re.compile(r"(?<![0-9./^])([0-9]+)\s+(?:and\s+)?([0-9]+)/([0-9]+)(?![0-9.^])")
_POWER_OF_TEN = re.compile(r"(?<![\w.])([0-9]+(?:\.[0-9]+)?)[eE]([+-]?[0-9]+)(?!\w)")
_MATRIX = re.compile(r"\\(begin|end)\{(?:[bBvp]?matrix|smallmatrix|array)\}(?:\{[lcr|]+\})?")
_MODULO = re.compile(
    r"(?:\\[;,: ]|~|\s)*(?:\(\s*\\?(?:text\{\s*)?mod\b\s*\}?[^()]*\)"
    r"|\\pmod\s*(?:\{[^{}]*\}|[0-9a-z])|\\b?mod\b\s*(?:\{[^{}]*\}|[0-9a-z]+))\s*$"
)
_MAGNITUDES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_MAGNITUDE = re.compile(
    r"(?<![\w.])([0-9]+(?:\.[0-9]+)?)[\s~]*(hundred|thousand|million|billion|trillion)\b",
    re.IGNORECASE,
)
_DOLLAR = re.compile(r"^([-+]?)(?:US)?\\?[$€£¥]\s*(?=[0-9.][^$]*$)")
_NUMBER = r"(?P<number>[-+]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+|[0-9]+/[0-9]+))"
_UNIT = re.compile(
    rf"{_NUMBER}(?:[\s~]+"
    r"(?P<unit>(?:(?:square|cubic|sq\.?|cu\.?)\s+)?[a-zA-Z]{2,}\.?(?:(?:\s+per\s+|/)[a-zA-Z]+)?"
    r"(?:\^\{?[23]\}?)?)"
    # Beside the number without a space, or of one letter: what can be no product of symbols.
    r"|[\s~]*(?P<measure>(?:[munk]?m|cm|dm|in|ft|[km]?g|ml|s)(?:\^\{?[23]\}?|(?<=[cdk]m))"
    r"|[\s~]*[kc]?m/(?:s|h)(?:\^\{?2\}?)?)"
    # Several words, the last a plural: "204 ordered pairs", "42 years old".
    r"|[\s~]+(?P<things>(?:[a-zA-Z]{2,}\s+){1,2}[a-zA-Z]{2,}s|[a-zA-Z]{2,}s\s+(?:old|long|high|each|left)))"
)
_REPEATED = re.compile(
    r"(?<![\w.])([0-9]{0,9})\.([0-9]{0,9})(?:\\overline\s*\{([0-9]{1,9})\}|\(([0-9]{1,9})\))(?![0-9])"
)
_LETTER_UNIT = re.compile(rf"{_NUMBER}[\s~]*[a-zA-Z]")
_ANGLE = re.compile(r"(?<=[\w})])\s*(?:radians?|rad)\s*$")
_REMARK = re.compile(
    r"(?<=[\w})\]])\s*\((?!\s*(?:mod|base)\b)(?=[^()]*[a-z]{3})[a-z][a-z ,.'=0-9]*\)\s*$"
)
_PLAIN_FUNCTION = re.compile(r"(?<![a-zA-Z\\])(ln|log|sin|cos|tan)(?=\s*[(_0-9])")
_EXP = re.compile(r"(?<![a-zA-Z\\])exp\s*\(([^()]*)\)")
_SAID = {
    r"\varnothing": r"\emptyset", r"\lbrace": r"\{", r"\rbrace": r"\}", "**": "^",
    "the empty set": r"\emptyset",
    r"\blacksquare": "", r"\square": "",
}  # fmt: skip
_COLOUR = re.compile(r"\\(?:text)?color\s*\{\w+\}")
_TIMES = re.compile(r"(?<=[0-9])\s*x\s*(?=10\s*\^)")
# Words behind a number that make another of it, or none.
_SPOILS = re.findall(
    r"\w+",
    "no not cannot wrong incorrect false fail fails failed excluded rejected doubled halved"
    " thousandths mil hex binary octal more less impossible invalid least most",
)
_NO_UNIT_WORD = re.compile(rf"\b(?:{'|'.join(_SPOILS)})\b", re.IGNORECASE)
_NO_UNIT = frozenset(_SPOILS) | frozenset(
    re.findall(
        r"\w+",
        "not or and to mod base if when where squared cubed factorial halves thirds quarters"
        " fourths fifths tenths hundredths half double dozen dozens times plus minus over by"
        " choose is are was were be been works does than as either neither never ruled",
    )
)
# "1 and 2" are the two of them; so is "$1$, $2$".
_AND = re.compile(
    r"(?<=[0-9)}\]$])\s*,?\s*(?:\\text\{\s*)?\b(?:and|or)\b(?:\s*\})?\s*(?=[-+0-9(\\$])"
)
_APART = re.compile(r"\$\s*,\s*\$")
_BRACKETED_MATRIX = re.compile(
    r"(?:\\left)?[\[(]\s*(\\begin\{pmatrix\}(?:(?!\\end).)*\\end\{pmatrix\})\s*(?:\\right)?[\])]",
    re.DOTALL,
)
_SET_UNION = re.compile(r"(?<=[)\]])\s*(?:U|u|or|\\text\{\s*or\s*\})\s*(?=[(\[])")


def as_latex(text: str) -> str:
    """A bare formula as LaTeX: Unicode, `pi`, `sqrt(3)`, mixed numbers, `1e3`, `(mod n)`."""
    text = _SUPERSCRIPT.sub(lambda m: f"^{{{m[0].translate(_SUPERSCRIPTS)}}}", text)
    text = _SUBSCRIPT.sub(lambda m: f"_{{{m[0].translate(_SUBSCRIPTS)}}}", text)
    text = "".join(_fraction(sign) for sign in text)
    text = _ROOT.sub(lambda m: f"{_ROOTS[m[1]]}{{{m[2] or m[3] or m[4]}}}", text)
    text = _SQRT.sub(lambda m: f"\\sqrt{{{m[1] or m[2] or m[3]}}}", text)
    for sign, command in (*_SIGNS.items(), *_SAID.items()):
        text = text.replace(sign, command)
    text = _TIMES.sub(
        r"\\times ", _COLOUR.sub("", _REMARK.sub(_remark, _REPEATED.sub(_repeated, text)))
    )
    text = _EXP.sub(r"e^{\1}", _PLAIN_FUNCTION.sub(r"\\\1", _ANGLE.sub("", text)))
    text = _PI.sub(lambda m: r"\pi ", text)
    if not _RELATION.search(text):  # where "or" joins intervals
        text = _APART.sub(", ", _AND.sub(", ", text))
    text = _MODULO.sub("", _DOLLAR.sub(r"\1", text))
    text = _MAGNITUDE.sub(lambda m: rf"{m[1]}\times 10^{{{_MAGNITUDES[m[2].lower()]}}}", text)
    text = _POWER_OF_TEN.sub(r"\1\\times 10^{\2}", text)
    text = _MIXED.sub(_mixed, text)
    text = _SET_UNION.sub(r" \\cup ", text)
    return _BRACKETED_MATRIX.sub(r"\1", _MATRIX.sub(r"\\\1{pmatrix}", text)).strip()


def unit_of(text: str) -> tuple[str, str]:
    """A number and the unit behind it, if that is all; else the text and no unit."""
    found = _UNIT.fullmatch(text)
    if not found:
        return text, ""
    unit = (found["unit"] or found["measure"] or found["things"]).lower()
    if set(re.findall(r"[a-z]+", unit)) & _NO_UNIT - {"in"}:
        return text, ""
    return found["number"], "".join(unit.rstrip(".s").split())


def is_other_unit(unit: str, text: str) -> bool:
    """Whether a text is a number with a unit of one letter that is not `unit`: `5 m` for `5 cm`."""
    return _LETTER_UNIT.fullmatch(text) is not None and text[-1].lower() != unit[0]


def _fraction(sign: str) -> str:
    """`½` as a fraction; any other character as it is."""
    parts = unicodedata.normalize("NFKC", sign).split("\u2044")
    return f"\\frac{{{parts[0]}}}{{{parts[1]}}}" if len(parts) == 2 and parts[1] else sign


def _remark(found: re.Match[str]) -> str:
    """Nothing, of a remark that leaves the number as it is."""
    return found[0] if _NO_UNIT_WORD.search(found[0]) else ""


def _repeated(found: re.Match[str]) -> str:
    r"""`0.1\overline{6}` as a fraction."""
    whole, first, period = found[1] or "0", found[2], found[3] or found[4]
    under = 10 ** len(first) * (10 ** len(period) - 1)
    over = int(whole + first + period) - int(whole + first)
    return f"\\frac{{{over}}}{{{under}}}"


def _mixed(found: re.Match[str]) -> str:
    whole, over, under = found.groups()
    return f"{whole}\\frac{{{over}}}{{{under}}}" if int(over) < int(under) else found[0]


_STATED = re.compile(
    r"(?:(?:so|thus|hence|therefore|then|we (?:find|get|have)|this means|it follows)\b,?\s+"
    r"(?:that\s+)?|=>\s*|[\u21d2\u2192]\s*)*"
    r"(?:(?:the|a|an|there|this|it|its|his|her|our|their|each|which|[a-z])\b(?P<head>[^.;?]*?)"
    r"\b(?:is|are|was|were|equals?|be|gives?|yields?)\s+)?"
    r"(?:(?:exactly|a total of|equals|just|only|in total,)\s+)?"
    r"(?P<claim>.+?)(?:\s+(?:works|in total|in all|altogether))?",
    re.IGNORECASE | re.DOTALL,
)
_LABEL = re.compile(r"^[A-Za-z]{2,20}(?: [A-Za-z]{1,20}){0,5}:\s+")
_OF_SOLUTION = re.compile(
    r"\s+(?:is|are)\s+(?:the|our|a|an)\s+(?:\w+\s+)?solutions?$", re.IGNORECASE
)
_DENIED = re.compile(
    r"n't\b|\?|\b(?:not|cannot|never|no|wrong|doubt|unlikely|could|might|may|maybe|perhaps|possibly|if|unless"
    r"|whether|either|at least|at most|less|more|about|between)\b",
    re.IGNORECASE,
)


def stated(text: str) -> str:
    """The formula in a sentence such as `The largest n is 34`; another text as it is."""
    sentence = _LABEL.sub("", _OF_SOLUTION.sub("", text))
    found = _STATED.fullmatch(sentence)
    if not found or _DENIED.search(sentence) or prose(unit_of(found["claim"])[0]) > 1:
        return text
    return found["claim"]


_INDEX = re.compile(
    r"(?<!\\log)(?<!\\sum)(?<!\\prod)(?<!\\int)(?<!\\lim)(?<![A-Za-z}])_\s*\{?\s*(\w+)"
)
_EMPTY = re.compile(r"\\sqrt\s*\{\s*\}|\\[dtc]?frac\s*(?:\{\s*\}|\{[^{}]*\}\s*\{\s*\})")
_ELLIPSIS = re.compile(r"\.{3}|\u2026|\\[lcd]?dots")
_RELATION = re.compile(r"<|>|\\[lg]eq?(?![a-z])|\\ne(?:q)?(?![a-z])|\\approx|\\pm|\\sim(?![a-z])")
_FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        "sin cos tan cot sec csc arcsin arccos arctan log ln exp lim max min gcd lcm det mod and or"
        " pi sqrt inf infinity frac if cm mm km",
    )
)
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def comparable(gold: str, answer: str) -> bool:
    """Whether math-verify may be asked: it must not pass over what changes the answer.

    A ratio, an index such as a base, and an empty argument count with the gold's alone; relations
    are no numbers; prose is no formula.
    """
    if gold.count(":") != answer.count(":") or _INDEX.findall(gold) != _INDEX.findall(answer):
        return False
    if _EMPTY.search(answer) or prose(answer) > max(1, prose(gold)) or "?" in answer:
        return False
    if _NO_UNIT_WORD.search(answer) and not _NO_UNIT_WORD.search(gold):
        return False
    if bool(_ELLIPSIS.search(gold)) != bool(_ELLIPSIS.search(answer)):
        return False
    return not (_INTEGER.fullmatch(gold) and _RELATION.search(answer))


def prose(text: str) -> int:
    """How many words a formula has that are no functions; of commands and their names none."""
    words = _WORD.findall(_COMMAND.sub(" ", re.sub(r"\\(?:begin|end)\{\w+\*?\}", " ", text)))
    return sum(word.lower() not in _FUNCTIONS for word in words)
