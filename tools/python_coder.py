"""`python_coder`: run Python in the sandbox and read what it prints.

    text = await PythonCoder().ainvoke({"code": "4738 * 37"})     # "175306"
    coder = PythonCoder(model=init_chat_model("openai:gpt-4o-mini"))
    text = await coder.ainvoke({"code": "the sum of the primes below 100"})     # "1060"

The text is what the code prints followed, as in a notebook, by the value of the last expression
(as `print` would show it) unless that is None. The code runs once, in one namespace, as
`__main__`. A text that is no Python is a task: the tool's model, if it has one, writes the program
for it, and that runs once. Where no sandbox passed its canaries the tool answers `unavailable` and
runs nothing. Concept: the Python Coder of AgentFlow (arXiv 2510.05592, section 4).
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any, ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import ArgsSchema
from pydantic import BaseModel, Field

from tools.base import Example, FlowTool
from tools.outcomes import result
from tools.outcomes.outside import shown
from tools.outcomes.result import ToolResult
from tools.sandbox import choose
from tools.sandbox.protocol import Execution, Limits, Sandbox

_FENCED = re.compile(r"^\s*```[ \t]*(?:python3?|py)?[ \t]*\n(.*?)(?:\n?[ \t]*```.*)?$", re.DOTALL)
_BLOCK = re.compile(r"^[ \t]*```[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
NOTHING = "the code ran and printed nothing: print the result or end with an expression"
ALGEBRA = find_spec("sympy") is not None
"""sympy comes with the extra `tools`; the sandbox has what is installed."""
LIBRARIES = "The standard library, numpy and sympy" if ALGEBRA else "The standard library and numpy"
PROMPT = """\
Write one complete Python program that does the task below and prints the result.
{libraries} can be imported; there is no network and no input.
Answer with one block of code between ```python and ``` and nothing else.

Task:
{task}"""


_EXAMPLE = (
    (
        '{"code": "import sympy\\nx = sympy.Symbol(\'x\')\\nprint(sympy.solve(x**2 - 4, x))"}',
        "[-2, 2]",
    )
    if ALGEBRA
    else ('{"code": "from math import comb\\nprint(comb(49, 6))"}', "13983816")
)


class Code(BaseModel):
    """Arguments of `python_coder`."""

    code: str = Field(description="A complete Python program; print the result or end with it")


class CodeOrTask(BaseModel):
    """Arguments of a `python_coder` that has a model."""

    code: str = Field(description="A complete Python program, or what it should do, in words")


class PythonCoder(FlowTool):
    """Runs code in `sandbox` (default: the best one that holds here) under `limits`.

    `data` of the result: `backend`, `status` (of the run), `stdout`, `stderr`, `value`,
    `milliseconds`, and `code` if `model` wrote it.
    """

    name: str = "python_coder"
    description: str = (
        "Runs a Python program and returns what it prints and the value of its last expression. "
        f"{LIBRARIES} can be imported."
    )
    args_schema: ArgsSchema | None = Code
    # `Any`: pydantic can check no Protocol; `choose.get_sandbox` and the tests give real ones.
    sandbox: Any = Field(default_factory=lambda: choose.get_sandbox("auto"), exclude=True)
    limits: Limits = Limits()
    model: BaseChatModel | None = None

    when_to_use: ClassVar[str] = "arithmetic, counting, dates, algebra, anything exact"
    bounds: ClassVar[str] = (
        "no network, no files but its own scratch folder, nothing kept between calls; "
        "10 s, 1 GiB of memory"
    )
    examples: ClassVar[tuple[Example, ...]] = (
        ('{"code": "4738 * 37"}', "175306"),
        _EXAMPLE,
    )

    def model_post_init(self, context: Any, /) -> None:
        """Tell the planner of the model, if there is one."""
        super().model_post_init(context)
        if self.model is not None and not self.model_fields_set & {"description", "args_schema"}:
            self.description += " Given a task in words instead, it writes the program itself."
            self.args_schema = CodeOrTask

    async def answer(self, code: str) -> ToolResult:
        """Run `code` once, or the program for it, and put the outcome into words."""
        sandbox: Sandbox = self.sandbox
        execution = await sandbox.run(strip_fence(code), self.limits)
        written = ""
        if self.model is not None and not execution.ran:
            reply = await self.model.ainvoke(PROMPT.format(task=code, libraries=LIBRARIES))
            written = block(reply.text)
            if not written:
                return result.error(
                    f"the model of python_coder wrote no program for {code[:80]!r}: "
                    "give the program itself, or put the task in other words"
                )
            execution = await sandbox.run(written, self.limits)
        answer = to_result(execution, self.limits)
        answer["data"] = facts(execution) | ({"code": shown(written)} if written else {})
        return answer

    async def missing(self) -> str:
        """Why no code runs here, with the remedy; empty where it does."""
        execution = await self.sandbox.run("", self.limits)
        return str(execution.error) if execution.status == "unavailable" else ""


def strip_fence(code: str) -> str:
    """`code` without the Markdown fence that models like to put around it."""
    match = _FENCED.match(code)
    return match[1] if match else code


def block(reply: str) -> str:
    """The program in a model's reply: its first fenced block, else all of it."""
    match = _BLOCK.search(reply)
    return (match[1] if match else strip_fence(reply)).strip()


def facts(execution: Execution) -> dict[str, Any]:
    """A run as plain JSON, its texts made visible; each is bounded by the limit of the output."""
    value = execution.value
    return {
        "backend": execution.backend,
        "status": execution.status,
        "stdout": shown(execution.stdout),
        "stderr": shown(execution.stderr),
        "value": None if value is None else shown(value),
        "milliseconds": round(execution.milliseconds, 3),
    }


def to_result(execution: Execution, limits: Limits) -> ToolResult:
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
