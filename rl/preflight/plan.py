"""The dry run: everything checked that can be before a run, its plan, and what a step will cost.

    python -m rl.train --config rl/configs/nano.yaml --dry-run [--json] [--probe] [key=value ...]

Nothing is started, downloaded or written. With `--probe` a few calls measure each server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from agentflow_graph.errors import SettingError
from rl.preflight.agent import agent
from rl.preflight.endpoints import endpoints
from rl.preflight.machine import Machine, device_bytes, disk, gpus, tracking, versions
from rl.preflight.memory import memory
from rl.preflight.planner import Planner, planner
from rl.preflight.price import speed
from rl.preflight.price.cost import Cost, cost
from rl.preflight.questions import questions
from rl.preflight.reference import reference
from rl.run.folder import place_of_run
from rl.settings.config import Config
from tools.outcomes.finding import Finding, warning


def dry_run(config: Config, as_json: bool = False, probe: bool = False) -> None:
    """Check, and print the findings and the plan.

    Raises:
        SettingError: at least one check failed.
    """
    findings = list(examine(config))
    price = cost(config)
    measured = speed.probe(config, price) if probe else None
    if as_json:
        told = record(config, findings, price) | {"probe": speed.record(measured)}
        print(json.dumps(told, indent=2))
    else:
        lines = [*table(findings), "", *describe(config, price)]
        print("\n".join([*lines, *(speed.describe(measured) if measured else ())]))
    if bad := [finding for finding in findings if finding.state == "failed"]:
        # Once more, for they stand between many that are well.
        again = "".join(f"\n  {each.part}: {each.text}; {each.remedy}" for each in bad)
        raise SettingError(
            f"{len(bad)} of {len(findings)} checks failed; nothing was started{again}"
        )


def examine(config: Config, machine: Machine | None = None) -> Iterator[Finding]:
    """Every finding, in the order in which a run would meet the matter."""
    machine = machine or Machine.here()
    known = Planner()
    yield place_of_run(config.run)
    yield from versions(config)
    yield from tracking(config)
    yield from planner(config, known)
    yield from reference(config)
    yield from endpoints(config)
    yield from questions(config, known)
    yield from agent(config, known)
    yield from gpus(config, machine)
    if known.shape:
        yield from memory(config, known.shape, device_bytes(config, machine), machine.memory)
        yield from disk(config, known.shape)
    else:
        remedy = "mend what failed above; both depend on the planner's size"
        yield warning("memory and disk", "not looked at: the planner is unknown", remedy)


def table(findings: Sequence[Finding]) -> Iterator[str]:
    """One line a finding, with its remedy on the next."""
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        yield finding.render(width)


def describe(config: Config, price: Cost) -> Iterator[str]:
    """The plan and its cost for a reader."""
    rollout, place, engine = config.rollout, config.placement, config.engine
    device = f"{place.nodes} machine(s) x {place.gpus} GPU(s), colocate: {place.colocate}"
    if engine.device == "cpu":
        device = "on CPU"
    yield (
        f"plan: {config.steps} steps of {rollout.questions} questions x {rollout.group_size} runs, "
        f"at most {config.context().max_turns} turns; policy {device}; {engine.count} engine(s)"
    )
    yield from _step(config, price)
    yield f"evaluations: {price.evaluations}, of at most {price.evaluation_runs:,} runs each"
    yield from _seconds(config, price)


def _step(config: Config, price: Cost) -> Iterator[str]:
    yield "a step, at most:"
    calls = ", ".join(f"{name} {count:,}" for name, count in price.calls.items())
    yield f"  model calls: {calls}; tool calls {price.tool_calls:,}"
    yield (
        f"  planner tokens: prompt {price.planner_prompt_tokens:,}, "
        f"reply {price.planner_reply_tokens:,}"
    )
    if price.frozen_reply_tokens:
        yield (
            f"  frozen modules' tokens: memory in prompts {price.frozen_prompt_tokens:,}, "
            f"reply {price.frozen_reply_tokens:,}"
        )
    if price.judge_reply_tokens:
        yield (
            f"  judge: question and answer {price.judge_prompt_characters:,} characters, "
            f"reply {price.judge_reply_tokens:,} tokens"
        )
    yield f"  optimizer steps: {price.optimizer_steps:,} of {config.optimizer.batch_rows} rows"


def _seconds(config: Config, price: Cost) -> Iterator[str]:
    if price.seconds is None:
        yield "seconds: not known; no folder next to this one holds a run with these settings"
        return
    whole = price.seconds * config.steps / 60
    yield (
        f"seconds: {price.seconds:g} a step ({price.basis}), {whole:,.1f} minutes for all steps, "
        "start and evaluations not counted"
    )


def record(config: Config, findings: Sequence[Finding], price: Cost) -> dict[str, Any]:
    """The same for a program."""
    return {
        "ready": not any(finding.state == "failed" for finding in findings),
        "findings": [asdict(finding) for finding in findings],
        "step": asdict(price),
        "config": json.loads(config.model_dump_json()),
    }
