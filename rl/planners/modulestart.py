"""A language model learns to be executor, verifier and generator: the same model for all three.

    python -m rl modulestart --model runs/smollm2 --out runs/smollm2-modules

The transcripts are the graph's own: its prompts to the three modules, in runs of the almanac by the
oracle and by the babbler, answered as the rules in their place would (`direct`, `sufficient`,
`extractive`). So after the start the model writes JSON that fits a tool's schema, verdicts, and
answers in their tag; it knows no more than the rules did. Serve it with

    python -m rl serve runs/smollm2-modules --name modules --port 8001

and set executor, verifier and generator to `vllm:modules@http://127.0.0.1:8001/v1`.

Exit codes: 0 done, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agentflow_graph.context import Context
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import build_graph
from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.nodes.parts.rules import best_effort, extract
from agentflow_graph.state import ToolCall, Turn
from benchmarks.almanac import oracle
from benchmarks.almanac.questions import questions
from benchmarks.almanac.scripted import ScriptedPlanner, asked_in
from benchmarks.almanac.world import World
from rl.planners.formatstart import learn
from rl.planners.supervised import Example, Recipe
from rl.settings.arguments import check_new, check_planner, positive
from rl.settings.errors import exit_code

_RESULT = re.compile(r"^ *Result: (.*)$", re.MULTILINE)
_FAILED = re.compile(r"(error|timeout|unavailable): ")
Hear = Callable[[Sequence[BaseMessage], str], None]


@dataclass(frozen=True)
class ModuleStart(Recipe):
    """The recipe."""

    steps: int = 20
    batch: int = 12
    lr: float = 3e-4
    muon_lr: float = 0.0
    warmup: int = 4
    trajectories: int = 60
    max_turns: int = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl modulestart", description="Teach a language model the modules' formats."
    )
    parser.add_argument("--model", type=Path, required=True, help="folder to start from")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new model")
    parser.add_argument("--steps", type=positive, default=ModuleStart.steps)
    parser.add_argument("--seed", type=int, default=ModuleStart.seed)
    parser.add_argument("--threads", type=positive, default=ModuleStart.threads)
    chosen = vars(parser.parse_args(arguments))
    model, out = chosen.pop("model"), chosen.pop("out")
    return exit_code(lambda: module_start(model, out, ModuleStart(**chosen)))


def module_start(
    model: Path, out: Path, recipe: ModuleStart, say: Callable[[str], None] = print
) -> None:
    """Make a model in `out` from the one in `model`.

    Raises:
        SettingError: there is no model, or `out` exists.
    """
    check_planner(model)
    check_new(out)
    tokenizer = PolicyTokenizer.load(model)
    heard = transcripts(recipe.trajectories, recipe.seed, recipe.max_turns)
    examples = [example(tokenizer, messages, reply) for messages, reply in heard]
    say(f"{len(examples)} calls of the three modules")
    learn(model, out, examples, recipe, {"recipe": "module start", "seed": recipe.seed}, say)


def transcripts(runs: int, seed: int, max_turns: int) -> list[tuple[list[BaseMessage], str]]:
    """Every call of the three modules in so many runs, half of them by each planner."""
    heard: list[tuple[list[BaseMessage], str]] = []

    def hear(messages: Sequence[BaseMessage], reply: str) -> None:
        heard.append((list(messages), reply))

    clerks = {
        "executor": Clerk(answer=filled_in, hear=hear),
        "verifier": Clerk(answer=judged, hear=hear),
        "generator": Clerk(answer=written, hear=hear),
    }
    asked = [q.text for q in questions(World(), "train", runs, seed)]
    context = Context(layout="terse", max_turns=max_turns, passages=1, repairs=0)

    async def run() -> None:
        for decide, some in (
            (oracle.plan, asked[: runs // 2]),
            (partial(_babble, seed), asked[runs // 2 :]),
        ):
            graph = build_graph({"planner": ScriptedPlanner(decide=decide), **clerks})
            await asyncio.gather(*(graph.ainvoke({"question": q}, context=context) for q in some))

    asyncio.run(run())
    return sorted(heard, key=lambda one: ([message.text for message in one[0]], one[1]))


def _babble(seed: int, question: str, results: Sequence[str]) -> oracle.Plan:
    return oracle.babble(random.Random(f"{seed}\n{question}\n{results}"), question, results)


def filled_in(prompt: str) -> str:
    """The executor's reply: the context as the one text that the tool needs."""
    schema = json.loads(prompt.partition("\nSchema: ")[2].splitlines()[0])
    names = schema.get("required") or list(schema["properties"])
    return json.dumps({names[0]: prompt.rpartition("\nContext: ")[2]})


def judged(prompt: str) -> str:
    """The verifier's reply."""
    complete = extract(asked_in(prompt), _turns(prompt)) is not None
    reason = "a result says it" if complete else "no result says it yet"
    return json.dumps({"complete": complete, "reason": reason})


def written(prompt: str) -> str:
    """The generator's reply."""
    return f"<answer>{best_effort(asked_in(prompt), _turns(prompt))}</answer>"


def _turns(prompt: str) -> list[Turn]:
    """What the rules need of the turns that a prompt shows."""
    found = _RESULT.findall(prompt)
    calls = [
        ToolCall(tool="", arguments={}, status="ok", result=text, seconds=0.0)
        for text in found
        if not _FAILED.match(text)
    ]
    return [Turn(index=1, calls=calls)]


class Clerk(BaseChatModel):
    """A model whose reply is a function of the last message; passes on what was asked and said."""

    answer: Callable[[str], str]
    hear: Hear

    @property
    def _llm_type(self) -> str:
        return "clerk"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        said = self.answer(messages[-1].text)
        self.hear(messages, said)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said))])

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        # Without this LangChain would call `_generate` in a thread.
        return self._generate(messages)


def example(tokenizer: PolicyTokenizer, messages: Sequence[BaseMessage], reply: str) -> Example:
    """The call in the model's own tokens; the loss counts the reply and its end."""
    prompt, said = tokenizer.render(messages), [*tokenizer.encode(reply), tokenizer.eos_id]
    return Example(prompt + said, [0.0] * len(prompt) + [1.0] * len(said))


if __name__ == "__main__":
    sys.exit(main())
