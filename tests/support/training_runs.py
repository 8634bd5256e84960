"""Folders of training runs, made up: metrics, and the record of some evaluations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from kept import keep, light_call

from agentflow_graph.record import Record
from rl.reward.task import Task
from rl.rollout import Action, Trajectory

ACTION = Action([1], [2], [-1.0], 0, "stop")


STEP = """
{"kind": "step", "step": 1, "reward": 0.1, "runs": 128, "failed": 0, "turns": 2.5,
 "tool_errors": 0.25, "tools": {"python_coder": 0.4, "wikipedia_search": 0.6},
 "reply_tokens": 16.0, "policy_versions": [0], "groups_used": 12, "groups_dropped": 4,
 "mismatch_max": 3e-6, "mismatch_mean": 4e-7, "kl": 0.01, "clip_ratio": 0.001, "grad_norm": 0.3,
 "lr": 0.001, "rollout_seconds": 2.0, "experience_seconds": 0.5, "update_seconds": 1.0,
 "sync_seconds": 0.02, "wall": 41.0}
"""
SUMMARY = """
{"rollout_engine": "vllm 0.32.0", "trainer": "openrlhf 0.11.2", "train_seconds": 181.5,
 "seconds_to_090": null, "policy_versions_seen": 41, "failed_rollouts": 3}
"""
CONFIG = """
{"steps": 2, "seed": 11, "engine": {"device": "cpu"}, "rollout": {"questions": 16, "group_size": 8}}
"""


def step(number: int, **changed: Any) -> dict[str, Any]:
    known: dict[str, Any] = orjson.loads(STEP)
    return known | {"step": number} | changed


def evaluation(at: int, success: float, temperature: float = 0.7, **changed: Any) -> dict[str, Any]:
    usual = {"kind": "evaluation", "step": at, "temperature": temperature, "n": 300, "wall": 40.0}
    usual |= {"success": success, "interval": [success - 0.0511, success + 0.0522]}
    return usual | {"levels": {"arithmetic": success, "one_hop": 1.0}} | changed


def ran(number: int, reward: float | None, text: str = "plain", **changed: Any) -> Trajectory:
    """A run of two turns: a plan, then a reply that is none; all texts of it are `text`."""
    call = {"tool": text, "arguments": {text: text}, "status": "error", "result": text}
    verdict = {"complete": False, "reason": text}
    plan = {"index": 1, "sub_goal": text, "error": "", "planner": [], "calls": [call]}
    replied = light_call(0, ACTION)
    broken = {"index": 2, "error": text, "planner": [replied], "calls": [call | {"tool": ""}]}
    turns = [turn | {"verdict": verdict} for turn in (plan, broken)]
    state: Any = {"question": f"Question {number} {text}", "turns": turns, "answer": text}
    task = Task(f"q{number}", state["question"], (f"gold {text}",), f"level {number % 3}")
    return replace(Trajectory(task, [ACTION], reward, state=state), **changed)


def of_level(run: Trajectory, level: str) -> Trajectory:
    return replace(run, task=replace(run.task, level=level))


def lay(run: Path, entries: list[dict[str, Any]], **batches: list[Trajectory]) -> Path:
    """A run folder; `heldout_00040_0_7=[...]` are the runs of a batch in its record."""
    run.mkdir(parents=True)
    lines = b"".join(orjson.dumps(line) + b"\n" for line in entries)
    (run / "metrics.jsonl").write_bytes(lines)
    for name, runs in batches.items():
        kind, step, *temperature = name.split("_")
        batch = f"{kind}-{step}-{'.'.join(temperature)}"
        record = Record(run / "record" / batch)
        for each in runs:
            keep(record, batch, 0, each, texts=[each.state.get("answer", "")])
        record.close()
    return run


def finished(run: Path, text: str = "plain") -> Path:
    """A whole run of two steps."""
    entries = [
        evaluation(0, 0.25, levels={text: 0.2}),
        evaluation(0, 0.125, 0.0),
        step(1, tools={text: 1.0}),
        step(2),
        evaluation(2, 0.875, levels={text: 0.9}),
        evaluation(2, 0.9375, 0.0),
    ]
    before = [of_level(ran(n, float(n > 6), text), text) for n in range(10)]
    after = [of_level(ran(n, float(n > 1), text), text) for n in range(10)]
    lay(run, entries, heldout_00000_0_7=before, heldout_00002_0_7=after)
    config = orjson.loads(CONFIG) | {"model": {"path": text}}
    summary = orjson.loads(SUMMARY) | {"failures": {text: 3}}
    (run / "config.yaml").write_text(json.dumps(config))
    (run / "summary.json").write_bytes(orjson.dumps(summary))
    return run
