"""A tool of your own in the loop, seen working without a key: a script plays the planner.

    python examples/own/own_tool.py

The planner's reply is three lines; `planned` writes them. The executor `direct` gives Context to a
tool that takes one text. The rule `sufficient` stops the run, since the question asks for a
temperature and the result says "temperature" and a value. With a model of yours leave `models`
out and give `Context(planner="openai:gpt-5-mini", executor=..., verifier=..., generator=...)`.
"""

from langchain_core.tools import tool

from agentflow_graph import Scripted, build_graph, planned
from agentflow_graph.embed import ask


@tool
def weather(town: str) -> str:
    """Tell the weather of a town. Give the town's name."""
    known = {"Old Harbor": 11, "New Hill": 4}
    if town not in known:
        return f"no weather of {town!r}; known are {', '.join(known)}"
    return f"{town}: the temperature is {known[town]}, and it rains"


planner = Scripted(
    [
        planned("weather", "the old harbor"),
        planned("weather", "Old Harbor", sub_goal="ask again, with the town's own name"),
    ]
)
agent = build_graph(models={"planner": planner}, tools=[weather])
state = ask("What temperature is it in Old Harbor?", agent=agent)
for turn in state["turns"]:
    print(turn["index"], turn["calls"][0]["status"], turn["calls"][0]["result"])
print(state["answer"], "stopped by", state["stopped_by"])
