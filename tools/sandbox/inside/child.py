"""The far side: one forked process, one program, one namespace, then the end.

Runs inside the sandbox. What it finds out goes as JSON to a pipe; the zygote and we treat that as
the program's own words, no more.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import sys
import traceback
import types
from dataclasses import dataclass
from typing import Any, NoReturn, TextIO

from tools.sandbox.inside import cage

CAGED = b"+"
"""First byte of a report: the walls stood before the program started. Nothing can unwrite it."""

_REPORT = 3
_FILE = "<code>"


@dataclass(frozen=True)
class Task:
    """All a child needs; `pipes` are the ends it writes to: stdout, stderr, report."""

    code: str
    output: int
    walls: cage.Cage
    pipes: tuple[int, int, int]
    parent: int
    rules: Any


def run(task: Task) -> NoReturn:
    """Arrange the process, lock it, run the program, report, and exit."""
    try:
        _arrange(task)
        cage.lock(task.walls, task.rules)
        os.chdir(task.walls.workdir)  # not before: the walls may include a mount on it
    except BaseException as fault:
        os.write(_REPORT, f"{type(fault).__name__}: {fault}".encode())
        os._exit(1)
    os.write(_REPORT, CAGED)
    report = _report(task.code, task.output)
    _flush()
    os.write(_REPORT, json.dumps(report).encode())
    os._exit(0)


def _arrange(task: Task) -> None:
    stdin = os.open(os.devnull, os.O_RDONLY)
    # The zygote holds the pipes above 9, so no end is overwritten before it is moved.
    for target, source in enumerate((stdin, *task.pipes)):
        os.dup2(source, target)
    os.closerange(4, 4096)
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cage.die_with_parent(task.parent)
    for name in ("HOME", "TMPDIR"):
        os.environ[name] = task.walls.workdir
    sys.path.insert(0, task.walls.workdir)
    sys.stdout, sys.stderr = _stream(1), _stream(2)


def _stream(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", closefd=False)


def _report(code: str, output: int) -> dict[str, Any]:
    try:
        program, last = _compiled(code)
    except (SyntaxError, ValueError) as fault:
        return {**_failed(fault), "ran": False}
    except MemoryError:
        return {"status": "memory", "ran": False}
    try:
        shown = _evaluate(program, last)
    except MemoryError:
        return {"status": "memory"}
    except SystemExit as stop:
        return _exited(stop)
    except BaseException as fault:
        return _failed(fault)
    if shown is not None and len(shown) > output:
        return {"status": "output_limit", "value": shown[:output]}
    return {"status": "ok", "value": shown}


def _compiled(code: str) -> tuple[types.CodeType, types.CodeType | None]:
    """The program, and the expression that it may end with."""
    tree = ast.parse(code, _FILE)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    program = compile(tree, _FILE, "exec")
    if not isinstance(last, ast.Expr):
        return program, None
    return program, compile(ast.Expression(last.value), _FILE, "eval")


def _evaluate(program: types.CodeType, last: types.CodeType | None) -> str | None:
    """Run the program as `__main__`; `str()` of the last expression's value, if it has one."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(program, main.__dict__)
    value = None if last is None else eval(last, main.__dict__)
    return None if value is None else str(value)


def _exited(stop: SystemExit) -> dict[str, Any]:
    if stop.code is None or stop.code == 0:
        return {"status": "ok", "value": None}
    return {"status": "error", "error": f"SystemExit: {stop.code}"}


def _failed(fault: BaseException) -> dict[str, Any]:
    frames = fault.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != _FILE:
        frames = frames.tb_next
    lines = traceback.format_exception(type(fault), fault, frames)
    sys.stderr.write("".join(lines))
    summary = traceback.format_exception_only(fault)[-1].strip()
    return {"status": "error", "error": summary}


def _flush() -> None:
    # A program may have closed or replaced them; what is left to say goes into the report.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
