"""Ctrl-C: one line, exit code 130, no traceback, nothing left running; twice ends at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from answering import Answering, Reply, Request
from launched import ROOT, environment
from scored_runs import run_with

pytestmark = pytest.mark.integration

SLEEP = '{"code": "import time; time.sleep(60)"}'
CODER = ("tools", "run", "python_coder", SLEEP, "--backend", "landlock")


def heard() -> None:
    """In the child: a shell in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def left_in(group: int) -> list[str]:
    found = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def interrupted(
    words: Sequence[str], ready: Callable[[], object], gap: float | None = None
) -> tuple[int, str, float]:
    """Exit code, standard error and seconds to the end; pressed twice where there is a gap."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heard,
    )
    try:
        until = time.monotonic() + 120
        while not ready() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        pressed = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        if gap is not None:
            time.sleep(gap)
            os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        seconds = time.monotonic() - pressed
        until = time.monotonic() + 10
        while left_in(process.pid) and time.monotonic() < until:
            time.sleep(0.05)
        assert left_in(process.pid) == []
        return process.returncode, err, seconds
    finally:
        if process.poll() is None or left_in(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def after(seconds: float) -> Callable[[], bool]:
    begun = time.monotonic()
    return lambda: time.monotonic() - begun > seconds


@pytest.mark.parametrize(
    "words",
    [
        CODER,
        ("tools", "check"),
        ("agentflow_graph", "What is 2 + 3?"),
        ("benchmarks", "list"),
        ("rl.report", "runs/none"),
    ],
    ids=lambda words: words[0],
)
def test_while_a_command_loads(words: Sequence[str]) -> None:
    code, err, seconds = interrupted(words, after(0.3))
    assert (code, err.count("\n")) == (130, 1) and err.startswith("interrupted")
    assert seconds < 10


def test_the_exit_code_stands_whatever_breaks_while_python_ends() -> None:
    """What was registered first runs last; it stands for threads that abort a dying interpreter."""
    program = (
        "import atexit, os, signal, sys\n"
        "atexit.register(os.abort)\n"
        "from tools.outcomes.interrupts import end, ended\n"
        "print('cleaned up')\n"
        "end(ended(lambda: signal.raise_signal(signal.SIGINT)))\n"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(
        words, env=environment(), capture_output=True, text=True, check=False, preexec_fn=heard
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "cleaned up\n", "interrupted\n")


@pytest.mark.parametrize("gap", [None, 0.1])
def test_a_tool_that_works(gap: float | None) -> None:
    code, err, seconds = interrupted(CODER, after(6.0), gap)
    assert (code, err) == (130, "interrupted\n")
    assert seconds < 15


@pytest.mark.parametrize("gap", [None, 0.02, 0.2])
def test_a_benchmark_says_how_to_go_on(gap: float | None, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("benchmarks", "run", "almanac", "--limit", "300", "--run", str(run))

    def answering() -> bool:
        return sum(path.stat().st_size for path in run.glob("record/*.jsonl")) > 20_000

    code, err, seconds = interrupted(words, answering, gap)
    assert code == 130
    assert err.splitlines()[-1] == f"interrupted; go on with `python -m benchmarks resume {run}`"
    assert "Traceback" not in err and "have no score" not in err
    assert seconds < (30 if gap is None else 10)


@pytest.mark.parametrize("gap", [None, 0.2])
def test_scoring_anew_says_how_to_go_on(gap: float | None, tmp_path: Path) -> None:
    """The judge answers when it is asked first, and then hangs."""

    def hangs(_: Request) -> Reply:
        choice = {"index": 0, "finish_reason": "stop"}
        choice["message"] = {"role": "assistant", "content": "ready"}
        frame = {"id": "x", "object": "chat.completion", "created": 0, "model": "judge"}
        return Reply(body={**frame, "choices": [choice]}, delay=20.0 * (len(server.asked) > 1))

    run = run_with(tmp_path / "run", ("", "0000"))
    with Answering(hangs) as server:
        words = ("benchmarks", "score", run, "--judge", f"vllm:judge@{server.url}")
        code, err, seconds = interrupted(words, lambda: len(server.asked) > 1, gap)
    assert (code, err.count("\n"), "Traceback" in err) == (130, 1, False)
    assert "interrupted; the same command goes on" in err
    assert seconds < 10
