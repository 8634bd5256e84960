"""Every exception the agent raises on its own account.

    AgentFlowError
    ├── SettingError      a setting, model string or tool name that cannot work (also ValueError)
    ├── QuestionError     there is no question to answer (also ValueError)
    ├── ReplyError        a model's reply is not what the module must return (also ValueError)
    ├── ModelError        a model did not answer
    │   ├── OutOfTime     not within the time that the run has left
    │   └── PromptTooLong the prompt does not fit the model's context window
    └── NotWritten        a file cannot be written: the disk is full, the folder is not ours

Only the first two reach a caller of the graph, as the caller's own mistakes; a node that meets the
others makes them a record in the memory. Nodes write no files. Each message carries value, reason
and remedy.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar, Literal

from agentflow_graph.errors.outside import told

Fault = Literal["", "policy", "world", "judge"]
"""Whose doing it is that a run failed; empty where none did.

policy   the planner's: its calls flooded the prompt, or spent the turns, tokens or seconds
world    not the run's own: a server, an engine, a tool's service, the disk
judge    the run ended, and nobody would say whether it is right
"""


class AgentFlowError(Exception):
    """Base of the tree: `except AgentFlowError` catches all of ours.

    Neither its text nor the texts of its causes hold a secret or drive a terminal.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*told(arguments))


class SettingError(AgentFlowError, ValueError):
    """A setting cannot work; raised before anything is spent."""


class QuestionError(AgentFlowError, ValueError):
    """The input holds no question."""


class NotWritten(AgentFlowError):
    """A file cannot be written; what stood there before still does."""


class ReplyError(AgentFlowError, ValueError):
    """A reply lacks what its module needs; the message is fit to be shown to the model."""


class ModelError(AgentFlowError):
    """A model did not answer: server gone, key refused."""

    fault: ClassVar[Fault] = "world"


class OutOfTime(ModelError):
    """A model did not answer within the time that the run has left."""


class PromptTooLong(ModelError):
    """The prompt leaves no room for a reply in the model's context window."""

    fault: ClassVar[Fault] = "policy"


def model_inside(folder: str | Path) -> str:
    """` (did you mean RUN/model?)` where a training's folder was named for its planner's."""
    model = Path(folder) / "model"
    return f" (did you mean {model}?)" if (model / "config.json").is_file() else ""


def closest(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the known name nearest to `name`, or an empty string."""
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
