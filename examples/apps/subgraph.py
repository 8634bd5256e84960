"""The agent as one step of a graph with a state of its own.

    python examples/apps/subgraph.py

Keys of the same name (`question`, `answer`, `messages`, ...: docs/state.md) would be shared if the
graph itself were the node. Where the parent calls things otherwise, a node translates, as here.
"""

import asyncio
from typing import TypedDict

from langgraph.graph import START, StateGraph

from agentflow_graph import Context
from agentflow_graph.embed import as_runnable

agent = as_runnable(Context(temperature=0))


class Letter(TypedDict, total=False):
    """The parent's state."""

    town: str
    mayor: str
    text: str


async def look_up(state: Letter) -> Letter:
    """Ask the agent, and take the one thing that is wanted of its state."""
    found = await agent.ainvoke(f"Who is the mayor of {state['town']}?")
    return {"mayor": found["answer"]}


writing = StateGraph(Letter)
writing.add_node("look_up", look_up)
writing.add_node("write", lambda state: {"text": f"Dear {state['mayor']},"})
writing.add_edge(START, "look_up")
writing.add_edge("look_up", "write")
print(asyncio.run(writing.compile().ainvoke({"town": "New Bridge"}))["text"])
