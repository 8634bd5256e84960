"""The agent inside a LangChain chain: a prompt before it, a parser behind it.

    python examples/apps/lcel_chain.py

Nothing is needed: the nano planner answers. `as_runnable` holds its settings; it takes a prompt,
messages, or plain text, and gives the finished state (docs/state.md).
"""

from langchain_core.prompts import ChatPromptTemplate

from agentflow_graph import Context, Finished
from agentflow_graph.embed import as_runnable


def short(state: Finished) -> str:
    """The answer, and what it took."""
    return f"{state['answer']} (turns: {len(state['turns'])}, {state['stopped_by']})"


prompt = ChatPromptTemplate.from_messages([("human", "Who is the mayor of {town}?")])
chain = prompt | as_runnable(Context(temperature=0)) | short
print(chain.invoke({"town": "New Bridge"}))
print(*chain.batch([{"town": "New Bridge"}, {"town": "New Grove"}]), sep="\n")
