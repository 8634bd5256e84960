"""`python_coder`: run Python in the sandbox and read what it prints.

    text = await PythonCoder().ainvoke({"code": "4738 * 37"})     # "175306"

The text is what the code prints followed, as in a notebook, by the value of the last expression
(as `print` would show it) unless that is None. The code runs once, in one namespace, as
`__main__`. Where no sandbox passed its canaries the tool answers `unavailable` and runs nothing.
Concept: the Python Coder of AgentFlow (arXiv 2510.05592, section 4).
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from langchain_core.tools import ArgsSchema
from pydantic import BaseModel, Field

from tools import result
from tools.base import Example, FlowTool
from tools.result import ToolResult
from tools.sandbox import choose
from tools.sandbox.protocol import Execution, Limits, Sandbox

_FENCED = re.compile(r"^\s*```[ \t]*(?:python3?|py)?[ \t]*\n(.*?)(?:\n?[ \t]*```.*)?$", re.DOTALL)
NOTHING = "the code ran and printed nothing: print the result or end with an expression"


class Code(BaseModel):
    """Arguments of `python_coder`."""

    code: str = Field(description="A complete Python program; print the result or end with it")


class PythonCoder(FlowTool):
    """Runs code in `sandbox` (default: the best one that holds here) under `limits`."""

    name: str = "python_coder"
    description: str = (
        "Runs a Python program and returns what it prints and the value of its last expression. "
        "The standard library, numpy and sympy can be imported."
    )
    args_schema: ArgsSchema | None = Code
    # `Any`: pydantic can check no Protocol; `choose.auto` and the tests give real ones.
    sandbox: Any = Field(default_factory=lambda: choose.auto(), exclude=True)
    limits: Limits = Limits()

    when_to_use: ClassVar[str] = "arithmetic, counting, dates, algebra, anything exact"
    bounds: ClassVar[str] = (
        "no network, no files but its own scratch folder, nothing kept between calls; "
        "10 s, 1 GiB of memory"
    )
    examples: ClassVar[tuple[Example, ...]] = (
        ('{"code": "4738 * 37"}', "175306"),
        (
            '{"code": "import sympy\\nx = sympy.Symbol(\'x\')\\nprint(sympy.solve(x**2 - 4, x))"}',
            "[-2, 2]",
        ),
    )

    async def answer(self, code: str) -> ToolResult:
        """Run `code` once and put the outcome into words."""
        sandbox: Sandbox = self.sandbox
        execution = await sandbox.run(unfenced(code), self.limits)
        return worded(execution, self.limits)


def unfenced(code: str) -> str:
    """`code` without the Markdown fence that models like to put around it."""
    match = _FENCED.match(code)
    return match[1] if match else code


def worded(execution: Execution, limits: Limits) -> ToolResult:
    """The outcome of a run as the planner reads it."""
    printed = _joined(execution.stdout, execution.value or "")
    match execution.status:
        case "ok":
            return result.ok(printed or NOTHING)
        case "timeout":
            advice = f"{execution.error}: make the computation smaller or choose a faster method"
            return result.timeout(_joined(printed, advice))
        case "memory":
            size = limits.memory >> 20
            advice = f"MemoryError: the code needs more than {size} MiB: keep less in memory"
            return result.error(_joined(printed, advice))
        case "output_limit":
            return result.error(_joined(printed, f"{execution.error}: write less"))
        case "error":
            return result.error(_joined(printed, execution.error))
        case "unavailable":
            return result.unavailable(execution.error)


def _joined(*parts: str) -> str:
    return "\n".join(part.rstrip("\n") for part in parts if part.strip())
