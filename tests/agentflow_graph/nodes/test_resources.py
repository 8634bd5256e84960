"""Models and tools behind the settings: built once, found by name, refused clearly."""

from __future__ import annotations

import asyncio
import sys
import time
from types import ModuleType
from typing import Any

import pytest

from agentflow_graph import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.nodes.parts import modules, toolset
from agentflow_graph.nodes.resources import MAX_CACHED, ResourceCache


async def test_runs_that_start_together_build_once(
    monkeypatch: pytest.MonkeyPatch, scripted, look_up
) -> None:
    built: list[str] = []

    def slow(spec: str, *_: Any) -> Any:
        built.append(spec)
        time.sleep(0.05)
        return scripted("x")

    monkeypatch.setattr(modules, "chat_model", slow)
    cache = ResourceCache({}, [look_up])
    found = await asyncio.gather(*(cache.of(Context(planner="p")) for _ in range(8)))
    assert built == ["p"]
    assert all(one is found[0] for one in found)


async def test_each_module_gets_the_model_it_names(
    monkeypatch: pytest.MonkeyPatch, look_up
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(modules, "chat_model", lambda *how: asked.append(how) or how)
    context = Context(planner="p", executor="e", verifier="v", generator="g", analysis="a")
    made = await ResourceCache({}, [look_up]).of(context)
    assert set(made.models) == {"planner", "executor", "verifier", "generator", "analysis"}
    assert asked[0] == ("p", 0.7, 2048, 0)
    assert {how[:2] for how in asked[1:]} == {("e", 0.0), ("v", 0.0), ("g", 0.0), ("a", 0.0)}


async def test_rules_need_no_model(scripted, look_up) -> None:
    made = await ResourceCache({"planner": scripted("x")}, [look_up]).of(Context())
    assert set(made.models) == {"planner"}


async def test_cached_resources_are_bounded(scripted, look_up) -> None:
    cache = ResourceCache({"planner": scripted("x")}, [look_up])
    for seed in range(MAX_CACHED + 5):
        await cache.of(Context(seed=seed))
    assert len(cache._built()) <= MAX_CACHED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"planner": "off"}, "planner='off': the planner always needs a model, such as nano"),
        ({"planner": "nanno"}, "model 'nanno' has none of the forms nano, local:DIR"),
        ({"tools": "wikipedia_serch"}, "wikipedia_serch.*did you mean 'wikipedia_search'"),
        ({"tools": " , "}, "names no tool"),
    ],
)
async def test_a_name_that_cannot_be_resolved(given, said, scripted) -> None:
    models = {} if "planner" in given else {"planner": scripted("x")}
    with pytest.raises(SettingError, match=said):
        await ResourceCache(models, None).of(Context(**given))


async def test_the_tools_are_those_that_the_nano_planner_was_trained_with(scripted) -> None:
    made = await ResourceCache({"planner": scripted("x")}, None).of(Context())
    assert list(made.tools) == ["base_generator", "python_coder", "wikipedia_search"]


async def test_a_tools_file_sets_them_and_names_models_as_the_agent_does(
    tmp_path, monkeypatch: pytest.MonkeyPatch, scripted
) -> None:
    asked: list[Any] = []
    model = scripted("x")
    monkeypatch.setattr(toolset, "chat_model", lambda *how: asked.append(how) or model)
    file = tmp_path / "tools.toml"
    file.write_text(
        "[base_generator]\nmodel = 'vllm:m@http://127.0.0.1:8000'\n"
        "[wikipedia_search]\ntimeout = 3\n"
    )
    context = Context(tools="wikipedia_search, base_generator", tools_file=str(file))
    made = await ResourceCache({"planner": scripted("x")}, None).of(context)
    tools: dict[str, Any] = made.tools
    assert tools["wikipedia_search"].timeout == 3.0
    assert tools["base_generator"].model.inner is model
    assert [how[:2] for how in asked] == [("vllm:m@http://127.0.0.1:8000", 0.0)]


async def test_a_tools_file_that_is_wrong_is_a_setting_that_is_wrong(tmp_path, scripted) -> None:
    file = tmp_path / "tools.toml"
    file.write_text("[wikipedia_search]\nbakend = 'x'\n")
    with pytest.raises(SettingError, match="did you mean 'backend'"):
        await ResourceCache({"planner": scripted("x")}, None).of(Context(tools_file=str(file)))


async def test_our_own_tools_by_name(scripted) -> None:
    made = await ResourceCache({"planner": scripted("x")}, None).of(Context(tools="python_coder"))
    assert list(made.tools) == ["python_coder"]
    assert made.cards["python_coder"].startswith("python_coder: ")
    assert made.schemas["python_coder"]["required"] == ["code"]


async def test_another_package_called_tools_is_named(
    monkeypatch: pytest.MonkeyPatch, scripted
) -> None:
    other = ModuleType("tools")
    other.__file__ = "/somewhere/else/tools.py"
    monkeypatch.setitem(sys.modules, "tools", other)
    with pytest.raises(SettingError, match=r"/somewhere/else/tools.py\) shadows .* as a wheel"):
        await ResourceCache({"planner": scripted("x")}, None).of(Context())
