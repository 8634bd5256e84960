"""What the tests of training share.

Integration tests: one small warm-started planner. Unit tests: a tokenizer, a scripted policy and
trajectories made by hand.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from agentflow_graph.policy import Completion, PolicyTokenizer, Sampling
from agentflow_graph.state import ModelCall, State, ToolCall, Turn
from benchmarks.almanac.questions import Level, Split, questions
from benchmarks.almanac.world import World
from rl import nano
from rl.rollout import Action, Task, Trajectory

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

ROOT = Path(__file__).parents[2]

EASY: tuple[Level, ...] = ("arithmetic", "one_hop", "two_hops")


def environment(**more: str) -> dict[str, str]:
    """The environment of a program of ours run from the tree."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def run_program(*words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` from the tree's root."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def write_questions(path: Path, split: Split, n: int, seed: int = 0) -> Path:
    """Almanac questions of the easy levels as a JSONL file."""
    asked = questions(World(), split, n, seed, EASY)
    rows = [{"id": q.id, "question": q.text, "answer": q.answer, "level": q.level} for q in asked]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


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
    question: str, reward: float | None, turns: int = 1, mark: int = 10, level: str = ""
) -> Trajectory:
    """A run of `turns` planner turns; turn t says t + 1 tokens, all of them `mark + t`."""
    task = Task(question, f"question {question}?", "4821", level)
    if reward is None:
        return Trajectory(task, failure="it broke", seconds=1.0)
    actions = [
        Action([1, 2, 3], [mark + t] * (t + 1), [-0.5] * (t + 1), t, "stop") for t in range(turns)
    ]
    calls = [ModelCall(text="", token_ids=action.token_ids) for action in actions]
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
