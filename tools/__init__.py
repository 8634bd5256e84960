"""LangChain tools an AgentFlow planner can pick: a model, a Python sandbox, an encyclopedia.

    from tools.catalog.catalog import load
    coder, = load(["python_coder"])
    text = await coder.ainvoke({"code": "4738 * 37"})      # "175306"

Importing this package costs nothing; each tool loads what it needs on its first call.
"""

AGENTFLOW = True
"""Tells this package from any other that is called `tools` and stands earlier on the path."""
