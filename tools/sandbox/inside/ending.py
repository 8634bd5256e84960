"""What a program's end means: its wait status and its report as fields of an `Execution`."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from tools.sandbox.inside.child import CAGED

_STATUSES = ("ok", "error", "memory", "output_limit")


def told(
    state: int, cpu: float, report: bytes, limits: dict[str, Any], remedy: str
) -> dict[str, Any]:
    """Status, error and value of a program that nobody stopped.

    Args:
        state: its wait status.
        cpu: seconds of processor time.
        report: what it wrote on its report pipe, which it may have forged.
        limits: of the run.
        remedy: what to do where the sandbox cannot lock a child.
    """
    if not report.startswith(CAGED):
        reason = report.decode(errors="replace") or "the child ended before it was locked"
        error = f"the sandbox could not lock ({reason}): {remedy}"
        return {"status": "unavailable", "error": error}
    if os.WIFSIGNALED(state):
        return _signalled(os.WTERMSIG(state), cpu, limits["cpu"])
    code = os.waitstatus_to_exitcode(state)
    if report == CAGED:
        return {"status": "error", "error": f"exit status {code}"} if code else {"status": "ok"}
    return _reported(report[len(CAGED) :], limits["output"])


def _signalled(number: int, cpu: float, limit: float) -> dict[str, Any]:
    if number in (signal.SIGXCPU, signal.SIGKILL) and cpu >= limit - 0.5:
        return {"status": "timeout", "error": f"stopped after {limit:g} s of processor time"}
    return {"status": "error", "error": f"killed by {_name(number)}"}


def _reported(report: bytes, output: int) -> dict[str, Any]:
    """The report: only what has the right type is kept."""
    match _parsed(report):
        case {"status": str(status), **rest} if status in _STATUSES:
            value, error = rest.get("value"), rest.get("error")
            note = f"the value has more than {output} characters"
            return {
                "status": status,
                "value": value[:output] if isinstance(value, str) else None,
                "error": note if status == "output_limit" else str(error or ""),
                "ran": rest.get("ran") is not False,
            }
    return {"status": "error", "error": "the program garbled its own report"}


def _name(number: int) -> str:
    """Of a signal; real-time ones have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _parsed(report: bytes) -> Any:
    try:
        return json.loads(report)
    except (ValueError, RecursionError):
        return None
