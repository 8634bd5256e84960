r"""Exact values of formulas that hold numbers alone, however large.

    exact_value("2^{100} - 1") == exact_value("1267650600228229401496703205375")   # True

The text is read by `ast.parse` and never evaluated: only + - * / ^, brackets and whole numbers.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

LARGEST = 20_000_000
"""Bits of a number that is still computed; a power above is another number than any below."""

_PLAIN = (
    (re.compile(r"\\left(?![a-z])|\\right(?![a-z])|\\[,;:! ]|[$~]"), " "),
    (re.compile(r"\\times(?![a-z])|\\cdot(?![a-z])"), "*"),
    (re.compile(r"\\div(?![a-z])"), "/"),
    (re.compile(r"(?<![0-9)}\s])\s*\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"((\1)/(\2))"),
    (re.compile(r"(?<![0-9)}\s])\s*\\[dtc]?frac\s*([0-9])\s*([0-9])"), r"(\1/\2)"),
)
_BRACKETS = str.maketrans("{}[]", "()()")
_ARITHMETIC = re.compile(r"[0-9+\-*/^()\s]+")
_BESIDE = re.compile(r"(?<=[0-9)])\s*(?=\()|(?<=\))\s*(?=[0-9])")
_DIGITS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def exact_value(formula: str) -> Fraction | None:
    """What the formula comes to; None where it holds anything but whole numbers.

    Raises:
        OverflowError: the value has more than `LARGEST` bits.
    """
    for pattern, plain in _PLAIN:
        formula = pattern.sub(plain, formula)
    if not _ARITHMETIC.fullmatch(formula := formula.translate(_BRACKETS)):
        return None
    text = _DIGITS.sub("", _BESIDE.sub("*", formula)).replace("^", "**").strip()
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Fraction(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _power(_value(node.left), _value(node.right))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(f"{type(node).__name__} is no arithmetic")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise ValueError("a root may be no fraction")
    if base in (1, -1):
        return base ** int(exponent % 2)
    if base == 0 and exponent > 0:
        return base
    bits = max(abs(base.numerator).bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > LARGEST:
        raise OverflowError("a power has too many digits")
    return Fraction(base ** int(exponent))
