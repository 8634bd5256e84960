"""Planner: decides the next sub-goal and the tool for it. The module that Flow-GRPO trains.

On the first turn it also has the question analysed, where asked to. Its sampling is never
constrained by a grammar: that would change the distribution that is trained.
"""

from functools import partial

from agentflow_graph.errors import AgentFlowError, ReplyError
from agentflow_graph.nodes.run import NodeRun, Update, failure
from agentflow_graph.prompts import texts
from agentflow_graph.replies.plan import Plan, parse_plan
from agentflow_graph.state import Turn


async def planner(run: NodeRun) -> Update:
    """A new turn with its plan, or with the reason why there is none."""
    turn = Turn(index=len(run.turns) + 1, planner=[], calls=[], error="")
    update: Update = {"turns": [turn]}
    try:
        if turn["index"] == 1 and "analysis" in run.resources.models:
            update["analysis"] = await _analysis(run)
        plan = await _plan(run, turn, update.get("analysis", run.state["analysis"]))
        turn.update(vars(plan))  # type: ignore[typeddict-item]
    except AgentFlowError as error:
        turn["error"] = str(error)
        update |= failure(error)
    return update


async def _analysis(run: NodeRun) -> str:
    """The analysis of the question; empty if its model had nothing to say: it is a help only."""
    messages = texts.analysis(run.question, run.resources.cards)
    try:
        return await run.ask("analysis", messages, str)
    except ReplyError:
        return ""


async def _plan(run: NodeRun, turn: Turn, analysis: str) -> Plan:
    messages = texts.planner(
        run.resources.layout,
        run.question,
        analysis,
        run.resources.cards,
        run.memory(terse=run.resources.layout == "terse"),
        run.context.max_turns - turn["index"] + 1,
    )
    parse = partial(parse_plan, tools=run.resources.tools)
    return await run.ask("planner", messages, parse, turn["planner"])
