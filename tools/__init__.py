"""LangChain tools that an AgentFlow planner can pick; knows nothing of graphs or training.

    from tools.catalog.catalog import load
    coder, = load(["python_coder"])
    text = await coder.ainvoke({"code": "4738 * 37"})      # "175306"

Importing this package costs nothing; each tool loads what it needs on its first call. From top to
bottom: `catalog`, the tools in a file each, `web`, `wiki`, `sandbox`, `services`, `base`,
`outcomes`.
"""

AGENTFLOW = True
"""Tells this package from any other that is called `tools` and stands earlier on the path."""
