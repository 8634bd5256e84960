from __future__ import annotations

import pytest

from tools.python_coder import NOTHING, PythonCoder, unfenced
from tools.sandbox.landlock import LandlockSandbox
from tools.sandbox.protocol import Execution, ExecutionStatus, Limits


class Fixed:
    """A sandbox with one answer."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    async def run(self, code: str, limits: Limits) -> Execution:
        return self.execution

    async def close(self) -> None:
        return None


RECURSION = """
from functools import cache

@cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def main():
    import math
    print(helper(math.gcd(12, 18)))

def helper(n):
    return fib(n * 5)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("4738 * 37", "175306"),
        ("print(3)", "3"),
        ("print(3)\n4", "3\n4"),
        ("x = 'Paris'\nx", "Paris"),
        ("x = 1", NOTHING),
        ("None", NOTHING),
        ("", NOTHING),
        (RECURSION, "832040"),
        ("```python\nprint(1)\n```", "1"),
        ("import sys\nprint(1)\nsys.exit()\nprint(2)", "1"),
        ("[i for i in range(3)]", "[0, 1, 2]"),
        ("from fractions import Fraction\nFraction(1, 2)", "1/2"),
    ],
)
async def test_what_the_planner_reads(sandbox: LandlockSandbox, code: str, text: str) -> None:
    got, result = await PythonCoder(sandbox=sandbox)._arun(code=code)
    assert (got, result["status"]) == (text, "ok")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("x", "NameError: name 'x' is not defined"),
        ("print(1)\n1 / 0", "1\nZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("import sys\nsys.exit('no')", "SystemExit: no"),
        ("input()", "EOFError: EOF when reading a line"),
        (
            "print('a\\0b')\nopen('/etc/shadow')",
            "a\\x00b\nPermissionError: [Errno 13] Permission denied: '/etc/shadow'",
        ),
    ],
)
async def test_errors_are_one_line(sandbox: LandlockSandbox, code: str, text: str) -> None:
    got, result = await PythonCoder(sandbox=sandbox)._arun(code=code)
    assert (got, result["status"]) == (text, "error")


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("timeout", "timeout"),
        ("memory", "error"),
        ("output_limit", "error"),
        ("unavailable", "unavailable"),
    ],
)
async def test_every_status_has_words(status: ExecutionStatus, wanted: str) -> None:
    coder = PythonCoder(sandbox=Fixed(Execution(status, stdout="so far\n", error="why")))
    text, result = await coder._arun(code="1")
    assert result["status"] == wanted
    assert text


async def test_long_output_is_shortened(sandbox: LandlockSandbox) -> None:
    text, _ = await PythonCoder(sandbox=sandbox)._arun(code="print('ab' * 20000)")
    assert len(text) == 3500
    assert "characters left out" in text


def test_fences_go_and_code_stays() -> None:
    assert unfenced("```py\nprint(1)\n```\nDone.") == "print(1)"
    assert unfenced("```\nprint(1)") == "print(1)"
    assert unfenced("s = '''\n```\n'''") == "s = '''\n```\n'''"
