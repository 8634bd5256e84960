"""What `langgraph build` makes an image of: its Dockerfile, and the files that Docker is given."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, Any] = json.loads((ROOT / "langgraph.json").read_text())


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    file = tmp_path_factory.mktemp("image") / "Dockerfile"
    made = [sys.executable, "-m", "langgraph_cli", "dockerfile", str(file)]
    quiet = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "1", "PATH": ""}
    subprocess.run(made, cwd=ROOT, env=quiet, capture_output=True, check=True, timeout=60)
    return file.read_text().splitlines()


@pytest.fixture(scope="module")
def given() -> list[Path]:
    """Files and folders that `.dockerignore` leaves."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "everything is left out that is not named"
    return [ROOT / rule[1:] for rule in rules if rule.startswith("!")]


def test_the_image_has_what_python_coder_and_the_gate_need(dockerfile: list[str]) -> None:
    assert dockerfile[0] == "FROM langchain/langgraph-api:3.11"
    install = next(n for n, line in enumerate(dockerfile) if "uv pip install" in line)
    library = next(n for n, line in enumerate(dockerfile) if "libseccomp2" in line)
    assert library < install, "a change of the code does not fetch it again"
    told = "\n".join(dockerfile)
    for part in ("server/graph.py:graph", "server/app.py:app"):
        assert f"/deps/{ROOT.name}/agentflow_graph/{part}" in told


def test_docker_is_given_what_is_built_and_no_secret(given: list[Path]) -> None:
    assert [path for path in given if not path.exists()] == []
    names = {str(path.relative_to(ROOT)) for path in given}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    wanted |= {*project["build-system"]["backend-path"], "langgraph.json"}
    wanted |= {"agentflow_graph", "tools", "benchmarks", "rl"}
    assert names == wanted
