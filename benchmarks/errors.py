"""What ends a run or a trial of the benchmark runner.

AgentFlowError
├── SettingError   (the agent's own) bad input, before anything is spent
├── RunStopped     the whole run cannot go on; what is finished is kept, `resume` continues
└── TrialFailed    one trial has no score; the others go on, `resume` tries it again
"""

from agentflow_graph.errors import AgentFlowError


class RunStopped(AgentFlowError):
    """The run cannot go on: the disk is full, the money is spent."""


class TrialFailed(AgentFlowError):
    """One trial ended without a score; never a score of 0."""
