"""How fast the servers of the frozen modules are: a few calls to each, made only with `--probe`.

Prompts are of random words, each of its own, so that no cached beginning helps.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentflow_graph.errors import AgentFlowError, SettingError
from agentflow_graph.models.strings import chat_model, servers_of
from rl.preflight.price.cost import Cost
from rl.settings.config import Config

AT_ONCE = 8
WORDS, REPLY = 500, 64
"""Words of a long prompt, and tokens of a long reply."""
SECONDS = 120.0
"""Most of them for the calls of one kind at one server."""
CHARACTERS = 4
"""Of a token, about; for what the judge reads."""


@dataclass(frozen=True)
class Speed:
    """One server, asked `AT_ONCE` things at a time; tokens a second of all of them together."""

    address: str
    prompt: float = 0.0
    reply: float = 0.0
    failure: str = ""


@dataclass(frozen=True)
class Probe:
    """What was measured, and what a step takes of it."""

    speeds: tuple[Speed, ...]
    seconds: float | None
    """Of a step, at most, for the slowest pool; None where a pool has no server with a speed."""
    not_asked: tuple[str, ...]
    """Model strings of providers: a call may cost."""


def probe(config: Config, price: Cost) -> Probe:
    """Measure every server that the modules, the tools' model and the judge name."""
    specs = specs_of(config, price)
    pools = {spec: found for spec in specs.values() if (found := _servers(spec))}
    servers = dict.fromkeys((name, base) for name, bases in pools.values() for base in bases)
    speeds = {server: asyncio.run(_measured(*server)) for server in servers}
    seconds = [
        _seconds(
            price,
            config,
            [module for module, one in specs.items() if pools.get(one) == pool],
            [speeds[pool[0], base] for base in pool[1]],
        )
        for pool in dict.fromkeys(pools.values())
    ]
    whole = None if None in seconds else max((one for one in seconds if one), default=None)
    others = tuple(dict.fromkeys(spec for spec in specs.values() if spec not in pools))
    return Probe(tuple(speeds.values()), whole, others)


def specs_of(config: Config, price: Cost) -> dict[str, str]:
    """The model strings of all that is called in a step but the planner."""
    context = config.context()
    given = {module: getattr(context, module, "") for module in price.calls if module != "planner"}
    return given | ({"judge": config.reward.judge} if "judge" in price.calls else {})


def _servers(spec: str) -> tuple[str, tuple[str, ...]] | None:
    try:
        return servers_of(spec)
    except SettingError:  # a finding of the dry run says so
        return None


async def _measured(name: str, base: str) -> Speed:
    model = f"vllm:{name}@{base}?retries=0"
    try:
        async with asyncio.timeout(2 * SECONDS):
            prompt = await _rate(model, 1, "input_tokens", WORDS)
            return Speed(base, prompt, await _rate(model, REPLY, "output_tokens", 0))
    except TimeoutError:
        return Speed(base, failure=f"no answers in {2 * SECONDS:g} s")
    except AgentFlowError as error:
        return Speed(base, failure=str(error))


async def _rate(spec: str, reply: int, counted: str, words: int) -> float:
    """Tokens a second, of `AT_ONCE` calls together; one before them opens the connection."""
    model, rng = chat_model(spec, 1.0, reply), random.Random()

    def asked() -> str:
        noise = " ".join(f"{rng.randrange(10**6)}" for _ in range(words))
        return f"{noise} Count from {rng.randrange(10**6)} up, one number a line, without an end."

    await model.ainvoke("Say yes.")
    begun = time.perf_counter()
    replies: list[Any] = await asyncio.gather(*(model.ainvoke(asked()) for _ in range(AT_ONCE)))
    tokens = sum(message.usage_metadata[counted] for message in replies)
    return float(tokens / (time.perf_counter() - begun))


def _seconds(price: Cost, config: Config, modules: list[str], pool: list[Speed]) -> float | None:
    """What the calls of `modules` take a pool."""
    prompt, reply = sum(one.prompt for one in pool), sum(one.reply for one in pool)
    if not prompt or not reply:
        return None
    given, new = tokens(price, config, modules)
    return given / prompt + new / reply


def tokens(price: Cost, config: Config, modules: list[str]) -> tuple[int, int]:
    """Prompt and reply tokens of a step's calls, at most; rules and cards are not counted."""
    context = config.context()
    calls = sum(price.calls[module] for module in modules if module != "judge")
    judge = "judge" in modules
    given = calls * context.memory_tokens + judge * price.judge_prompt_characters // CHARACTERS
    return given, calls * context.reply_tokens + judge * price.judge_reply_tokens


def describe(found: Probe) -> Iterator[str]:
    """What was measured, for a reader, with what the estimate assumes."""
    for one in found.speeds:
        said = f"prompt {one.prompt:,.0f}, reply {one.reply:,.0f} tokens a second"
        yield f"probe: {one.address}: {one.failure or said}"
    for spec in found.not_asked:
        yield f"probe: {spec}: not asked, for a call may cost"
    if found.seconds is not None:
        yield (
            f"seconds of a step at the frozen modules' servers: {found.seconds:,.0f} at most. "
            f"Assumed: every call as long as it may be; no cached prefixes; servers no faster than "
            f"with {AT_ONCE} calls at once, though with more they mostly are; a pool's servers "
            "share the calls. Planner, tools and update are not in it"
        )


def record(found: Probe | None) -> Mapping[str, Any] | None:
    """The same for a program."""
    if found is None:
        return None
    return {
        "servers": [vars(one) for one in found.speeds],
        "seconds": found.seconds,
        "not_asked": list(found.not_asked),
        "at_once": AT_ONCE,
    }
