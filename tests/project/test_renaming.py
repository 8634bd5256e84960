"""What the build of the wheel rewrites in our code, and what it leaves alone or refuses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHIPPING = str(Path(__file__).parents[2] / "scripts" / "shipping")
MODULES = {"tools", "tools.base", "rl", "rl.train", "benchmarks", "benchmarks.tasks"}


@pytest.fixture(scope="module")
def renaming() -> Iterator[Any]:
    sys.path.insert(0, SHIPPING)
    try:
        import renaming

        yield renaming
    finally:
        sys.path.remove(SHIPPING)


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("from tools.base import FlowTool", "from agentflow_parts.tools.base import FlowTool"),
        ("from tools import base", "from agentflow_parts.tools import base"),
        ("import tools", "from agentflow_parts import tools"),
        ("x = 'rl.train'", "x = 'agentflow_parts.rl.train'"),
        ("x = 'rl.train:main'", "x = 'agentflow_parts.rl.train:main'"),
        ("x = ('-m', 'a', 'rl.train')", "x = ('-m', 'a', 'agentflow_parts.rl.train')"),
        ("x = f'benchmarks.tasks.{y}'", "x = f'agentflow_parts.benchmarks.tasks.{y}'"),
        ("x = '`python -m rl serve`'", "x = '`python -m agentflow_parts.rl serve`'"),
        ("x = '`python -m rl.train`'", "x = '`python -m agentflow_parts.rl.train`'"),
    ],
)
def test_what_names_a_module_is_rewritten(source: str, made: str, renaming: Any) -> None:
    assert renaming.rewritten(source, MODULES) == made
    assert renaming.rewritten(made, MODULES) == made, "twice is once"


@pytest.mark.parametrize(
    "source",
    [
        "x = y['tools']",
        "x = {'rl': 1, 'tools.count': 2}",
        "tools.load()",
        "x = 'rl/configs/nano.yaml'",
        "x = 'rl.yaml'",
        "from toolsmith import rl",
        "x = 'python -m rlhf'",
        "'''Records come from tools of others.'''",
    ],
)
def test_what_only_looks_like_it_stays(source: str, renaming: Any) -> None:
    assert renaming.rewritten(source, MODULES) == source


@pytest.mark.parametrize(
    "source",
    [
        "import tools.base",
        "x = 'from tools.base import y; y()'",
        "x = ('rl'\n     '.train')",
        "x = f'tools.{room}.{name}'",
    ],
)
def test_what_cannot_be_rewritten_breaks_the_build_off(source: str, renaming: Any) -> None:
    with pytest.raises(renaming.NotUnderstood, match="text:1"):
        renaming.rewritten(source, MODULES)
