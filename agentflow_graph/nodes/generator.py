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
from agentflow_graph.nodes.rules import NOT_STATED, best_effort, stated
from agentflow_graph.nodes.run import NodeRun, Update, failure
from agentflow_graph.prompts import texts
from agentflow_graph.replies.answer import final_answer


async def generator(run: NodeRun) -> Update:
    """The outputs and the answer."""
    update: Update = {}
    by_rule = "generator" not in run.resources.models or run.state["stopped_by"] == "error"
    try:
        outputs = _by_rule(run) if by_rule else await _written(run)
    except AgentFlowError as error:  # an empty or cut-off reply too is no answer
        outputs, update = _by_rule(run), {"stopped_by": "error", **failure(error)}
        update.setdefault("error", f"the generator's reply cannot be used: {error}")
    outputs = hidden_in(outputs)
    answer = final_answer(next(outputs[n] for n in ("direct", "final", "base") if n in outputs))
    return update | {"outputs": outputs, "answer": answer, "messages": [AIMessage(answer)]}


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
