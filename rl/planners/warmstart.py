"""Warm start: a minute of supervised steps until the nano planner writes well-formed replies.

The transcripts come from the graph itself with a planner that babbles: right format, any context in
sight, any tool. So the result keeps the format and copies what it sees, and chooses tools poorly;
choosing well is left to Flow-GRPO.

    python -m rl warmstart --out runs/warmstart [--seed 7] [--world almanac-hard]

Each world's planner has a tokenizer of its own, whose words are those of the world. In the hard
world a third of the babbler's steps are the oracle's; whole runs of its own are recorded by
`python -m rl traces --teacher`, for `python -m rl sft`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from agentflow_graph.errors.outside import guard_output
from benchmarks.almanac.hard.world import HardWorld
from benchmarks.almanac.questions import LEVELS, Level
from benchmarks.almanac.world import World
from benchmarks.worlds import ALMANAC, HARD, WORLDS, Known
from rl.planners import nano
from rl.planners.babble import Transcript, transcripts
from rl.planners.supervised import Example, Recipe, supervise
from rl.run.folder import making
from rl.settings.arguments import check_replaced
from rl.settings.errors import exit_code

TRAINED: dict[str, Any] = {
    "layout": "terse",
    "passages": 1,
    "memory_tokens": 384,
    "tools": ["base_generator", "python_coder", "wikipedia_search"],
}
"""The settings under which nano planners read and search, and the tools that they know."""


@dataclass(frozen=True)
class Start:
    """What a world needs of its warm start."""

    levels: tuple[str, ...]
    """As often as they come."""
    documents: Callable[[], list[Any]]
    """Articles whose words the tokenizer must know."""
    trained: dict[str, Any]
    """The settings under which its planners read and search."""
    max_turns: int
    vocabulary: int
    """Tokens at most."""


HARDEST: tuple[Level, ...] = ("fact_arithmetic", "two_hops_arithmetic")
"""Levels in which a number must be copied out of a result; they come three times as often.

A skill that the warm start never shows is not found by Flow-GRPO: with 5 % of such copies right,
forty steps ended at 0.60 held-out, with 47 % above 0.9 (docs/log.md).
"""


STARTS = {
    ALMANAC.name: Start(
        levels=(*LEVELS, *HARDEST, *HARDEST),
        documents=lambda: World().documents(),
        trained=TRAINED,
        max_turns=5,
        vocabulary=1024,
    ),
    HARD.name: Start(
        levels=(),
        documents=lambda: HardWorld().documents(),
        trained={**TRAINED, "memory_tokens": 640},
        max_turns=8,
        vocabulary=1536,
    ),
}


@dataclass(frozen=True)
class WarmStart(Recipe):
    """The recipe; the defaults are what `make demo` runs."""

    trajectories: int = 4500
    max_turns: int = 0
    """0: as many as the world needs."""


def warm_start(
    recipe: WarmStart,
    out: Path,
    world: Known = ALMANAC,
    say: Callable[[str], None] = print,
) -> None:
    """Make a planner of `world` from nothing and save it to `out`."""
    torch.set_num_threads(recipe.threads)
    begun = time.time()
    start = STARTS[world.name]
    drawn = world.questions("train", recipe.trajectories, recipe.seed, start.levels)
    settings = {name: start.trained[name] for name in ("layout", "passages")}
    turns = transcripts(
        [question.text for question in drawn],
        recipe.seed,
        {**settings, **world.settings, "max_turns": recipe.max_turns or start.max_turns},
        recipe.threads,
        world.name,
    )
    say(f"{len(turns)} babbled turns in {time.time() - begun:.0f} s")
    documents = [f"{d['title']}: {d['text']}" for d in start.documents()]
    told = [f"{turn.prompt}{turn.reply}" for turn in turns]
    tokenizer = nano.build_tokenizer([*told, *documents], start.vocabulary)
    model = nano.build_model(tokenizer.get_vocab_size(), recipe.seed)
    examples = [example(tokenizer, turn) for turn in turns]
    for step, loss in supervise(model, examples, recipe):
        if step % 100 == 0 or step == recipe.steps:
            say(f"warm start {step:3}/{recipe.steps}  loss {loss:.3f}")
    with making(out) as fresh:
        about = {"recipe": "warm start", "seed": recipe.seed}
        nano.save(fresh, model, tokenizer, {**start.trained, **about})


def example(tokenizer: Tokenizer, transcript: Transcript) -> Example:
    """Tokens with loss on the reply and on the log's `Step` lines, which repeat earlier replies.

    Loss on questions and results, which cannot be foreseen, halves what is learned of copying.
    """
    rendered = f"{nano.START}user\n{transcript.prompt}{nano.END}\n{nano.START}assistant\n"
    prompt = tokenizer.encode(rendered, add_special_tokens=False)
    reply = tokenizer.encode(transcript.reply, add_special_tokens=False).ids
    reply.append(nano.END_ID)
    inside = _step_lines(rendered)
    weights = [float(inside[start]) if start < end else 0.0 for start, end in prompt.offsets]
    return Example(prompt.ids + reply, weights + [1.0] * len(reply))


def _step_lines(text: str) -> list[bool]:
    return [line.startswith("Step ") for line in text.splitlines(keepends=True) for _ in line]


def main() -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m rl warmstart", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the new planner")
    parser.add_argument("--seed", type=int, default=WarmStart.seed)
    parser.add_argument("--world", choices=WORLDS, default=ALMANAC.name)
    parser.add_argument("--steps", type=int, default=WarmStart.steps)
    parser.add_argument("--threads", type=int, default=WarmStart.threads)
    chosen = parser.parse_args()
    recipe = WarmStart(seed=chosen.seed, steps=chosen.steps, threads=chosen.threads)

    def work() -> None:
        check_replaced(chosen.out)
        warm_start(recipe, chosen.out, WORLDS[chosen.world])

    return exit_code(work, interrupted="nothing was left behind")


if __name__ == "__main__":
    sys.exit(main())
