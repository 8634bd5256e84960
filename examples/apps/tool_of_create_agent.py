"""The agent as a tool of another one, made with LangChain's `create_agent`.

    python examples/apps/tool_of_create_agent.py                    # a script: no key
    python examples/apps/tool_of_create_agent.py openai:gpt-5-mini  # with OPENAI_API_KEY

A run that fails is a tool message with the status `error`, so the outer model can go on without.
"""

import sys

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall

from agentflow_graph import Context, Scripted
from agentflow_graph.embed import as_tool

QUESTION = "What is the population of New Bridge?"


def conclude(messages: list[BaseMessage]) -> str:
    """What a model would make of the tool's result."""
    return f"According to {messages[-1].name}: {messages[-1].text}"


call = ToolCall(name="archipelago", args={"question": QUESTION}, id="1")
script = Scripted([AIMessage("", tool_calls=[call]), conclude])
knows = "Answers questions about the people and the towns of the archipelago."
tool = as_tool(Context(temperature=0), name="archipelago", description=knows)
agent = create_agent(sys.argv[1] if sys.argv[1:] else script, tools=[tool])
for message in agent.invoke({"messages": [HumanMessage(QUESTION)]})["messages"]:
    print(f"{message.type}: {message.text or message.tool_calls[0]['args']}")
