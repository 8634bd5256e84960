"""What a run goes by when it goes on: its settings and its memory, as its state has them.

Settings belong to the run: resolved once at its start, kept in its state, read there by all. A
resume, a fork, an edit and a replay read them there. What a caller gives with a resume must be the
same, or nothing: a person's no is not undone because a client forgot `approve`.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.state import State


def settings_of(state: State, given: object) -> Context:
    """The settings of the run that `state` belongs to.

    Args:
        state: of the run.
        given: what came with this call, in any form: see `Context.given`.

    Raises:
        SettingError: `given` names another value than the run began with, or the state holds
            settings that cannot be.
    """
    kept = state.get("settings")
    if not kept:  # made by hand, without START
        return Context.given(given)
    context = _read(kept)
    asked = explicit(given)
    other = {name: value for name, value in asked.items() if getattr(context, name) != value}
    if not other:
        return context
    if not state.get("turns") and not state.get("answer"):
        return context.model_copy(update=other)  # nothing was done under the others yet
    told = ", ".join(f"{name}={value!r}" for name, value in other.items())
    kept_values = ", ".join(f"{name}={getattr(context, name)!r}" for name in other)
    raise SettingError(
        f"{told} came with a resume, but this run began with {kept_values} and keeps that: resume "
        "without it, edit `settings` in the state, or ask a new question"
    )


def _read(kept: Mapping[str, Any]) -> Context:
    """The settings in a state, which every node of a run reads anew: checked once."""
    try:
        return _checked(json.dumps(kept))
    except TypeError:  # an edit put objects there: what is wrong with them is said of them
        return Context(**kept)


@lru_cache(maxsize=64)
def _checked(kept: str) -> Context:
    return Context(**json.loads(kept))


def explicit(given: object) -> dict[str, Any]:
    """The settings that a caller named, checked; a whole Context names those that were given."""
    context = Context.given(given)
    return {name: getattr(context, name) for name in context.model_fields_set}


_PLANNED = ("executor", "approval", "verifier")


def check_memory(module: str, state: State) -> None:
    """Raises SettingError where an edit of the state took away what a module works on."""
    if module not in _PLANNED or state["stopped_by"]:
        return
    last = state["turns"][-1] if state["turns"] else None
    needed = {"tool", "context", "sub_goal"}
    if last is None or not (last.get("error") or needed <= last.keys()):
        what = f"turn {last['index']} has no plan" if last else "there is no turn"
        raise SettingError(
            f"{what} for the {module} to work on: an edit of `turns` took it away; edit the turn "
            f"with {', '.join(sorted(needed))}, or go on from before the planner"
        )
