from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.tools import BaseTool, tool

import tools
from tools.base import FlowTool
from tools.base_generator import BaseGenerator
from tools.catalog.catalog import DEFAULT, NAMES, ToolNameError, card, load
from tools.google_search import GoogleSearch
from tools.python_coder import PythonCoder
from tools.web.embeddings import Endpoint
from tools.web_search import WebSearch
from tools.wiki.corpus import Corpus
from tools.wikipedia_search import WikipediaSearch

CARDS = Path(__file__).parents[1] / "cards.txt"
READY = {"python_coder", "wikipedia_search"}
"""Tools that need no key."""


@tool
def weather(place: str, days: int = 1, units: list[str] | None = None) -> str:
    """Tell the weather	of   a place."""
    return f"{place}: sun for {days} days {units}"


def test_default_means_what_the_nano_planner_knows() -> None:
    names = ["base_generator", "python_coder", "wikipedia_search"]
    assert [one.name for one in load("default")] == list(DEFAULT) == names


def test_all_means_all_of_ours_in_order() -> None:
    loaded = load("all")
    assert [one.name for one in loaded] == list(NAMES)
    assert all(isinstance(one, BaseTool) for one in loaded)
    assert len(NAMES) == 5


def test_a_set_can_stand_among_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "weather", weather, raising=False)
    loaded = load(["default", "tools:weather"])
    assert [one.name for one in loaded] == [*DEFAULT, "weather"]


@pytest.mark.parametrize("name", sorted(set(NAMES) - READY))
async def test_without_a_key_a_tool_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.endswith("_API_KEY"):
            monkeypatch.delenv(variable)
    (found,) = load([name])
    assert isinstance(found, FlowTool)
    missing = await found.missing()
    text, result = await found._arun(query="x")
    assert result["status"] == "unavailable"
    assert missing
    assert missing in text
    assert "set" in missing


def test_settings_reach_the_tools(tmp_path: Path) -> None:
    file = tmp_path / "tools.toml"
    file.write_text(
        "[python_coder]\nbackend = 'landlock'\ntimeout = 5\n"
        "[wikipedia_search]\nbackend = 'mediawiki'\ntimeout = 7\n[base_generator]\nmodel = 'm'\n"
        "[web_search]\nbackend = 'tavily-keyless'\nembeddings = 'e@http://127.0.0.1/v1'\n"
        "[google_search]\nbackend = 'serper'\nrate = 1\n"
    )
    asked: list[str] = []

    def resolve(spec: str) -> FakeListChatModel:
        asked.append(spec)
        return FakeListChatModel(responses=["x"])

    base, coder, wiki, web, google = load("all", file=file, resolve=resolve)
    assert asked == ["m"]
    assert isinstance(base, BaseGenerator)
    assert isinstance(coder, PythonCoder)
    assert (coder.limits.wall, coder.limits.cpu, coder.timeout) == (5.0, 4.0, 0.0)
    assert isinstance(wiki, WikipediaSearch)
    assert wiki.timeout == 7.0
    assert "contact" in wiki.backend.missing()
    assert isinstance(web, WebSearch)
    assert (web.backend.missing(), type(web.embeddings)) == ("", Endpoint)
    assert isinstance(google, GoogleSearch)
    assert type(google.backend).__name__ == "Serper"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("python_coder", "bubblewrap, landlock"),
        ("wikipedia_search", "corpus, mediawiki, kiwix, retrieval"),
        ("web_search", "tavily, tavily-keyless"),
        ("google_search", "gemini or serper"),
    ],
)
def test_a_backend_that_is_not_there(name: str, known: str) -> None:
    with pytest.raises(ValueError, match=known):
        load([name], settings={name: {"backend": "zzz"}})


def test_what_the_caller_gives_wins_over_settings() -> None:
    model = FakeListChatModel(responses=["x"])
    tables = {"base_generator": {"model": "m"}, "wikipedia_search": {"backend": "kiwix"}}
    base, wiki = load(
        ["base_generator", "wikipedia_search"], model=model, corpus="almanac", settings=tables
    )
    assert isinstance(base, BaseGenerator)
    assert base.model is model
    assert isinstance(wiki, WikipediaSearch)
    assert isinstance(wiki.backend, Corpus)


def test_the_package_is_marked_as_ours() -> None:
    assert tools.AGENTFLOW is True


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("python_code", "did you mean 'python_coder'"),
        ("zzz", "Known: base_generator, python_coder, wikipedia_search, web_search"),
        ("no.such.module:thing", "no module no is where Python looks"),
        ("tools.catalog.catalog:nothing", "has no .nothing."),
        ("tools.catalog.catalog:NAMES", "is a tuple"),
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


def test_the_cards_are_as_recorded() -> None:
    assert "\n\n".join(card(one) for one in load("all")) + "\n" == CARDS.read_text()


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
        "import sys, tools.catalog.catalog\n"
        "heavy = 'bm25s numpy sandlock pyseccomp httpx mcp tavily google.genai torch ray vllm'\n"
        "print([m for m in heavy.split() if m in sys.modules])"
    )
    root = str(Path(__file__).parents[3])
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
    )
    assert run.stdout.strip() == "[]"
