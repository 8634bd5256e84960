"""Pictures of README and docs are small, and the terminal's is what the command says today."""

from __future__ import annotations

import html
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from shipped import tracked

ROOT = Path(__file__).parents[2]
PICTURES = sorted(name for name in tracked() if re.fullmatch(r"docs/.*\.(png|svg)", name))
LARGEST = 150_000


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_small(name: str) -> None:
    assert 1_000 < (ROOT / name).stat().st_size < LARGEST


def test_readme_shows_them() -> None:
    text = (ROOT / "README.md").read_text()
    assert all(f"docs/{name}" in text for name in ("terminal.svg", "viewer.png", "report.png"))
    assert text.count("\n") < 150


@pytest.mark.integration
def test_the_terminal_is_as_the_command_is_today() -> None:
    """Times differ, and nothing else: `python scripts/pictures.py terminal` makes it anew."""
    picture = (ROOT / "docs" / "terminal.svg").read_text()
    assert set(re.findall(r"(?:href=|url\(|src=)['\"]?(\w+://[^'\")]*)", picture)) == set()
    rows = re.findall(r'<text[^>]* y="([\d.]+)"[^>]*clip-path[^>]*>(.*?)</text>', picture)
    shown: dict[float, str] = {}
    for height, text in rows:
        shown[float(height)] = shown.get(float(height), "") + html.unescape(text)
    lines = [shown[height].replace("\xa0", " ").rstrip() for height in sorted(shown)]
    command, *said = [line for line in lines if line]
    prompt, program, question = shlex.split(command)
    assert (prompt, program) == ("$", "agentflow")
    done = subprocess.run(
        [sys.executable, "-m", "agentflow_graph", question],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    today = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
    assert [_timeless(line) for line in said] == [_timeless(line) for line in today]


def _timeless(line: str) -> str:
    return re.sub(r"\(\d[\d.]* m?s\)", "(time)", line)
