"""A name that changed works as long as docs/releasing.md says, and says its new one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from agentflow_graph.errors.former import FORMER, Former
from benchmarks.__main__ import main

ROOT = Path(__file__).parents[2]
PACKAGES = ("agentflow_graph", "tools", "benchmarks", "rl")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def minor(version: str) -> int:
    """Minor versions since 0.0; a major version is more than any of them."""
    major, small, _ = map(int, version.split("."))
    return 1000 * major + small


@pytest.mark.parametrize("former", FORMER, ids=lambda former: former.name)
def test_it_works_for_two_minor_versions_and_no_longer(former: Former) -> None:
    assert minor(former.gone) >= minor(former.since) + 2
    assert minor(former.since) <= minor(VERSION), "it is not renamed yet"
    assert minor(VERSION) < minor(former.gone), f"take {former.name} out: {former}"


@pytest.mark.parametrize("former", FORMER, ids=lambda former: former.name)
def test_the_changelog_says_so(former: Former) -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    (entry,) = (e for e in re.split(r"^- ", text, flags=re.MULTILINE) if f"`{former.name}`: " in e)
    assert entry.startswith("**Deprecated** ")
    assert f"`{former.now}`" in entry and former.gone in entry


def test_each_is_in_the_table_and_in_use() -> None:
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    code = "".join(path.read_text() for path in files if path.name != "former.py")
    named = set(
        re.findall(r"^from agentflow_graph\.errors\.former import (\w+)", code, re.MULTILINE)
    )
    table = (ROOT / "agentflow_graph" / "errors" / "former.py").read_text()
    assert named == set(re.findall(r"^(\w+) = Former\(", table, re.MULTILINE))
    assert len(FORMER) == len(named)


VLLM = "--set=planner=vllm:x@http://127.0.0.1:9"
WAYS: dict[str, Callable[[str, str], int]] = {
    "--max-cost": lambda name, run: main(["run", "almanac", "--run", run, name, "3", VLLM])
}


@pytest.mark.parametrize("former", FORMER, ids=lambda former: former.name)
def test_it_does_the_same_and_says_its_new_name(
    former: Former, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    way = WAYS[former.name]
    codes, said = [], []
    for name in (former.now, former.name):
        codes.append(way(name, str(tmp_path / "run")))
        said.append(capsys.readouterr().err)
    assert codes[0] == codes[1] and said[1] == f"warning: {former}\n{said[0]}"
