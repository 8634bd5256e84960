"""Models, judge and tools are asked one small thing each before the first item runs.

    served = await pinged(context, judge)       # {"planner": "gpt-5-mini-2025-08-07", ...}

A wrong key, a model that is not served, a search service that is away: each would else fail every
trial of the run. Weights in this process are not asked; they are loaded already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import BaseTool

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import shown
from agentflow_graph.models.provider import ProviderModel
from agentflow_graph.nodes.resources import Chat, Resources
from benchmarks.scoring.judge import Judge
from tools.base import FlowTool
from tools.catalog.check import LIVE
from tools.wikipedia_search import NO_MATCH

SECONDS = 60.0
"""Most seconds of one answer."""
LOCAL = ("python_coder", "wikipedia_search")
"""Tools that work without a key and a model; the almanac asks no others."""
UNASKED = "not asked"
"""In the place of a name that a server was not asked for."""
REMEDY = "mend it, or say --as-is to run without asking first"


async def pinged(
    context: Context, resources: Resources, judge: Judge | None, tools: bool
) -> dict[str, str]:
    """Ask everybody; by module the name of its model as its server calls it, where it says so.

    Args:
        context: the graph's settings.
        resources: what they name.
        judge: asked too, if there is one.
        tools: whether all tools are called as well, or those alone that need nothing but this
            machine, without which the almanac would be marked on a broken set-up.

    Raises:
        SettingError: who did not answer, and why.
    """
    models = _wanted(context, resources, judge)
    wanted = {
        name: tool
        for name, tool in resources.tools.items()
        if context.output_names != ("base",) and (tools or name in LOCAL)
    }
    answers, faults = await asyncio.gather(_models(models), _tools(wanted))
    silent = list(dict.fromkeys([*answers[1], *faults]))  # a model per temperature: all say it
    if silent:
        raise SettingError(f"{'; '.join(silent)}; {REMEDY}")
    return answers[0]


def unasked(context: Context, resources: Resources, judge: Judge | None) -> dict[str, str]:
    """What stands in the place of the names of a run that asks nobody first."""
    models = _wanted(context, resources, judge)
    return {who: UNASKED for who, model in models.items() if isinstance(model, ProviderModel)}


def _wanted(context: Context, resources: Resources, judge: Judge | None) -> dict[str, Chat]:
    """The models that a run asks: of a plain call the generator alone."""
    plain = context.output_names == ("base",)
    models = {n: m for n, m in resources.models.items() if n == "generator" or not plain}
    return models | ({"judge": judge.model} if judge else {})


async def judge_pinged(judge: Judge) -> str:
    """Ask the judge alone; its name as its server calls it, where it says so.

    Raises:
        SettingError: it did not answer, and why.
    """
    names, faults = await _models({"judge": judge.model})
    if faults:
        raise SettingError(f"{faults[0]}; mend it, then give the same command again")
    return names.get("judge", "")


async def _models(models: Mapping[str, Chat]) -> tuple[dict[str, str], list[str]]:
    """Names by module, and faults. A model that serves several modules is asked once."""
    remote = {who: model for who, model in models.items() if isinstance(model, ProviderModel)}
    distinct = {id(model): model for model in remote.values()}
    said = await asyncio.gather(*map(_asked, distinct.values()))
    by_model = dict(zip(distinct, said, strict=True))
    names = {who: by_model[id(model)][0] for who, model in remote.items()}
    return {who: name for who, name in names.items() if name}, [why for _, why in said if why]


async def _asked(model: ProviderModel) -> tuple[str, str]:
    """The name that the server gives the model, and what is wrong."""
    try:
        async with asyncio.timeout(SECONDS):
            reply = await model.ainvoke([HumanMessage("Answer with the word ready.")])
    except TimeoutError:
        return "", f"{model.spec} gave no answer within {SECONDS:.0f} s"
    except Exception as error:  # every provider has classes of its own
        return "", f"{model.spec} does not answer ({shown(str(error))[:300]})"
    return _name_in(reply), ""


def _name_in(reply: AIMessage) -> str:
    told = reply.response_metadata
    return str(told.get("model_name") or told.get("model") or "")


async def _tools(tools: Mapping[str, BaseTool]) -> list[str]:
    ours = [tool for tool in tools.values() if isinstance(tool, FlowTool) and tool.name in LIVE]
    return [why for why in await asyncio.gather(*map(_called, ours)) if why]


async def _called(tool: FlowTool) -> str:
    try:
        async with asyncio.timeout(SECONDS):
            problem = await tool.missing()
            if not problem:
                _, result = await tool._arun(**LIVE[tool.name])
                if result["status"] != "ok" and not result["text"].startswith(NO_MATCH):
                    problem = result["text"]
    except TimeoutError:
        problem = f"no answer within {SECONDS:.0f} s"
    if not problem:
        return ""
    why = shown(problem)[:300]
    return f"the tool {tool.name} is not ready ({why}): set it up, or leave it out of --set tools"
