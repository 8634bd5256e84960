"""Who is asked, in this process or over HTTP, with connections of each event loop; know no run."""

from agentflow_graph.models.clients.local import LocalPolicy
from agentflow_graph.models.clients.nano import NanoPolicy
from agentflow_graph.models.clients.server import ServerPolicy

__all__ = ["LocalPolicy", "NanoPolicy", "ServerPolicy"]
