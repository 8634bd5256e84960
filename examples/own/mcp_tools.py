"""Tools of an MCP server: this file is the server too, which the agent starts by its command.

    python examples/own/mcp_tools.py

A server that runs already is `Context(tools="mcp:http://127.0.0.1:8000/mcp")`. A script plays the
planner. It needs the extra `mcp`, which `make setup` brings.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp.server.mcpserver import MCPServer

server = MCPServer("maps")


@server.tool()
def distance(town: str) -> str:
    """Tell how far a town is from the capital."""
    return f"{town}: the distance is {40 + len(town)} miles"


if sys.argv[1:] == ["serve"]:
    server.run()
else:
    from agentflow_graph import Context, Scripted, build_graph, planned
    from agentflow_graph.embed import ask

    with TemporaryDirectory() as folder:
        file = Path(folder) / "servers.json"
        started = {"command": sys.executable, "args": [__file__, "serve"]}
        file.write_text(json.dumps({"mcpServers": {"maps": started}}))
        planner = Scripted([planned("distance", "New Castle")])
        agent = build_graph(models={"planner": planner})
        context = Context(tools=f"default,mcp:{file}")
        print(ask("What distance is it to New Castle?", context, agent)["answer"])
