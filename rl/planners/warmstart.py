"""Warm start: a minute of supervised steps until the nano planner writes well-formed replies.

The transcripts come from the graph itself with a planner that babbles: right format, any context in
sight, any tool. So the result keeps the format and copies what it sees, and chooses tools poorly;
choosing well is left to Flow-GRPO.

    python -m rl warmstart --out runs/warmstart [--seed 7]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from agentflow_graph.errors.outside import guard_output
from benchmarks.almanac.questions import LEVELS, Level, questions
from benchmarks.almanac.world import World
from rl.planners import nano
from rl.planners.babble import Transcript, transcripts
from rl.planners.supervised import Example, Recipe, supervise
from rl.run.folder import making
from rl.settings.errors import exit_code

TRAINED: dict[str, Any] = {"layout": "terse", "passages": 1, "memory_tokens": 384}
"""The settings under which nano planners read and search."""


HARDEST: tuple[Level, ...] = ("fact_arithmetic", "two_hops_arithmetic")
"""Levels in which a number must be copied out of a result; they come three times as often.

A skill that the warm start never shows is not found by Flow-GRPO: with 5 % of such copies right,
forty steps ended at 0.60 held-out, with 47 % above 0.9 (docs/log.md).
"""


@dataclass(frozen=True)
class WarmStart(Recipe):
    """The recipe; the defaults are what `make demo` runs."""

    trajectories: int = 4500
    max_turns: int = 5


def warm_start(
    recipe: WarmStart, world: World, out: Path, say: Callable[[str], None] = print
) -> None:
    """Make a planner from nothing and save it to `out`."""
    torch.set_num_threads(recipe.threads)
    begun = time.time()
    levels = [*LEVELS, *HARDEST, *HARDEST]
    asked = [q.text for q in questions(world, "train", recipe.trajectories, recipe.seed, levels)]
    settings = {name: TRAINED[name] for name in ("layout", "passages")}
    settings["max_turns"] = recipe.max_turns
    turns = transcripts(asked, recipe.seed, settings, recipe.threads)
    say(f"{len(turns)} babbled turns in {time.time() - begun:.0f} s")
    documents = [f"{d['title']}: {d['text']}" for d in world.documents()]
    tokenizer = nano.build_tokenizer([*(f"{t.prompt}{t.reply}" for t in turns), *documents])
    model = nano.build_model(tokenizer.get_vocab_size(), recipe.seed)
    examples = [example(tokenizer, turn) for turn in turns]
    for step, loss in supervise(model, examples, recipe):
        if step % 100 == 0 or step == recipe.steps:
            say(f"warm start {step:3}/{recipe.steps}  loss {loss:.3f}")
    with making(out) as fresh:
        nano.save(fresh, model, tokenizer, {**TRAINED, "recipe": "warm start", "seed": recipe.seed})


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
    parser.add_argument("--steps", type=int, default=WarmStart.steps)
    parser.add_argument("--threads", type=int, default=WarmStart.threads)
    chosen = parser.parse_args()
    recipe = WarmStart(seed=chosen.seed, steps=chosen.steps, threads=chosen.threads)
    work = partial(warm_start, recipe, World(), chosen.out)
    return exit_code(work, interrupted="nothing was left behind")


if __name__ == "__main__":
    sys.exit(main())
