"""The module start: prompts of the graph, answered as the rules in their place would."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage
from launched import run_program

from agentflow_graph.models.strings import NANO
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.replies.answer import final_answer
from agentflow_graph.replies.json import find_json
from agentflow_graph.replies.verdict import parse_verdict
from rl.planners.modulestart import filled_in, judged, transcripts, written

# The sandbox proves at its start that nothing in it reaches a listening socket of ours.
pytestmark = pytest.mark.enable_socket

Heard = list[tuple[list[BaseMessage], str]]


@pytest.fixture(scope="module")
def heard() -> Heard:
    return transcripts(20, 3, 3)


def of(heard: Heard, words: str) -> Heard:
    return [(messages, reply) for messages, reply in heard if words in messages[0].text]


def test_every_module_is_heard_with_the_prompts_of_the_graph(heard: Heard) -> None:
    executor, verifier = of(heard, "arguments of a tool call"), of(heard, "You judge whether")
    generator = of(heard, "You answer a question from the steps")
    assert len(executor) + len(verifier) + len(generator) == len(heard)
    assert len(executor) == len(verifier) > len(generator) == 20
    for messages, reply in executor:
        arguments = find_json(reply)
        assert list(arguments) in (["query"], ["code"])
        assert f"\nContext: {next(iter(arguments.values()))}" in messages[1].text
    verdicts = [parse_verdict(reply)["complete"] for _, reply in verifier]
    assert set(verdicts) == {True, False}
    assert all(final_answer(reply) for _, reply in generator)


def test_the_rules_are_read_off_the_prompt() -> None:
    asked = "Question: Who is the mayor of Old Harbor?\n\nSteps so far:\nStep 1\n"
    told = asked + "  Result: Old Harbor: a town with mayor Ann Lee and population 4603.\n"
    assert json.loads(judged(told))["complete"] is True
    assert written(told) == "<answer>Ann Lee</answer>"
    failed = asked + "  Result: error: no result about mayor Ann Lee\n"
    assert json.loads(judged(failed))["complete"] is False
    schema = json.dumps({"properties": {"query": {"type": "string"}}, "required": ["query"]})
    prompt = f"Tool: x\nd\nSchema: {schema}\n\nQuestion: q\nSub-goal: s\nContext: Old\nHarbor"
    assert json.loads(filled_in(prompt)) == {"query": "Old\nHarbor"}


@pytest.mark.integration
def test_the_command_teaches_a_model(tmp_path: Path) -> None:
    """As a person starts it: pydantic must find the names of its models."""
    model, out = tmp_path / "model", tmp_path / "modules"
    shutil.copytree(NANO, model)
    steps = ["--steps", "1", "--threads", "1"]
    done = run_program("-m", "rl", "modulestart", "--model", str(model), "--out", str(out), *steps)
    assert done.returncode == 0, done.stderr
    assert trained_under(out)["recipe"] == "module start"
