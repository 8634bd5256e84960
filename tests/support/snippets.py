"""The blocks of code in a document."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import re
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).parents[2]


def blocks(document: str, language: str) -> list[str]:
    """The blocks of one language, in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def promised(block: str) -> list[str]:
    """What a block says that it prints: behind `print(...)`, or in comments that end it."""
    behind = re.findall(r"^ *print\(.*\)  # (.*)$", block, re.MULTILINE)
    return behind or re.findall(r"^# (.*)$", block, re.MULTILINE)


async def printed(block: str, names: dict[str, Any]) -> list[str]:
    """Run a block, whose `await` stands where it may in a notebook; the lines that it prints."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(block, "a block", "exec", flags=flags)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        done = eval(code, names)
        if inspect.isawaitable(done):
            await done
    return out.getvalue().splitlines()
