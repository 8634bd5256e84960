"""The command line asks in a terminal before a tool is called."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUESTION = "What is 6 * 7?"


def in_terminal(*answers: str) -> tuple[int, str]:
    """Exit code and all that was shown, where each question is answered in turn."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agentflow_graph", QUESTION, "--set", "approve=all"]
    settings = ["--set", "max_turns=1", "--set", "temperature=0.01"]
    with subprocess.Popen(
        [*command, *settings], stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT
    ) as process:
        os.close(theirs)
        shown, left, end = "", list(answers), time.monotonic() + 90
        while time.monotonic() < end:
            try:
                data = os.read(ours, 4096)
            except OSError:  # the other side is closed: the program has ended
                break
            shown += data.decode(errors="replace")
            if left and shown.count("as JSON: ") > len(answers) - len(left):
                os.write(ours, f"{left.pop(0)}\n".encode())
        code = process.wait(30)
    os.close(ours)
    return code, shown.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (["no, not today"], "a person refused this call (not today)"),
        (["perhaps", "no"], "was not understood"),
        (["yes"], "executor   "),
    ],
)
def test_it_asks_before_the_call(answers: list[str], told: str) -> None:
    code, shown = in_terminal(*answers)
    assert code == 0, shown
    assert told in shown
    assert shown.count("Run it?") == len(answers)


def test_a_pipe_is_refused() -> None:
    command = [sys.executable, "-m", "agentflow_graph", QUESTION, "--set", "approve=all"]
    done = subprocess.run(command, input="yes\n", capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "approve='all' needs somebody to ask: call this in a terminal" in done.stderr
