"""Format start: a few supervised steps in which a language model learns how a reply is written.

    python -m rl formatstart --planner runs/smollm2 --out runs/smollm2-format [--layout terse]
        [--world almanac-hard]

The transcripts are those of the warm start: the graph run with a planner that babbles, right in
format and without skill in its choices. A pretrained model takes the format over in a few dozen
steps; what to choose is left to Flow-GRPO. The prompts are in the layout that is trained later.

Exit codes: 0 done, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from langchain_core.messages import HumanMessage, SystemMessage

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.tokens.weights import causal_model
from benchmarks.almanac.scripted import asked_in
from benchmarks.worlds import ALMANAC, WORLDS
from rl.planners.babble import Transcript, transcripts
from rl.planners.supervised import Example, Recipe, supervise
from rl.planners.warmstart import STARTS, Start
from rl.run.export import complete
from rl.run.folder import making
from rl.run.quiet import without_gpu
from rl.settings.arguments import check_new, check_planner, positive
from rl.settings.errors import exit_code

LAYOUTS = ("terse", "static_first", "paper")


@dataclass(frozen=True)
class FormatStart(Recipe):
    """The recipe; the defaults are what `make real` runs."""

    steps: int = 30
    batch: int = 16
    lr: float = 3e-4
    muon_lr: float = 0.0
    warmup: int = 4
    trajectories: int = 210
    layout: str = "terse"
    world: str = ALMANAC.name
    passages: int = 1
    memory_tokens: int = 0
    """0: the warm start's."""
    max_turns: int = 0
    """0: the warm start's; later turns show how something is copied out of a result."""

    @property
    def start(self) -> Start:
        """What the world needs of it."""
        return STARTS[self.world]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl formatstart", description="Teach a language model the planner's format."
    )
    parser.add_argument("--planner", type=Path, required=True, help="folder to start from")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new planner")
    parser.add_argument("--layout", choices=LAYOUTS, default=FormatStart.layout)
    parser.add_argument("--world", choices=WORLDS, default=FormatStart.world)
    parser.add_argument("--steps", type=positive, default=FormatStart.steps)
    parser.add_argument("--seed", type=int, default=FormatStart.seed)
    parser.add_argument("--threads", type=positive, default=FormatStart.threads)
    chosen = vars(parser.parse_args(arguments))
    planner, out = chosen.pop("planner"), chosen.pop("out")
    return exit_code(lambda: format_start(planner, out, FormatStart(**chosen)))


def format_start(
    planner: Path, out: Path, recipe: FormatStart, say: Callable[[str], None] = print
) -> None:
    """Make a planner in `out` from the language model in `planner`.

    Raises:
        SettingError: there is no model, or `out` exists.
    """
    check_planner(planner)
    check_new(out)
    tokenizer = PolicyTokenizer.load(planner)
    examples = [example(tokenizer, turn) for turn in babbled(recipe)]
    say(f"{len(examples)} babbled turns, layout {recipe.layout}")
    learn(planner, out, examples, recipe, record(recipe), say)


def learn(
    planner: Path,
    out: Path,
    examples: Sequence[Example],
    recipe: Recipe,
    told: dict[str, Any],
    say: Callable[[str], None],
) -> None:
    """Supervised steps from the model in `planner` to a whole folder `out`.

    Args:
        planner: a folder.
        out: made at the end, or not at all.
        examples: to learn from.
        recipe: of the steps.
        told: what the new planner says of itself.
        say: hears of the progress.
    """
    begun = time.time()
    without_gpu()
    torch.set_num_threads(recipe.threads)
    model: Any = causal_model(planner)
    for step, loss in supervise(model, examples, recipe):
        if step % 5 == 0 or step in (1, recipe.steps):
            seconds = time.time() - begun
            say(f"{told['recipe']} {step:3}/{recipe.steps}  loss {loss:.3f}  {seconds:.0f} s")
    with making(out) as fresh:
        model.save_pretrained(fresh)
        complete(planner, fresh, told)


def babbled(recipe: FormatStart) -> list[Transcript]:
    """Planner turns of the babbler on training questions."""
    world = WORLDS[recipe.world]
    asked = world.questions("train", recipe.trajectories, recipe.seed, recipe.start.levels)
    settings = {
        "layout": recipe.layout,
        "passages": recipe.passages,
        "max_turns": recipe.max_turns or recipe.start.max_turns,
        **world.settings,
    }
    texts = [question.text for question in asked]
    return transcripts(texts, recipe.seed, settings, processes=1, world=recipe.world)


def example(tokenizer: PolicyTokenizer, turn: Transcript) -> Example:
    """The turn in the planner's own tokens; the loss counts the reply and its end."""
    rules = [SystemMessage(turn.system)] if turn.system else []
    prompt = tokenizer.render([*rules, HumanMessage(turn.prompt)])
    reply = [*tokenizer.encode(turn.reply), tokenizer.eos_id]
    weights = [0.0] * len(prompt) + [1.0] * len(reply)
    return Example(prompt + reply, weights, asked_in(turn.prompt))


def record(recipe: FormatStart) -> dict[str, Any]:
    """What the planner says of itself."""
    return {
        "layout": recipe.layout,
        "passages": recipe.passages,
        "memory_tokens": recipe.memory_tokens or recipe.start.trained["memory_tokens"],
        "recipe": "format start",
        "seed": recipe.seed,
        "format_steps": recipe.steps,
    }


if __name__ == "__main__":
    sys.exit(main())
