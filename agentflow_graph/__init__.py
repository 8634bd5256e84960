"""AgentFlow on LangGraph, the agent alone: it knows neither benchmarks nor training.

from agentflow_graph import graph, build_graph, Context
"""

from agentflow_graph.context import Context
from agentflow_graph.errors import AgentFlowError
from agentflow_graph.graph import build_graph, graph
from agentflow_graph.state import State

__all__ = ["AgentFlowError", "Context", "State", "build_graph", "graph"]
