"""The models that the settings name: can they be made, and does their server have them?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.messages import HumanMessage

from agentflow_graph.context import RULES, Context, is_rule
from agentflow_graph.errors import AgentFlowError
from agentflow_graph.models.clients.served import UNLISTED, lacking, models_at
from agentflow_graph.models.strings import chat_model, servers_of
from agentflow_graph.terminal.settings import MODELS
from tools.outcomes.finding import Finding, failure, ok, warning

PATIENCE = 60.0
"""Seconds for one real call; a model of this machine is loaded in them."""


async def models(context: Context, live: bool) -> AsyncIterator[Finding]:
    """A finding for each model of `context`, with the modules that use it.

    Args:
        context: the settings.
        live: make one real call of each.
    """
    users: dict[str, list[str]] = {}
    for module in MODELS:
        spec = getattr(context, module)
        if spec not in ("", "off") and not is_rule(module, spec):
            users.setdefault(spec, []).append(module)
    for spec, names in users.items():
        yield await asyncio.to_thread(_at_rest, ", ".join(names), spec, context)
        if live:
            yield await _called(", ".join(names), spec, context)
    forms = {name: getattr(context, name) for name in RULES}
    rules = [f"{name} {form}" for name, form in forms.items() if is_rule(name, form)]
    if rules:
        yield ok("rules", ", ".join(rules))


def _at_rest(part: str, spec: str, context: Context) -> Finding:
    remedy = "correct the setting; docs/models.md has the forms"
    try:
        chat_model(spec, context.temperature, context.reply_tokens)
        served = servers_of(spec)
    except AgentFlowError as error:
        return failure(part, str(error), remedy)
    if served is None:
        return ok(part, f"{spec}: can be asked")
    name, bases = served
    told = {base: models_at(base) for base in bases}
    if UNLISTED in told.values():  # it may serve all the same: only a question tells
        base = next(base for base, models in told.items() if models == UNLISTED)
        return warning(part, *(lacking(name, base, UNLISTED) or ("", "")))
    lacks = [lack for base, models in told.items() if (lack := lacking(name, base, models))]
    if len(lacks) == len(bases):
        return failure(part, *lacks[0])
    if lacks:  # the others do its work
        return warning(part, *lacks[0])
    return ok(part, f"{name} at {', '.join(bases)}")


async def _called(part: str, spec: str, context: Context) -> Finding:
    model: Any = chat_model(spec, context.temperature, 16)
    try:
        async with asyncio.timeout(PATIENCE):
            reply = await model.ainvoke([HumanMessage("Answer with the word ready.")])
    except TimeoutError:
        return failure(part, f"{spec}: no answer in {PATIENCE:g} s", "look at the server's log")
    except AgentFlowError as error:
        return failure(part, str(error))
    return ok(part, f"{spec} answered: {str(reply.text).strip()[:60]!r}")
