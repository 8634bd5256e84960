"""Tools that are not ours: import paths and entry points."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from langchain_core.tools import tool

import tools
from tools.catalog.catalog import DEFAULT, ToolNameError, load
from tools.catalog.settings import SettingsError


@tool
def weather(place: str) -> str:
    """Tell the weather of a place."""
    return f"{place}: sun"


def test_an_import_path_names_a_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "weather", weather, raising=False)
    (found,) = load(["tools:weather"])
    assert found is weather


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package on the path that brings an entry point for a good tool and for a bad one."""
    (tmp_path / "almanac_weather.py").write_text(
        "from langchain_core.tools import tool\n\n@tool\n"
        "def weather(place: str) -> str:\n    '''The weather.'''\n    return place\n"
    )
    info = tmp_path / "almanac_weather-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: almanac-weather\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[agentflow_graph.tools]\nweather = almanac_weather:weather\nbad = almanac_weather:gone\n"
        "text = almanac_weather:__name__\npython_coder = almanac_weather:weather\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "almanac_weather", raising=False)


@pytest.mark.usefixtures("installed")
def test_an_entry_point_names_a_tool() -> None:
    loaded = load(["default", "weather"])
    assert [one.name for one in loaded] == [*DEFAULT, "weather"]
    assert type(loaded[1]).__name__ == "PythonCoder"  # ours stay ours


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bad", "cannot load tool 'bad' = almanac_weather:gone.*mend or remove almanac-weather"),
        ("text", "'text' is a str"),
        ("wether", "did you mean 'weather'"),
    ],
)
def test_an_entry_point_that_is_no_tool(name: str, said: str) -> None:
    with pytest.raises(ToolNameError, match=said):
        load([name])


@pytest.mark.usefixtures("installed")
def test_settings_that_would_change_nothing_are_refused() -> None:
    with pytest.raises(SettingsError, match="settings of 'weather' cannot be applied"):
        load(["weather"], settings={"weather": {"timeout": 3}})
    with pytest.raises(SettingsError, match="did you mean 'wikipedia_search'"):
        load(["weather"], settings={"wikipedia_serch": {"backend": "kiwix"}})
    load(["weather"], settings={"maps": {"timeout": 3}})  # of a tool that is not in use now
