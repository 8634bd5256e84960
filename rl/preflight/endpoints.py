"""The servers of the frozen modules: do they answer, and do they serve the model that is wanted?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from agentflow_graph.context import is_rule
from agentflow_graph.errors import SettingError
from agentflow_graph.models.clients.served import SECONDS, lacking, models_at
from agentflow_graph.models.strings import chat_model, servers_of
from rl.reward import reward_of
from rl.settings.config import Config
from tools.outcomes.finding import Finding, failure, ok, warning

MODULES = ("analysis", "executor", "verifier", "generator", "tool_model")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def endpoints(config: Config, seconds: float = SECONDS) -> Iterator[Finding]:
    """A finding for each module but the planner, and the reward; each server is asked once."""
    answers: dict[str, list[dict[str, Any]] | str] = {}
    for module in MODULES:
        spec = getattr(config.context(), module)
        if is_rule(module, spec):
            yield ok(module, f"rule: {spec}")
        elif spec in ("", "off"):
            yield ok(module, "off")
        else:
            yield from _model(config, module, f"agent.{module}", spec, answers, seconds)
    yield from _reward(config, answers, seconds)


def _reward(
    config: Config, answers: dict[str, list[dict[str, Any]] | str], seconds: float
) -> Iterator[Finding]:
    reward = config.reward
    for field, spec in reward.judges.items():
        yield from _model(config, "judge", field, spec, answers, seconds)
    try:
        reward_of(reward)
    except SettingError as error:
        yield failure("reward", str(error), "correct reward.kind or reward.judge")
    else:
        yield ok("reward", ", ".join(f"{name}.kind={one.kind}" for name, one in reward.graders()))


def _model(
    config: Config,
    part: str,
    field: str,
    spec: str,
    answers: dict[str, list[dict[str, Any]] | str],
    seconds: float,
) -> Iterator[Finding]:
    try:
        served = servers_of(spec)
    except SettingError as error:
        yield failure(part, str(error), f"correct {field}")
        return
    if served is None:
        yield _built(part, field, spec)
        return
    name, bases = served
    for base in bases:
        if base not in answers:
            answers[base] = models_at(base, seconds)
    yield from tolerant([_found(part, field, name, base, answers[base]) for base in bases])
    for base in bases:
        yield from _reach(config, part, base)


def tolerant(pool: Sequence[Finding]) -> Iterator[Finding]:
    """The findings of a pool's servers: where one of them is there, it does the others' work."""
    some = any(finding.state == "ok" for finding in pool)
    for one in pool:
        lame = some and one.state == "failed"
        yield warning(one.part, one.text, one.remedy) if lame else one


def _found(
    part: str, field: str, name: str, base: str, models: list[dict[str, Any]] | str
) -> Finding:
    if lack := lacking(name, base, models, field):
        return failure(part, *lack)
    served = models if isinstance(models, list) else []
    window = next(model for model in served if model["id"] == name).get("max_model_len")
    return ok(part, f"{name} at {base}" + (f", window {window:,} tokens" if window else ""))


def _reach(config: Config, part: str, base: str) -> Iterator[Finding]:
    """Graph workers run on every machine of the cluster, and loopback is another one on each."""
    if config.placement.nodes > 1 and urlsplit(base).hostname in LOOPBACK:
        text = f"{base} is loopback: workers on the other {config.placement.nodes - 1} machine(s) "
        remedy = "open a tunnel there too, or write an address that every machine reaches"
        yield warning(part, f"{text}ask their own", remedy)


def _built(part: str, field: str, spec: str) -> Finding:
    """A provider's model is built, so a missing key shows; it is not asked, for that may cost."""
    try:
        chat_model(spec, 0.0, 16)
    except SettingError as error:
        return failure(part, str(error), f"correct {field}, or set the provider's key")
    return ok(part, f"{spec}; built, not asked")
