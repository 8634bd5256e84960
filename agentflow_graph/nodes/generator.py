"""Generator: writes the outputs asked for, `base`, `final` and `direct`, and the answer.

By rule: `extractive` reads the answer off the memory, `stated` takes what the planner stated. Any
other setting names a model. If that model fails, the first rule answers in its place: every run
ends in an answer.
"""

import asyncio

from langchain_core.messages import AIMessage

from agentflow_graph.context import STATED
from agentflow_graph.errors import AgentFlowError
from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.nodes.parts.rules import NOT_STATED, UNKNOWN, best_effort, stated
from agentflow_graph.nodes.run import NodeRun, Update, failure
from agentflow_graph.prompts import texts
from agentflow_graph.replies.answer import final_answer

NAME = "agentflow"
"""Who speaks, among the agents of a parent."""


async def generator(run: NodeRun) -> Update:
    """The outputs and the answer."""
    update: Update = {} if run.state["stopped_by"] else {**run.resources.stop}
    by_rule = "generator" not in run.resources.models or run.state["stopped_by"] == "error"
    try:
        outputs = _by_rule(run) if by_rule else await _written(run)
    except AgentFlowError as error:  # an empty or cut-off reply too is no answer
        outputs, update = _by_rule(run), {"stopped_by": "error", **failure(error)}
        update.setdefault("error", f"the generator's reply cannot be used: {error}")
    outputs = hidden_in(outputs)
    chosen = next(name for name in ("direct", "final", "base") if name in outputs)
    answer = final_answer(outputs[chosen])
    stopped_by = update.get("stopped_by", run.state["stopped_by"])
    fault = update.get("error", run.state["error"]) if stopped_by == "error" else ""
    said = _failed(fault, answer) if fault else answer
    identity = None if fault else _identity(run, chosen)
    message = AIMessage(said, id=identity, name=NAME)
    return update | {"outputs": outputs, "answer": answer, "messages": [message]}


def _failed(error: str, answer: str) -> str:
    """What a chat or an outer agent is told, so that it takes no scrap for an answer."""
    found = "" if answer == UNKNOWN else f"\nWhat was found before: {answer}"
    return f"The question could not be answered: {error}{found}"


def _identity(run: NodeRun, output: str) -> str | None:
    """The id of the reply that was streamed, so that no stream gives the answer twice.

    A model that gives every reply the same id would put one answer in the place of another.
    """
    said = run.spoken.get(output, "")
    known = {message.id for message in run.state.get("messages", [])}
    return said if said and said not in known else None


def _by_rule(run: NodeRun) -> dict[str, str]:
    if run.context.generator == STATED:
        answer = stated(run.turns) or NOT_STATED
    else:
        answer = best_effort(run.state["question"], run.turns)
    names = run.context.output_names
    return {name: f"{answer}\n\n{run.memory()}" if name == "final" else answer for name in names}


async def _written(run: NodeRun) -> dict[str, str]:
    question, memory, names = run.question, run.memory(), run.context.output_names
    wanted = {
        "base": texts.base(question),
        "final": texts.final(question, memory),
        "direct": texts.direct(question, memory),
    }
    asking = (run.ask("generator", wanted[name], str, output=name) for name in names)
    # All of them end before one that failed is heard of: what a run spent and recorded must not
    # depend on which call was faster.
    written = await asyncio.gather(*asking, return_exceptions=True)
    for text in written:
        if isinstance(text, BaseException):
            raise text
    return dict(zip(names, map(str, written), strict=True))
