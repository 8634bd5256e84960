"""In a terminal: what is under way is seen, a person is asked before a call, a conversation."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUESTION = "What is 4738 * 37?"
SETTINGS = ("--set", "max_turns=1", "--set", "temperature=0.01")
ASKED = "as JSON: "
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(words: Sequence[str], answers: Sequence[str], prompt: str) -> tuple[int, str]:
    """Exit code and all that was shown; each time that `prompt` matches, an answer is given."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agentflow_graph", *words, *SETTINGS]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment
    ) as process:
        os.close(theirs)
        shown, left, end = "", list(answers), time.monotonic() + 90
        asked = re.compile(prompt)
        while time.monotonic() < end:
            try:
                data = os.read(ours, 4096)
            except OSError:  # the other side is closed: the program has ended
                break
            shown += data.decode(errors="replace")
            if left and len(asked.findall(shown)) > len(answers) - len(left):
                os.write(ours, f"{left.pop(0)}\n".encode())
        code = process.wait(30)
    os.close(ours)
    return code, shown.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (["no, not today"], "a person refused this call (not today)"),
        (["perhaps", "no"], "'perhaps' was not understood: say yes, or no and why"),
        (["yes"], "executor   "),
    ],
)
def test_it_asks_before_the_call(answers: list[str], told: str) -> None:
    code, shown = in_terminal([QUESTION, "--set", "approve=all"], answers, ASKED)
    assert code == 0, shown
    assert told in shown
    assert shown.count("Run it?") == len(answers)


def test_what_is_under_way_is_seen() -> None:
    code, shown = in_terminal([QUESTION], [], ASKED)
    plain = SEQUENCE.sub("", shown)
    assert code == 0, shown
    assert "planner 0:00:00" in plain, "the spinner says who works, and since when"
    assert "Turn 1" in plain and "executor   python_coder(4738 * 37)" in plain
    assert re.search(r"\n1 turn, [\d,]+ tokens, no price for nano, \d+\.\d s\n", plain)


def test_a_conversation_asks_in_place_and_goes_on() -> None:
    answers = [QUESTION, "yes", "What is 2915 * 84?", "no, enough", "exit"]
    words = ["chat", "--set", "approve=all"]
    code, shown = in_terminal(words, answers, rf"{ASKED}|\r\n> ")
    plain = SEQUENCE.sub("", shown)
    assert code == 0, shown
    assert "\n175306   (1 turn, " in plain
    assert "a person refused this call (enough)" in plain
    assert plain.count("\n> ") == 3


def test_ctrl_c_ends_a_conversation_at_once() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agentflow_graph", "chat"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        process_group=0,
    ) as process:
        os.close(theirs)
        shown = b""
        while b"> " not in shown:
            shown += os.read(ours, 4096)
        time.sleep(0.2)  # the prompt stands before `input` waits
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert time.monotonic() - begun < 1.5
    os.close(ours)


def test_a_pipe_is_refused() -> None:
    command = [sys.executable, "-m", "agentflow_graph", QUESTION, "--set", "approve=all"]
    done = subprocess.run(command, input="yes\n", capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "approve='all' needs somebody to ask: call this in a terminal" in done.stderr


@pytest.mark.parametrize(
    ("module", "words", "codes"),
    [
        ("agentflow_graph", "doctor", (1,)),
        ("agentflow_graph", "replay RECORD", (1,)),
        ("rl", "", (0, 1)),
        ("tools", "check python_coder", (1,)),
    ],
)
def test_a_reader_that_has_enough_is_no_fault(
    module: str, words: str, codes: tuple[int, ...], tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "AGENTFLOW_RECORD": str(tmp_path)}
    if "RECORD" in words:
        words = words.replace("RECORD", str(tmp_path))
        asked = [sys.executable, "-m", "agentflow_graph", QUESTION, "--set", "max_turns=1"]
        subprocess.run(asked, capture_output=True, check=True, env=environment)
    piped = f"set -o pipefail; {sys.executable} -m {module} {words} | head -0"
    done = subprocess.run(
        ["bash", "-c", piped], capture_output=True, text=True, check=False, env=environment
    )
    said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    assert (done.returncode in codes, said) == (True, []), done.stderr
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
