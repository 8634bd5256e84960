from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.tools import BaseTool, tool

import tools
from tools.catalog import NAMES, ToolNameError, card, load

CARD = """\
python_coder: Runs a Python program and returns what it prints and the value of its last \
expression. The standard library, numpy and sympy can be imported.
  arguments:
    code (string): A complete Python program; print the result or end with it
  use for: arithmetic, counting, dates, algebra, anything exact
  limits: no network, no files but its own scratch folder, nothing kept between calls; 10 s, \
1 GiB of memory
  examples:
    {"code": "4738 * 37"} -> 175306
    {"code": "import sympy\\nx = sympy.Symbol('x')\\nprint(sympy.solve(x**2 - 4, x))"} -> [-2, 2]"""


@tool
def weather(place: str, days: int = 1, units: list[str] | None = None) -> str:
    """Tell the weather	of   a place."""
    return f"{place}: sun for {days} days {units}"


def test_all_means_all_of_ours_in_order() -> None:
    loaded = load("all")
    assert [one.name for one in loaded] == list(NAMES)
    assert all(isinstance(one, BaseTool) for one in loaded)


def test_the_package_is_marked_as_ours() -> None:
    assert tools.AGENTFLOW is True


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("python_code", "did you mean 'python_coder'"),
        ("zzz", "Known: base_generator, python_coder, wikipedia_search"),
        ("google_search", "comes with a later version"),
        ("web_search", "comes with a later version"),
        ("no.such.module:thing", "ModuleNotFoundError"),
        ("tools.catalog:nothing", "KeyError"),
        ("tools.catalog:NAMES", "is a tuple"),
    ],
)
def test_a_name_that_is_no_tool_is_explained(name: str, message: str) -> None:
    with pytest.raises(ToolNameError, match=message):
        load([name])


def test_a_string_instead_of_a_list_is_explained() -> None:
    with pytest.raises(ToolNameError, match=r"give a list, \['python_coder'\]"):
        load("python_coder")  # type: ignore[arg-type]


def test_a_tool_named_twice_is_refused() -> None:
    with pytest.raises(ToolNameError, match="twice: python_coder"):
        load(["python_coder", "tools.python_coder:PythonCoder"])


def test_an_import_path_names_a_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "weather", weather, raising=False)
    (found,) = load(["tools:weather"])
    assert found is weather


def test_the_card_of_python_coder() -> None:
    assert card(load(["python_coder"])[0]) == CARD


@pytest.mark.parametrize("name", NAMES)
def test_every_card_has_all_its_parts(name: str) -> None:
    shown = card(load([name])[0])
    assert shown.startswith(f"{name}: ")
    for part in ("arguments:", "use for:", "limits:", "examples:"):
        assert f"\n  {part}" in shown
    assert shown.count(" -> ") == 2


def test_the_card_of_anybodys_tool() -> None:
    assert card(weather) == (
        "weather: Tell the weather of a place.\n"
        "  arguments:\n"
        "    place (string)\n"
        "    days (integer, optional)\n"
        "    units (list of string or null, optional)"
    )


def test_importing_the_catalog_is_cheap() -> None:
    program = (
        "import sys, tools.catalog\n"
        "print([m for m in ('bm25s', 'numpy', 'sandlock', 'pyseccomp', 'torch', 'ray', 'vllm')"
        " if m in sys.modules])"
    )
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
    )
    assert run.stdout.strip() == "[]"
