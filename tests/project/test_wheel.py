"""What is shipped, beside other people's packages: it is built, installed and asked."""

from __future__ import annotations

import ast
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from shipped import PACKAGES, Release, asked_for, environment, site_packages, tracked

pytestmark = pytest.mark.integration
MOVED = PACKAGES[1:]
ASK = """
import pickle, sys
import tools, rl, benchmarks
from agentflow_graph.embed import ask
from agentflow_graph.errors import SettingError
assert ask("What is the population of Old Harbor?")["answer"] == "1189"
from agentflow_parts.tools.sandbox.protocol import Limits
assert pickle.loads(pickle.dumps(Limits(wall=2.0))) == Limits(wall=2.0)
import tools, rl, benchmarks
from tools import x; from rl import x; from benchmarks import x
assert all("theirs" in sys.modules[name].__path__[0] if hasattr(sys.modules[name], "__path__")
           else "theirs" in sys.modules[name].__file__ for name in ("tools", "rl", "benchmarks"))
"""


@pytest.fixture(scope="module")
def shipped(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment with the wheel."""
    return environment(tmp_path_factory.mktemp("shipped") / "venv", release.wheel)


@pytest.fixture(scope="module")
def contents(release: Release) -> dict[str, bytes]:
    with zipfile.ZipFile(release.wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def call(shipped: Path, tmp_path: Path) -> Callable[..., str]:
    """Run a command of the environment in a folder of somebody's; returns what it printed."""

    def run(*words: str, code: int | None = 0) -> str:
        (tmp_path / "theirs").mkdir(exist_ok=True)
        bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [shipped.parent / words[0], *words[1:]],
            cwd=tmp_path / "theirs",
            env=bare,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert code in (None, done.returncode), done.stderr
        return done.stdout + done.stderr

    return run


def test_the_wheel_holds_the_packages_and_nothing_else(contents: dict[str, bytes]) -> None:
    wanted = {name for name in tracked() if name.partition("/")[0] in PACKAGES}
    moved = {f"agentflow_parts/{n}" if n.partition("/")[0] in MOVED else n for n in wanted}
    told = {name for name in contents if ".dist-info/" in name}
    assert set(contents) - told == {*moved, "agentflow_parts/__init__.py"}
    assert sum(map(len, contents.values())) < 6_000_000


def test_what_the_wheel_says_of_itself_is_valid(contents: dict[str, bytes]) -> None:
    (told,) = (data for name, data in contents.items() if name.endswith("/METADATA"))
    metadata = Metadata.from_email(told, validate=True)
    assert metadata.description_content_type == "text/markdown"
    assert {"tools", "local", "train", "bench"} <= set(metadata.provides_extra or [])
    (tops,) = (data for name, data in contents.items() if name.endswith("/top_level.txt"))
    assert tops.decode().split() == ["agentflow_graph", "agentflow_parts"]


def test_every_import_leads_to_a_module_of_the_wheel(contents: dict[str, bytes]) -> None:
    modules = [name for name in contents if name.endswith(".py")]
    there = {name[:-3].removesuffix("/__init__").replace("/", ".") for name in modules}
    wrong = []
    for name in modules:
        for imported in _imported(contents[name].decode()):
            top, _, rest = imported.partition(".")
            if top in MOVED or (top == "agentflow_parts" and rest and imported not in there):
                wrong.append(f"{name}: {imported}")
    assert wrong == []


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("working folder", "package"),
        ("working folder", "module"),
        ("working folder", "namespace"),
        ("site-packages", "package"),
        ("site-packages", "module"),
    ],
)
def test_it_answers_beside_packages_of_the_same_names(
    place: str, kind: str, shipped: Path, tmp_path: Path, call: Callable[..., str]
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in MOVED:
        (theirs / name).mkdir() if kind != "module" else None
        file = {"package": f"{name}/__init__.py", "module": f"{name}.py"}.get(kind, f"{name}/x.py")
        (theirs / file).write_text("x = 1\n")
    if place == "working folder":
        call("python", "-c", ASK)
        return
    link = site_packages(shipped.parents[1]) / "theirs.pth"
    link.write_text(f"{theirs}\n")
    try:
        call("python", "-P", "-c", ASK)
    finally:
        link.unlink()


def test_the_commands_work_and_say_the_names_of_the_wheel(
    call: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "tools.py").write_text("raise SystemExit('theirs')\n")
    assert "Answer: 175306" in call("agentflow", "What is 4738 * 37?")
    assert "almanac" in call("agentflow-bench", "list")
    said = call("agentflow-train", "--config", "nano", "--dry-run", code=2)
    assert "this needs psutil" in said and "pip install 'agentflow-graph[train]'" in said
    assert "usage: python -m agentflow_parts.rl VERB" in call("python", "-m", "agentflow_parts.rl")


@pytest.mark.parametrize("backend", ["landlock", "bubblewrap"])
def test_programs_run_in_the_sandbox(backend: str, call: Callable[..., str]) -> None:
    words = ("run", "python_coder", '{"code": "4738 * 37"}', "--backend", backend)
    said = call("python", "-m", "agentflow_parts.tools", *words, code=None)
    if '"status": "unavailable"' in said and "pip install" not in said:
        pytest.skip(f"no {backend} here: {said}")
    assert '"text": "175306"' in said


def test_a_plain_installation_is_light(shipped: Path) -> None:
    packages = asked_for(site_packages(shipped.parents[1]))
    names = {found.metadata["Name"].lower() for found in packages}
    assert "langgraph" in names and not names & {"torch", "transformers", "ray", "sympy"}
    files = [file for found in packages for file in found.files or [] if file.suffix != ".pyc"]
    assert sum(file.size or 0 for file in files) < 220e6, "300 MB with the bytecode"
