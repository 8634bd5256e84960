"""The agent under a supervisor, which hands questions over to it: LangGraph's own hand-off.

    python examples/apps/supervisor.py                      # a script plays the supervisor
    python examples/apps/supervisor.py openai:gpt-5-mini    # with OPENAI_API_KEY

The question is the newest human message, whatever messages of the hand-over follow it. With the
package langgraph-supervisor it is `create_supervisor([graph], model=...)`.
"""

import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from agentflow_graph import Context, Scripted
from agentflow_graph.embed import as_runnable


@tool(return_direct=True)
def to_archipelago() -> Command[Any]:
    """Hand the question over to who knows the people and the towns of the archipelago."""
    return Command(goto="archipelago", graph=Command.PARENT)


script = Scripted([AIMessage("", tool_calls=[ToolCall(name="to_archipelago", args={}, id="1")])])
model = sys.argv[1] if sys.argv[1:] else script
team = StateGraph(MessagesState)
team.add_node("supervisor", create_agent(model, [to_archipelago]), destinations=("archipelago",))
team.add_node("archipelago", as_runnable(Context(temperature=0)))
team.add_edge(START, "supervisor")
found = team.compile().invoke({"messages": [HumanMessage("Who is the mayor of New Bridge?")]})
print(found["messages"][-1].name, found["messages"][-1].text)
