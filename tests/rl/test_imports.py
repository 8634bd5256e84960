"""What is imported when and by whom, and how small the agent is; the rest is in test_house.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("agentflow_graph", "tools", "benchmarks", "rl")
ENGINE_ROOM = {"openrlhf", "ray", "deepspeed", "vllm"}


def files(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def length(path: Path) -> int:
    return len(path.read_text().splitlines())


def imported(path: Path, inside_functions: bool = True) -> set[str]:
    """Top-level packages that a file imports."""
    return {name.split(".")[0] for name in _names(ast.parse(path.read_text()), inside_functions)}


def _names(tree: ast.AST, inside_functions: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports here are absolute"
            yield str(node.module)
        elif not inside_functions and ast.unparse(node).startswith("if TYPE_CHECKING:"):
            continue
        elif inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _names(node, inside_functions)


def offenders(
    package: str, forbidden: set[str], inside_functions: bool = True
) -> dict[str, set[str]]:
    """Files of `package` with what they must not import."""
    found = {
        str(path.relative_to(ROOT)): imported(path, inside_functions) & forbidden
        for path in files(package)
    }
    return {name: names for name, names in found.items() if names}


def test_the_agent_imports_tools_only_when_it_runs() -> None:
    """Or else a `tools` of somebody else would be taken; the doctor is imported when it runs."""
    found = offenders("agentflow_graph", {"tools"}, inside_functions=False)
    doctor = {f"agentflow_graph/terminal/{name}.py" for name in ("doctor", "machine", "models")}
    assert found.keys() == doctor


@pytest.mark.parametrize("package", PACKAGES)
def test_only_the_adapter_knows_the_engine_room(package: str) -> None:
    found = offenders(package, ENGINE_ROOM)
    assert [name for name in found if not name.startswith("rl/adapter/")] == []


def test_flow_grpo_needs_torch_alone() -> None:
    assert imported(ROOT / "rl" / "flow_grpo.py") - {"__future__", "typing"} == {"torch"}
    assert length(ROOT / "rl" / "flow_grpo.py") < 200


def test_the_median_file_is_short() -> None:
    assert median(length(path) for package in PACKAGES for path in files(package)) < 120


def test_the_agent_is_small() -> None:
    """What is read to understand a run: graph, nodes, state, prompts, and the way in.

    The rooms beside it, of models, replies, the record and the terminal, are each a subject of
    their own.
    """
    beside = {"models", "record", "replies", "server", "errors", "terminal"}
    own = [path for path in files("agentflow_graph") if not beside & {*path.parts}]
    lines = [line for path in own for line in path.read_text().splitlines()]
    assert sum(bool(line.strip()) for line in lines) < 2800
