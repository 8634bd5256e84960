"""AgentFlow on LangGraph, the agent alone: it knows neither benchmarks nor training.

from agentflow_graph import graph, build_graph, Context
"""

import os
import signal
import sys

COMMANDS = ("agentflow", "agentflow-bench", "agentflow-train")
PACKAGES = ("agentflow_graph", "agentflow_parts", "benchmarks", "rl")
"""In a wheel the others lie below `agentflow_parts`."""


def _is_command() -> bool:
    """Whether this process runs a command of ours, and is on the way to it."""
    started = vars(sys.modules["__main__"]).get("__spec__")
    name = started.name if started else sys.argv[0].rpartition("/")[2] if sys.argv else ""
    if name == "-m":  # our own package is being looked up: its name is among the words
        return any(word.partition(".")[0] in PACKAGES for word in sys.orig_argv)
    return name in COMMANDS or name.partition(".")[0] in PACKAGES


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)


if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # What follows takes seconds to load; Ctrl-C is to end that without a traceback. The command
    # itself gives the signal back: `tools.outcomes.interrupts`.
    signal.signal(signal.SIGINT, _leave)

try:
    from agentflow_graph.context import Context
    from agentflow_graph.errors import AgentFlowError
    from agentflow_graph.graph import build_graph, graph
    from agentflow_graph.models.scripted import Scripted, planned
    from agentflow_graph.state import Finished, State
except ModuleNotFoundError as error:
    from agentflow_graph.errors.packages import tell

    tell(error, PACKAGES, _is_command())
    raise

__all__ = [
    "AgentFlowError",
    "Context",
    "Finished",
    "Scripted",
    "State",
    "build_graph",
    "graph",
    "planned",
]
