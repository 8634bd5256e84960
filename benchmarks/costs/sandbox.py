"""What the sandbox costs: `python -m benchmarks.costs.sandbox` prints a table and one line of JSON.

* Milliseconds of one call that prints a word, and of one that factors a polynomial with sympy, for
  every backend that holds here, against a subprocess of the same Python without any wall,
  measured in turn in every round. Best and median: the best is the cost, the median the neighbours.
* The first call of a backend, which starts its zygote and imports numpy and sympy there.
* 64 calls at once: seconds until all are done, and how many failed.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median

from agentflow_graph.errors.outside import guard_output
from tools.sandbox.choose import SAFE
from tools.sandbox.protocol import Execution, Limits, Sandbox

AT_ONCE = 64
TARGET_RATIO = 4.0
BARE = "subprocess"
PROGRAMS = {
    "hello": ("print('hello')", "hello"),
    "sympy": ("import sympy\nprint(sympy.factor('x**2 - 1'))", "(x - 1)*(x + 1)"),
}
PATIENT = Limits(wall=60.0, cpu=30.0)
"""On a busy machine a program may take longer than the ten seconds it is given by default."""

Call = Callable[[str], Awaitable[str]]
"""Runs a program and gives what it printed; raises RuntimeError if it did not work."""


def subprocess_call() -> Call:
    """A new interpreter for every program, as `subprocess.run` starts it."""

    async def call(code: str) -> str:
        command = [sys.executable, "-I", "-c", code]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, check=True
        )
        return str(done.stdout)

    return call


def sandbox_call(sandbox: Sandbox) -> Call:
    """The same in a sandbox."""

    async def call(code: str) -> str:
        execution: Execution = await sandbox.run(code, PATIENT)
        if execution.status != "ok":
            raise RuntimeError(f"{execution.backend}: {execution.status}: {execution.error}")
        return execution.stdout

    return call


async def time_call(call: Call, program: str) -> float:
    """Milliseconds of one call."""
    code, wanted = PROGRAMS[program]
    begun = time.perf_counter()
    printed = await call(code)
    spent = 1000 * (time.perf_counter() - begun)
    if printed.strip() != wanted:
        raise RuntimeError(f"{program} printed {printed!r}, not {wanted!r}")
    return spent


async def latencies(calls: Mapping[str, Call], rounds: int) -> dict[str, list[float]]:
    """Milliseconds by `NAME PROGRAM`, every one measured once in every round."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for program in PROGRAMS:
            for name, call in calls.items():
                found.setdefault(f"{name} {program}", []).append(await time_call(call, program))
    return found


async def at_once(call: Call, program: str) -> tuple[float, int]:
    """(seconds until the last of `AT_ONCE` calls was done, how many failed)."""
    begun = time.perf_counter()
    outcomes = await asyncio.gather(
        *(time_call(call, program) for _ in range(AT_ONCE)), return_exceptions=True
    )
    failed = sum(isinstance(one, BaseException) for one in outcomes)
    return time.perf_counter() - begun, failed


async def measure(rounds: int) -> dict[str, float]:
    """All figures, and the table on the way."""
    figures: dict[str, float] = {}
    calls: dict[str, Call] = {BARE: subprocess_call()}
    sandboxes = {name: make() for name, make in SAFE.items()}
    for name, sandbox in sandboxes.items():
        try:
            first = await time_call(sandbox_call(sandbox), "hello")
        except RuntimeError as fault:
            print(f"{name:12} does not run here: {fault}")
            continue
        figures[f"{name} first call ms"] = first
        calls[name] = sandbox_call(sandbox)
    samples = await latencies(calls, rounds)
    for name, call in calls.items():
        figures |= _compare(name, samples)
        for program in PROGRAMS if name != BARE else ():
            seconds, failed = await at_once(call, program)
            figures[f"{name} {AT_ONCE} {program} s"] = seconds
            figures[f"{name} {AT_ONCE} {program} failed"] = failed
    for sandbox in sandboxes.values():
        await sandbox.close()
    return figures


def _compare(name: str, samples: Mapping[str, list[float]]) -> dict[str, float]:
    figures = {}
    for program in PROGRAMS:
        mine, reference = samples[f"{name} {program}"], samples[f"{BARE} {program}"]
        figures[f"{name} {program} ms"] = min(mine)
        figures[f"{name} {program} median ms"] = median(mine)
        figures[f"{name} {program} ratio"] = min(mine) / min(reference)
    return figures


def _table(figures: Mapping[str, float]) -> str:
    lines = [f"{'':12} {'hello':>20} {'sympy':>20} {'64 hello':>11} {'64 sympy':>11} {'first':>8}"]
    for name in (BARE, *SAFE):
        if f"{name} hello ms" not in figures:
            continue
        cells = [
            f"{figures[f'{name} {one} ms']:7.1f} ms x{figures[f'{name} {one} ratio']:<5.2f}"
            for one in PROGRAMS
        ]
        line = f"{name:12} {cells[0]:>20} {cells[1]:>20}"
        if name != BARE:
            line += "".join(f" {figures[f'{name} {AT_ONCE} {one} s']:9.2f} s" for one in PROGRAMS)
            line += f" {figures[f'{name} first call ms']:5.0f} ms"
        lines.append(line)
    failed = sum(value for name, value in figures.items() if name.endswith("failed"))
    lines.append(f"hello at most x{TARGET_RATIO:g} of {BARE}; failed of those at once: {failed:g}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs.sandbox")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    figures = asyncio.run(measure(args.rounds))
    print(_table(figures))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
