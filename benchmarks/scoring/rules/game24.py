r"""Game of 24: any valid expression counts, computed with exact fractions.

    game24([1, 3, 4, 6], r"\boxed{\frac{6}{1-\frac{3}{4}} = 24}").value   # 1.0

The text is read by `ast.parse` and never evaluated: only `+ - * /`, brackets and whole numbers.
"""

from __future__ import annotations

import ast
import operator
import re
import unicodedata
from collections.abc import Callable, Sequence
from fractions import Fraction

from agentflow_graph.replies.marks.retraction import HEDGED
from agentflow_graph.replies.marks.wrappings import unwrapped
from benchmarks.scoring.rules.answer import Reply, Score, reading

LONGEST = 300
"""Characters of an answer that are read; four numbers need no more."""

_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_SIGNS = (
    (r"\\(?:times|cdot|ast|star)(?![a-zA-Z])|[×·⋅∙•✕✖⨯∗⁎xX]", "*"),
    (r"\\div(?![a-zA-Z])|[÷∕⁄➗]", "/"),
    (r"[\u2212\u2010-\u2014\u2796\ufe63]", "-"),
    ("\u2795", "+"),
    (r"\u2248|\\approx(?![a-zA-Z])|==|\u2192|\bequals\b|\bis\b(?=\s*[0-9]+\W*$)", "="),
    (r"&|\\\\(?=\s*&?\s*=)", " "),
    (r"\\(?:left|right|displaystyle|[bB]igg?[lr]?)(?![a-zA-Z])|\\[()\[\],;!: ]|[$`]", " "),
    (r"\\[dtc]?frac(?![a-zA-Z])", "#"),
)
_FRACTION = re.compile(r"#\s*(\{[^{}]*\}|[0-9])\s*(\{[^{}]*\}|[0-9])")
_BRACKETS = str.maketrans("[]{}", "()()")
_BESIDE = re.compile(r"(?<=[0-9)])(\s*)(?=\()|(?<=\))(\s*)(?=[0-9])")
_ARITHMETIC = re.compile(r"[0-9+\-*/()\s]+")
# Words around an expression: what leads to it, what is said behind it.
_BEFORE = re.compile(r"\A(?P<said>[^0-9(\[{\\$+*/=-]*[\s:]|\s*[-*]\s)\s*(?=[0-9(\[{\\$])")
_AFTER = re.compile(
    r"[\s,;]*(?:[\u2705\u2713\u2714]|\((?=[^()]*[a-z]{3})[^()]*\)"
    r"|(?:using|which|uses|where|so)\b.*)\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_DECIMAL = re.compile(r"(?<![0-9.])[0-9]*\.[0-9]+(?![0-9.])")
CLOSE = Fraction(2, 100)
"""How far a step with decimals, which are rounded, may be from the target, as a part of it."""


def game24(numbers: Sequence[int], reply: Reply, target: int = 24) -> Score:
    r"""1.0 if the answer is an expression of `target` that uses each of `numbers` exactly once.

    Read are × ÷ x, `\times`, `\div`, `\frac{}{}`, brackets of any kind and a product without a
    sign, as in `8(1+1+1)`. Steps joined by `=` must all come to `target`; one with decimals, as in
    `6/(1-3/4) = 6/0.25`, roughly. Signs in front of a number, powers, whole-number division and
    calls are no valid expression.

    Args:
        numbers: the numbers given, with repetitions.
        reply: the whole reply of a model, or what was read from it.
        target: what the expression must come to.

    Raises:
        ValueError: `numbers` is empty.
    """
    if not numbers:
        raise ValueError("numbers is empty, so no expression could be right: repair the data set")
    answer, where = reading(reply)
    readings = {answer, unwrapped(answer.rpartition(":")[2]), unwrapped(_bare(answer))}
    return Score(float(any(_solves(numbers, text, target) for text in readings)), answer, where)


def _bare(answer: str) -> str:
    """An expression without the words around it, unless they deny it."""
    before = _BEFORE.match(answer)
    if before and HEDGED.search(before["said"]):
        return answer
    return _AFTER.sub("", answer[before.end() :] if before else answer)


def _solves(numbers: Sequence[int], text: str, target: int) -> bool:
    if len(text) > LONGEST:
        return False
    steps = [step.strip() for step in _plain(unwrapped(text).rstrip(".,;")).split("=")]
    valid = [_value(step) for step in steps if not _DECIMAL.search(step)]
    rough = [_value(_exact(step)) for step in steps if _DECIMAL.search(step)]
    if any(step is None or step[0] != target for step in valid):
        return False
    if any(step is None or abs(step[0] - target) > CLOSE * abs(target) for step in rough):
        return False
    return any(step is not None and step[1] == sorted(numbers) for step in valid)


def _exact(step: str) -> str:
    """A step with its decimals as fractions."""
    return _DECIMAL.sub(lambda number: f"({Fraction(number[0])})", step)


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.replace("\u2044", "/"))
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    while (simpler := _FRACTION.sub(_quotient, text)) != text:
        text = simpler
    return _BESIDE.sub("*", text.translate(_BRACKETS)).strip()


def _quotient(fraction: re.Match[str]) -> str:
    over, under = (part.strip("{}") for part in fraction.groups())
    return f"(({over})/({under}))"


def _value(text: str) -> tuple[Fraction, list[int]] | None:
    """What an expression comes to and the numbers in it, sorted; None if it is not valid."""
    if not _ARITHMETIC.fullmatch(text):
        return None
    used: list[int] = []
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval")
        return _evaluate(tree.body, used), sorted(used)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _evaluate(node: ast.expr, used: list[int]) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        used.append(node.value)
        return Fraction(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _evaluate(node.left, used), _evaluate(node.right, used)
        return _OPERATIONS[type(node.op)](left, right)
    raise ValueError(f"{type(node).__name__} is no arithmetic")
