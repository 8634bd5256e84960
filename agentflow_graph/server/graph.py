"""The graph that `langgraph.json` names: callers set what the operator lets them."""

from agentflow_graph.graph import build_graph
from agentflow_graph.nodes.operator import Operator

graph = build_graph(operator=Operator.of_environment())
