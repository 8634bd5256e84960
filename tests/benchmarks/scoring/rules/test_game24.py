"""Game of 24: any valid expression, and nothing else."""

from fractions import Fraction

import pytest
from hostile import texts
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.scoring.scorers import game24


@pytest.mark.parametrize(
    ("numbers", "reply"),
    [
        ([1, 1, 1, 8], "(1+1+1)×8"),
        ([1, 1, 1, 8], "(1+1+1)x8 = 24"),
        ([1, 1, 1, 8], "```\n(1+1+1)*8\n```"),
        ([1, 1, 1, 8], "\\[\n(1+1+1)*8\n\\]"),
        ([1, 1, 1, 8], "24 = 8 * (1 + 1 + 1)"),
        ([1, 1, 1, 8], "8(1+1+1)"),
        ([1, 1, 1, 8], "(1+1+1)*8 = 3*8 = 24."),
        ([1, 1, 1, 8], r"$(1+1+1) \times 8 = 24$"),
        ([1, 1, 1, 8], r"\boxed{\left(1+1+1\right)\cdot 8}"),
        ([1, 1, 1, 8], "**(1+1+1)*8**"),
        ([1, 1, 1, 8], "So the expression is: `(1+1+1)*8`"),
        ([1, 1, 1, 8], "<answer>[1+1+1]*8</answer>"),
        ([1, 3, 4, 6], "6÷(1−3÷4)"),
        ([1, 3, 4, 6], r"\frac{6}{1-\frac{3}{4}} = 24"),
        ([1, 3, 4, 6], r"6 \div (1 - \dfrac{3}{4})"),
        ([3, 3, 8, 8], "8/(3-8/3)"),
        ([1, 2, 4, 11], "(11+1)×(4-2)"),
        ([1, 2, 3, 4], "1*2*3*4 ≈ 24"),
        ([1, 2, 3, 4], "1*2*3*4 == 24"),
    ],
)
def test_right_expressions(numbers: list[int], reply: str) -> None:
    assert game24(numbers, reply).value == 1.0


@pytest.mark.parametrize(
    "reply",
    [
        *("", "24", "2*3*4", "1*2*3*5", "1*2*3*4*1", "1*2*3*4+1-1", "24/1", "4!", "4! + (1-1)"),
        *("4**2+3*1+5", "2**3*(4-1)", "2^3*(4-1)", "1**2*3*4*2", "1*2*3*4//1", "1*2*3*4%25"),
        *("-1*-2*3*4", "+1*2*3*4", "~1*2*3*4", "(-1)*(-2)*3*4", "--1*2*3*4"),
        *("12*(3-1)", "1_2*3*4", "0x1*2*3*4", "1e0*2*3*4", "1.0*2*3*4", "01*2*3*4", "1 2*3*4"),
        *("abs(1*2*3*4)", "f(1,2)*3*4", "1*2*3*4 if 1 else 0", "[1*2*3*4][0]", "1*2*3"),
        *("1*2*3*4 = 25", "1*2*3*4 = 24 = 25", "1*2*3*4 = ", "="),
        *("4/(1-1)*2*3", "1*2*3*4 and 24", "(1*2*3*4", "1*2*3*4)", "1⋅2⋅3⋅4⋅", "__import__('os')"),
    ],
)
def test_wrong_expressions_for_1_2_3_4(reply: str) -> None:
    assert game24([1, 2, 3, 4], reply).value == 0.0


def test_the_target_may_be_another() -> None:
    assert game24([1, 2, 3, 4], "1+2+3+4", target=10).value == 1.0
    assert game24([1, 2, 3, 4], "1+2+3+4").value == 0.0


def test_no_numbers_are_an_error() -> None:
    with pytest.raises(ValueError, match="numbers is empty"):
        game24([], "24")


@st.composite
def expressions(draw: st.DrawFn) -> tuple[str, list[int], Fraction]:
    """A random expression with its numbers and its value, written down by another way."""
    parts = [
        (str(n), [n], Fraction(n))
        for n in draw(st.lists(st.integers(1, 13), min_size=1, max_size=5))
    ]
    while len(parts) > 1:
        (a, used, x), (b, more, y) = parts.pop(), parts.pop()
        sign = draw(st.sampled_from("+-*/" if y else "+-*"))
        value = {"+": x + y, "-": x - y, "*": x * y, "/": x / (y or 1)}[sign]
        parts.insert(draw(st.integers(0, len(parts))), (f"({a}{sign}{b})", used + more, value))
    return parts[0]


@given(expressions(), st.integers(1, 1000))
def test_a_valid_expression_counts_for_its_own_value_alone(
    made: tuple[str, list[int], Fraction], other: int
) -> None:
    text, numbers, value = made
    assume(value.denominator == 1)
    assert game24(numbers, text, target=int(value)).value == 1.0
    assert game24(numbers[::-1], f"<answer>{text}</answer>", target=int(value)).value == 1.0
    assert game24(numbers, text, target=int(value) + other).value == 0.0
    assert game24([*numbers, other], text, target=int(value)).value == 0.0


@given(texts)
def test_no_reply_raises(reply: str) -> None:
    assert game24([2, 3, 4, 6], reply).value in (0.0, 1.0)


@pytest.mark.parametrize("fragment", ["(", "1+", "(1)", "-", r"\frac{", "{}", "9", "=", "1=", "**"])
@pytest.mark.parametrize("times", [80, 50_000])
def test_deep_and_long_replies_are_wrong(fragment: str, times: int) -> None:
    assert game24([1, 2, 3, 4], fragment * times).value == 0.0
