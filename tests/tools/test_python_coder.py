from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult

from tools.catalog.catalog import card
from tools.python_coder import NOTHING, PythonCoder, block, strip_fence
from tools.sandbox.protocol import Execution, ExecutionStatus, Limits
from tools.sandbox.warm import WarmSandbox


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
async def test_what_the_planner_reads(sandbox: WarmSandbox, code: str, text: str) -> None:
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
            "print('a\\0b')\nopen('/etc/gone')",
            "a\\x00b\nFileNotFoundError: [Errno 2] No such file or directory: '/etc/gone'",
        ),
    ],
)
async def test_errors_are_one_line(sandbox: WarmSandbox, code: str, text: str) -> None:
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


async def test_long_output_is_shortened(sandbox: WarmSandbox) -> None:
    text, _ = await PythonCoder(sandbox=sandbox)._arun(code="print('ab' * 20000)")
    assert len(text) == 3500
    assert "characters left out" in text


def test_fences_go_and_code_stays() -> None:
    assert strip_fence("```py\nprint(1)\n```\nDone.") == "print(1)"
    assert strip_fence("```\nprint(1)") == "print(1)"
    assert strip_fence("s = '''\n```\n'''") == "s = '''\n```\n'''"


class Fails(BaseChatModel):
    """A model whose client quotes the key in its error."""

    @property
    def _llm_type(self) -> str:
        return "fails"

    def _generate(self, *_: object, **__: object) -> ChatResult:
        raise RuntimeError("incorrect API key sk-planted-0123456789")


def writer(reply: str) -> BaseChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage(reply)]))


async def test_a_task_in_words_is_written_and_run_once(sandbox: WarmSandbox) -> None:
    reply = "Sure:\n```python\nprint(sum(range(101)))\n```\nThat adds.\n```\nprint(2)\n```"
    coder = PythonCoder(sandbox=sandbox, model=writer(reply))
    text, result = await coder._arun(code="the sum of the numbers up to 100")
    assert (text, result["status"]) == ("5050", "ok")
    assert result["data"]["code"] == "print(sum(range(101)))"
    assert result["data"]["stdout"] == "5050\n"


async def test_a_written_program_that_fails_is_shown(sandbox: WarmSandbox) -> None:
    coder = PythonCoder(sandbox=sandbox, model=writer("```python\n1 / 0\n```"))
    text, result = await coder._arun(code="divide one by zero")
    assert (text, result["status"]) == ("ZeroDivisionError: division by zero", "error")
    assert result["data"]["code"] == "1 / 0"


async def test_a_program_is_not_given_to_the_model(sandbox: WarmSandbox) -> None:
    coder = PythonCoder(sandbox=sandbox, model=Fails())
    for code, status in (
        ("4738 * 37", "ok"),
        ("x", "error"),
        ("compile('a b', '', 'exec')", "error"),
    ):
        _, result = await coder._arun(code=code)
        assert result["status"] == status
        assert "code" not in result["data"]


async def test_a_task_without_a_model_is_a_syntax_error(sandbox: WarmSandbox) -> None:
    _, result = await PythonCoder(sandbox=sandbox)._arun(code="the sum of 1 and 2")
    assert (result["status"], result["text"]) == ("error", "SyntaxError: invalid syntax")


async def test_an_empty_reply_of_the_model_is_an_error(sandbox: WarmSandbox) -> None:
    coder = PythonCoder(sandbox=sandbox, model=writer("```python\n```"))
    text, result = await coder._arun(code="the sum of 1 and 2")
    assert result["status"] == "error"
    assert "wrote no program for 'the sum of 1 and 2'" in text


async def test_a_failing_model_is_an_error_without_its_key(
    sandbox: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789")
    text, result = await PythonCoder(sandbox=sandbox, model=Fails())._arun(code="add 1 and 2")
    assert result["status"] == "error"
    assert text == "python_coder failed: RuntimeError: incorrect API key [hidden]"


async def test_the_card_speaks_of_the_model_only_if_there_is_one() -> None:
    sandbox = Fixed(Execution("ok"))
    plain, writes = PythonCoder(sandbox=sandbox), PythonCoder(sandbox=sandbox, model=Fails())
    assert "in words" not in card(plain)
    assert card(writes).count("in words") == 2
    schema: Any = writes.tool_call_schema
    assert schema.model_json_schema()["required"] == ["code"]


async def test_an_artifact_is_plain_json(sandbox: WarmSandbox) -> None:
    code = "import os\nos.write(1, bytes(range(256)))\n'\\ud800\\x1b[2J'"
    _, result = await PythonCoder(sandbox=sandbox)._arun(code=code)
    assert json.loads(json.dumps(result).encode()) == result
    assert result["data"]["value"] == "\\ud800\\x1b[2J"
    assert "\x1b" not in result["text"] + result["data"]["stdout"]


async def test_a_flood_of_bytes_stays_small(sandbox: WarmSandbox) -> None:
    code = "import os\nfor _ in range(2000): os.write(1, os.urandom(1 << 20))"
    text, result = await PythonCoder(sandbox=sandbox)._arun(code=code)
    assert result["status"] == "error"
    assert len(text) == 3500
    assert text.endswith("printed more than 65536 bytes: write less")
    assert len(json.dumps(result)) < 20 * (64 << 10)


async def test_what_is_missing_is_told() -> None:
    broken = Fixed(Execution("unavailable", error="apt install bubblewrap"))
    assert await PythonCoder(sandbox=broken).missing() == "apt install bubblewrap"
    assert await PythonCoder(sandbox=Fixed(Execution("ok"))).missing() == ""


def test_the_first_block_of_a_reply_is_taken() -> None:
    assert block("```python\na\n```\n```\nb\n```") == "a"
    assert block("```\na = 1") == "a = 1"
    assert block("print(1)") == "print(1)"
