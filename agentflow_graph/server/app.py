"""The app that `langgraph.json` names: the gate before every route of LangGraph's server."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from agentflow_graph.server.gate import Gate

app = Starlette(middleware=[Middleware(Gate)])
