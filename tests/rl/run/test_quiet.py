"""`noise_to` points the descriptors themselves elsewhere; each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = """
import os, subprocess, sys
from pathlib import Path
from rl.run.quiet import noise_to
log = Path(sys.argv[1])
"""


def run(code: str, log: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", START + code, str(log)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


def test_prints_descriptors_and_children_go_to_the_file(log: Path) -> None:
    done = run(
        """
print("before")
with noise_to(log) as screen:
    print("printed")
    print("complained", file=sys.stderr)
    os.write(1, b"written\\n")
    subprocess.run(["sh", "-c", "echo child; echo scream >&2"], check=True)
    print("shown", file=screen)
print("after")
print("afterwards", file=sys.stderr)
""",
        log,
    )
    assert (done.stdout, done.stderr) == ("before\nshown\nafter\n", "afterwards\n")
    heard = set(log.read_text().split())
    assert heard == {"printed", "complained", "written", "child", "scream"}


def test_everything_is_restored_after_an_exception(log: Path) -> None:
    done = run(
        """
try:
    with noise_to(log):
        print("lost")
        raise KeyError("boom")
except KeyError as error:
    print("caught", error, flush=True)
subprocess.run(["echo", "child"], check=True)
""",
        log,
    )
    assert done.stdout == "caught 'boom'\nchild\n"
    assert log.read_text() == "lost\n"


def test_the_screen_shows_each_line_at_once_and_the_file_is_continued(log: Path) -> None:
    log.write_text("earlier\n")
    done = run(
        """
with noise_to(log) as screen:
    print("shown", file=screen)
    print("printed", flush=True)
    os._exit(0)
""",
        log,
    )
    assert done.stdout == "shown\n"
    assert log.read_text() == "earlier\nprinted\n"


def test_no_descriptor_is_left_behind(log: Path) -> None:
    done = run(
        """
def count():
    return len(os.listdir("/proc/self/fd"))
before = count()
for _ in range(3):
    with noise_to(log):
        pass
try:
    with noise_to(log / "no such folder" / "log"):
        pass
except OSError:
    pass
print(count() - before)
""",
        log,
    )
    assert done.stdout == "0\n", done.stderr
