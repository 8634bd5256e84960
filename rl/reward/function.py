"""A reward function of the user's own, by import path.

    # my_package/rewards.py, with reward.kind=my_package.rewards:brief
    def brief(task: Task, state: State) -> float | None:
        right = by_rule(...)

It may return parts by name, which are summed (`reward.weights`). It may be async. A plain one runs
in a thread, so that it may take its time. None leaves the run unscored; an exception, or a value
that is no number in 0..1, does too, with the reason. Where the exception says that a server is away
(ConnectionError and its like), or no value came in time, it is asked again.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from agentflow_graph.errors import Fault, ModelError, SettingError
from rl.reward.grade import Grade, Reward, graded
from tools.outcomes.extras import unfound

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.reward.task import Task

AWAY = (
    *(ConnectionError, TimeoutError, httpx.TransportError, ModelError),
    *(ModelAPIError, ModelConnectionError, ModelRateLimitError, ModelTimeoutError),
)
"""What a function raises where something that it asks is away: it is asked again."""


def by_function(
    path: str,
    seconds: float,
    weights: Mapping[str, float] | None = None,
    setting: str = "reward.kind",
) -> Reward:
    """The reward that `package.module:function` gives within `seconds` a run.

    Args:
        path: where the function is.
        seconds: that one call may take.
        weights: of the parts that it returns, if it does.
        setting: the name of what names it, for a message.

    Raises:
        SettingError: it cannot be imported, or takes other arguments than (task, state).
    """
    function = imported(path, setting)
    by = f"function:{path}"

    async def reward(task: Task, state: State) -> Grade:
        begun = time.perf_counter()
        value, failed = await asked(function, by, seconds, task, state)
        return failed or graded(value, by, time.perf_counter() - begun, weights)

    return reward


async def asked(
    function: Callable[..., Any], by: str, seconds: float, task: Task, state: State
) -> tuple[Any, Grade | None]:
    """What a function of somebody's returns of a run; or the grade of a run that it failed."""
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(seconds) as clock:
            return await _called(function, task, state), None
    # sys.exit in a reward would end the worker and every run in it.
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}"
        away = clock.expired() or isinstance(error, AWAY)
        if clock.expired():
            why = f"timeout, no reward within reward.seconds={seconds:g}"
        fault: Fault = "world" if away else "judge"
        return None, Grade(None, by, f"{by}: {why}", fault, seconds=time.perf_counter() - begun)


async def _called(function: Callable[..., Any], task: Task, state: State) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(task, state)
    value = await asyncio.to_thread(function, task, state)
    return await value if inspect.isawaitable(value) else value


def imported(path: str, setting: str = "reward.kind") -> Callable[..., Any]:
    """The function at `package.module:function`, which `setting` names.

    Raises:
        SettingError: naming the path, what is wrong and the remedy.
    """
    module, _, name = path.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except Exception as error:  # a module may raise anything while it is imported
        raise SettingError(
            f"{setting}={path!r} cannot be imported: {unfound(path, error)}"
        ) from error
    if not callable(function):
        kind = type(function).__name__
        raise SettingError(f"{setting}={path!r} is not callable but a {kind}; name a function")
    try:
        inspect.signature(function).bind(None, None)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"{setting}={path!r} cannot be called with (task, state), as every reward is "
            f"({error}); write `def {name}(task, state)`"
        ) from error
    checked: Callable[..., Any] = function
    return checked
