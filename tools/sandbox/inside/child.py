"""The far side: one forked process, one program, one namespace, then the end.

Runs inside the sandbox. The code comes by a descriptor that no other process has. What the child
finds out goes as JSON to a pipe; the supervisor and we treat that as the program's own words, no
more.
"""

from __future__ import annotations

import ast
import atexit
import fcntl
import json
import os
import signal
import sys
import threading
import traceback
import types
from dataclasses import dataclass
from typing import Any, NoReturn, TextIO

from tools.sandbox.inside import cage

CAGED = b"+"
"""First byte of a report: the walls stood before the program started. Nothing can unwrite it."""

_REPORT = 3
_FIRST_FREE = 10
_FILE = "<code>"


@dataclass(frozen=True)
class Task:
    """All a child needs; `pipes` are the ends it writes to: stdout, stderr, report."""

    code: int
    """A descriptor: the program's text, from its start to its end."""
    output: int
    walls: cage.Cage
    pipes: tuple[int, ...]
    parent: int
    rules: bytes | None


def run(task: Task) -> NoReturn:
    """Arrange the process, lock it, run the program, report, and exit."""
    try:
        code = _arrange(task)
        cage.lock(task.walls, task.rules)
        os.chdir(task.walls.workdir)  # not before: the walls may include a mount on it
    except BaseException as fault:
        os.write(_REPORT, f"{type(fault).__name__}: {fault}".encode())
        os._exit(1)
    os.write(_REPORT, CAGED)
    report = _report(code, task.output)
    _leave()
    os.write(_REPORT, json.dumps(report).encode())
    os._exit(0)


def _arrange(task: Task) -> str:
    """Descriptors, signals, streams and folders as the program finds them; returns its text."""
    stdin = os.open(os.devnull, os.O_RDONLY)
    # Moved up first, so that no end is overwritten before it is where it belongs.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, _FIRST_FREE) for end in (stdin, *task.pipes)]
    with os.fdopen(task.code, "rb") as file:
        code = file.read().decode("utf-8", "surrogatepass")
    for target, source in enumerate(ends):
        os.dup2(source, target)
    os.closerange(4, 1 << 16)
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cage.die_with_parent(task.parent)
    for name in ("HOME", "TMPDIR"):
        os.environ[name] = task.walls.workdir
    sys.path.insert(0, task.walls.workdir)
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    sys.set_int_max_str_digits(0)  # the processor limit bounds what a conversion may cost
    return code


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


def _leave() -> None:
    """What an interpreter does at its end: flush, wait for threads, call what waits for it, flush.

    A program may have closed or replaced any of it; what is left to say goes into the report.
    """
    _flush()
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    _flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
