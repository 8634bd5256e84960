"""A module as a node of the graph: what stands around its coroutine."""

import time
from collections.abc import Awaitable, Callable

from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime

from agentflow_graph.context import Context
from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.models.pools.subject import asking_about
from agentflow_graph.nodes.resources import Source, in_time
from agentflow_graph.nodes.run import NodeRun, Update
from agentflow_graph.nodes.settings import check_memory, settings_of
from agentflow_graph.prompts.progress import Began, progress_of
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.record.run import Scope
from agentflow_graph.state import CLEAN, State, Turn


def _turn(module: str, state: State) -> int:
    """The turn that a module works in; the generator works in none."""
    if module == "generator":
        return 0
    return len(state["turns"]) + (module == "planner")


def _time_to_make(module: str, state: State, context: Context) -> float:
    """Seconds that models and tools may take to be there, where a run goes on anew."""
    left = max(0.0, context.max_seconds - state["seconds"])
    return max(left, context.grace) if module == "generator" and state["turns"] else left


def _ended(module: str, run: NodeRun) -> Update:
    """The update of a module whose models and tools did not come in time."""
    why = run.resources.late
    turn = Turn(index=len(run.turns) + 1, planner=[], calls=[], error=why)
    planned = {"turns": [turn]} if module == "planner" else {}
    return {**planned, **({} if run.state["stopped_by"] else run.resources.stop)}


class Node:
    """A module as a node of the graph.

    Args:
        resources: what a Context resolves to.
        module: the coroutine.
        recorder: finds the record of a run.
    """

    def __init__(
        self,
        resources: Source,
        module: Callable[[NodeRun], Awaitable[Update]],
        recorder: Recorder,
    ) -> None:
        self._resources, self._module, self._recorder = resources, module, recorder

    async def __call__(self, state: State, *, runtime: Runtime[Context]) -> Update:
        """Work, and add what the work spent."""
        state = {**CLEAN, **state}  # where an edit stands for the beginning, all of it may lack
        context, name = settings_of(state, runtime.context), self._module.__name__
        begun = time.perf_counter()
        resources = await in_time(
            self._resources, context, _time_to_make(name, state, context), state["missing"]
        )
        record = await self._recorder.run(state.get("run"))
        check_memory(name, state)
        scope = Scope(record, _turn(name, state))
        writer = runtime.stream_writer
        run = NodeRun(state, context, resources, state["usage"], scope, begun, writer=writer)
        writer(Began(type="began", module=name, turn=scope.turn))
        try:
            late = resources.late and name != "generator"
            with asking_about(state["question"]):
                update = _ended(name, run) if late else await self._module(run)
        except GraphBubbleUp:  # a person is asked; who goes on may be another process
            if record:
                await record.flushed()
            raise
        update = {"seconds": run.seconds(), **hidden_in(update), "usage": run.usage}
        if name == "generator":
            update["money"] = run.money()
        for event in progress_of(name, state, update):
            writer(event)
        if record and name == "generator":
            await record.end({**state, **update})
        if state.get("settings") != (kept := context.model_dump()):
            update["settings"] = kept  # those that came before anything was done
        if lost := resources.lost.keys() - state["missing"].keys():
            found = {what: resources.lost[what] for what in sorted(lost)}
            update["missing"] = {**state["missing"], **found}
        return update
