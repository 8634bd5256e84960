"""What is not installed is named, with the extra that brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.google_search import GoogleSearch
from tools.outcomes.extras import explained, lacking
from tools.services.cache import Cache
from tools.web.tavily import Tavily
from tools.web_search import WebSearch

ROOT = Path(__file__).parents[3]


def test_the_first_one_that_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lacking("tools", "json", "numpy") == ""
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert lacking("tools", "json", "numpy") == (
        "needs numpy, which is not installed: run `make setup`, or "
        "`pip install 'agentflow-graph[tools]'`"
    )
    assert "needs no_such.module" in lacking("tools", "no_such.module")


def test_a_missing_module_of_ours_is_a_fault_and_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="gone"):
        explained(ModuleNotFoundError("gone", name="tools.gone"), "tools")


@pytest.mark.parametrize("url", ["", "https://example.org/page"])
async def test_web_search_says_what_it_lacks(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tavily", "trafilatura"):
        monkeypatch.setitem(sys.modules, module, None)
    search = WebSearch(backend=Tavily(keyless=True), cache=Cache(None))
    _, result = await search._arun("museum", url)
    lacks = "trafilatura" if url else "tavily"
    assert result["status"] == "unavailable"
    assert f"it needs {lacks}" in result["text"] and "agentflow-graph[tools]" in result["text"]
    assert "needs tavily" in await search.missing()


async def test_google_search_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.genai", None)
    _, result = await GoogleSearch(cache=Cache(None))._arun("museum")
    assert result["status"] == "unavailable"
    assert "agentflow-graph[google]" in result["text"]


def without(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m WORDS`, where `module` is not installed."""
    program = (
        f"import runpy, sys; sys.modules[{module!r}] = None; sys.argv[1:] = {list(words[1:])!r}\n"
        f"runpy.run_module({words[0]!r}, run_name='__main__', alter_sys=True)"
    )
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("module", "words", "extra"),
    [
        ("psutil", ("rl.train", "--config", "rl/configs/nano.yaml", "--dry-run"), "train"),
        ("torch", ("rl", "evaluate", "--help"), "train"),
        ("rich", ("benchmarks", "run", "almanac", "--run", "runs/none"), "bench"),
    ],
)
def test_a_command_says_what_it_lacks(module: str, words: tuple[str, ...], extra: str) -> None:
    done = without(module, *words)
    assert done.returncode == 2
    assert f"error: this needs {module}" in done.stderr
    assert f"agentflow-graph[{extra}]" in done.stderr and "Traceback" not in done.stderr


def test_the_card_of_python_coder_names_what_can_be_imported() -> None:
    program = (
        "import sys; sys.modules['sympy'] = None\n"
        "from tools.catalog.catalog import card, load\n"
        "print(card(load(['python_coder'])[0]))"
    )
    shown = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    assert "The standard library and numpy can be imported" in shown and "sympy" not in shown
