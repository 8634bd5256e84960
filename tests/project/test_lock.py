"""The lock has a hash of every file, and `make setup` installs no file without."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = Path("requirements/cpu-py311.lock")
LINES = [line for line in (ROOT / LOCK).read_text().splitlines() if not line.startswith("#")]


def test_every_version_of_the_lock_has_hashes() -> None:
    form = re.compile(r"[\w.-]+==[\w.+]+( --hash=sha256:[0-9a-f]{64})+")
    assert len(LINES) > 250
    assert [line for line in LINES if not form.fullmatch(line)] == []


def hashes(folder: Path, former: str, *reports: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `scripts/hashes.py` on versions of a 1 and b 2, a former lock, and files by package."""
    (folder / "versions").write_text("A.b==1\nc==2\n")
    (folder / "lock").write_text(former)
    names = [folder / "versions", folder / "lock"]
    for report in reports:
        files = [
            {
                "metadata": {"name": package.split("==")[0], "version": package.split("==")[1]},
                "download_info": {"archive_info": {"hash": digest}},
            }
            for package, digest in report.items()
        ]
        names.append(folder / f"{len(names)}.json")
        names[-1].write_text(json.dumps({"install": files}))
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "hashes.py", *names],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_lock_adds_up_what_was_found_for_each_python_and_what_it_had(tmp_path: Path) -> None:
    former = "# kept by lock.sh\na-b==1 --hash=sha256:00\nc==1 --hash=sha256:11\n"
    found = [{"a_B==1": "sha256=22", "c==2": "sha256=33"}, {"a-b==1": "sha256=22"}]
    done = hashes(tmp_path, former, *found)
    assert done.stdout.splitlines() == [
        "A.b==1 --hash=sha256:00 --hash=sha256:22",
        "c==2 --hash=sha256:33",
    ]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"a-b==1": "sha256=22"}, "c==2: no index has a file of it"),
        ({"a-b==1": "sha256=22", "c==2": "md5=33"}, "c: the index states md5:33, no SHA-256"),
    ],
)
def test_a_version_without_a_hash_makes_no_lock(
    tmp_path: Path, report: dict[str, str], said: str
) -> None:
    done = hashes(tmp_path, "", report)
    assert done.returncode == 1
    assert said in done.stderr


def other_hash(line: str) -> str:
    return re.sub(r"sha256:\w{64}", "sha256:" + "0" * 64, line)


def no_hash(line: str) -> str:
    return line.split()[0]


@pytest.mark.integration
@pytest.mark.parametrize("change", [other_hash, no_hash])
def test_a_file_that_the_lock_does_not_name_is_not_installed(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    lines = [change(line) if line.startswith("wheel==") else line for line in LINES]
    (tmp_path / LOCK).write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["bash", "scripts/setup.sh"],
        cwd=tmp_path,
        env={**os.environ, "PYTHON": sys.executable, "VENV": ".venv"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "build tools: a file is not the one that" in done.stderr, done.stderr
    assert "bash scripts/lock.sh --hashes" in done.stderr
    assert list(tmp_path.glob(".venv/lib/*/site-packages/wheel")) == []
    assert not (tmp_path / ".venv" / ".installed").exists()
