"""The agent as a graph worker builds it: its tools, and the room in the planner's window."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence

from langchain_core.tools import BaseTool

from agentflow_graph.context import RULES
from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer
from agentflow_graph.models.strings import NANO
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.nodes.resources import Resources
from agentflow_graph.prompts import texts
from benchmarks.worlds import WORLDS
from rl.preflight.planner import Planner
from rl.preflight.price.cost import money
from rl.settings.config import Config
from tools.base import FlowTool, run_blocking
from tools.outcomes.finding import Finding, failure, ok, warning

SECONDS = 10.0
"""Most seconds until a tool has looked at what it needs."""


def agent(config: Config, known: Planner) -> Iterator[Finding]:
    """Findings about every tool, then about the room for the memory."""
    folder = known.folder or NANO
    try:
        planner = PolicyModel(
            client=None,
            tokenizer=known.tokenizer or PolicyTokenizer.load(folder),
            trained=trained_under(folder) if known.folder else {},
        )
    except SettingError as error:
        yield failure("agent", str(error), "mend the planner's folder, or name another one")
        return
    # The other modules have findings of their own; here they must not hide the tools.
    context = config.context().model_copy(update={**RULES, "analysis": "off", "outputs": "direct"})
    try:
        resources = Resources.of(context, {"planner": planner}, None)
    except SettingError as error:
        yield failure("tools", str(error), "correct agent.tools, agent.tools_file or its settings")
        return
    yield money(config, list(resources.tools.values()))
    yield from ready(config, list(resources.tools.values()))
    if known.folder:
        yield _room(config, resources, planner, known.question)


def hold_to_tools(config: Config, tools: Sequence[BaseTool]) -> None:
    """Refuse what would train a planner not to use a tool, and say what else is missing.

    Raises:
        SettingError: the questions need a tool that cannot work here.
    """
    for finding in ready(config, tools):
        told = f"{finding.part}: {finding.text}; {finding.remedy}"
        if finding.state == "failed":
            raise SettingError(told)
        if finding.state == "warning" and config.data.train not in WORLDS:
            print(f"warning: {told}", file=sys.stderr)


def ready(config: Config, tools: Sequence[BaseTool]) -> list[Finding]:
    """Which tools can work here. What the questions need and is not there has failed."""
    world = WORLDS.get(config.data.train)
    needed = world.needs if world else frozenset()

    async def looked_at() -> list[Finding]:
        return list(await asyncio.gather(*(_tool(tool, tool.name in needed) for tool in tools)))

    return run_blocking(looked_at())


async def _tool(tool: BaseTool, needed: bool) -> Finding:
    part = f"tool {tool.name}"
    if not isinstance(tool, FlowTool):
        return ok(part, "loaded; not ours, so it is not looked at further")
    try:
        async with asyncio.timeout(SECONDS):
            missing = await tool.missing()
    except TimeoutError:
        missing = f"no answer in {SECONDS:g} s: is its service up?"
    if not missing:
        return ok(part, "ready")
    remedy = "every call of it will be `unavailable`: mend it, or leave it out of agent.tools"
    if needed:
        remedy += ", though the questions need it"
    return (failure if needed else warning)(part, missing, remedy)


def _room(config: Config, resources: Resources, planner: PolicyModel, question: str) -> Finding:
    """Prompt without memory, full memory and reply together, in the planner's own tokens."""
    messages = texts.planner(
        resources.layout, question, "", resources.cards, "", config.context().max_turns
    )
    bare = len(planner.tokenizer.render(messages))
    memory, reply, window = (
        resources.memory_tokens,
        config.rollout.reply_tokens,
        config.rollout.window,
    )
    text = (
        f"{bare:,} tokens of rules, tools and question + memory {memory:,} + reply {reply:,} "
        f"in a window of {window:,}"
    )
    if bare + reply >= window:
        return failure("room", text, "raise rollout.window, or name fewer tools")
    if bare + memory + reply > window:
        return warning(
            "room", text, "lower agent.memory_tokens, or long runs fail: prompt too long"
        )
    return ok("room", text)
