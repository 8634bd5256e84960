"""The verbs of `agentflow`, and what is said of a word that is none of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from agentflow_graph.errors import closest

VERBS = {
    "chat": "hold a conversation",
    "replay": "play recorded runs again, asking nobody",
    "view": "look at recorded runs in a browser",
    "doctor": "say what works here, and what to do about the rest",
}
"""Line of help by verb."""


def program() -> str:
    """The command as it was typed."""
    typed = Path(sys.argv[0]).name
    return typed if typed == "agentflow" else "python -m agentflow_graph"


def told() -> str:
    """The verbs, a line each, for --help."""
    return "\n".join(["verbs:", *(f"  {name:14} {text}" for name, text in VERBS.items())])


def misspelt(words: Sequence[str]) -> str:
    """What is wrong with words that begin like a verb's and have none; empty if nothing is."""
    given = [word for word in words[:2] if not word.startswith("-")]
    if not given or given[0] != words[0] or any(sign.isspace() for sign in words[0]):
        return ""
    near = closest(words[0], VERBS)
    if not near and len(given) < 2:
        return ""
    return (
        f"no verb {words[0]!r}{near}; there are {', '.join(VERBS)}. A question goes in quotes, one "
        f"of a single word through `echo {words[0]} | {program()} -`; training has `python -m rl`"
    )
