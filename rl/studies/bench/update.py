"""What a policy step takes: `python -m rl bench-update` prints tables and one line of JSON.

A policy step is all that happens to a step's rollouts after they are there: rows, log-probabilities
of policy and reference, advantages, forward, backward and optimizer. Contenders, on the same rows,
model, batch sizes and threads, in rounds that alternate:

* `shared`: our step with prefix trees;
* `padded`: our step on rows of their own, as it was before there were trees;
* `stock`: OpenRLHF's own actor, experience maker and PPO trainer;
* `trl`: TRL's GRPOTrainer, handed the rows where it would have generated them.

Worlds: `nano` is the shipped planner on rows of its size (terse, one to three turns), with rows
that fill every optimizer step. `three` and `ten` are a model of 7 million parameters on the default
layout with its rules and cards, three and ten turns. `--record FOLDER --planner DIR` adds a world:
the rows of a recorded step, such as `runs/real/record/train-00001`, with their own planner.

Counted are the tokens of real rows, without padding; memory is the peak of the policy's process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from agentflow_graph.errors.outside import guard_output
from rl.prefix.tree import size
from rl.studies.bench import worlds
from rl.studies.bench.rows import tokens
from rl.studies.bench.worlds import World

WARM = 1
"""Rounds before those that count."""

Figures = dict[str, dict[str, float]]
"""By contender: seconds, tokens a second, MB."""


def measure(world: World, rounds: int, folder: Path) -> Figures:
    """Medians of all contenders in a world."""
    from rl.adapter.update.contenders import contenders

    sides = {
        "padded": (world.config(folder / "run", "off"), False),
        "shared": (world.config(folder / "run", "on"), False),
    }
    if world.others:
        sides["stock"] = (world.config(folder / "run", "off"), True)
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    with contenders(sides) as found:

        def play() -> None:
            for name, one in found.items():
                begun = time.perf_counter()
                peak = one.peak(lambda one=one: one.step(world.trajectories))  # type: ignore[misc]
                seconds.setdefault(name, []).append(time.perf_counter() - begun)
                peaks.setdefault(name, []).append(peak)

        _rounds(world, rounds + WARM, folder, seconds, play)
    total = tokens(world.trajectories)
    return {
        name: {
            "seconds": (middle := median(times[WARM:])),
            "tokens_per_second": total / middle,
            "peak_mb": max(peaks.get(name, [0.0])),
        }
        for name, times in seconds.items()
    }


def _rounds(
    world: World,
    count: int,
    folder: Path,
    seconds: dict[str, list[float]],
    play: Callable[[], None],
) -> None:
    """So many rounds; where TRL competes, each after one of its own, timed in `seconds["trl"]`."""
    if not world.others:
        for _ in range(count):
            play()
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TRL currently supports vLLM")
        from rl.studies.bench.grpo import Grpo

    def after(_: int, rate: float) -> None:
        seconds.setdefault("trl", []).append(tokens(world.trajectories) / rate)
        play()

    Grpo(world.trajectories, world.planner, folder / "trl", world.batch, count).run(after)


def told(world: World, figures: Figures) -> Iterator[str]:
    """A table for a reader."""
    ids, total = world.ids, tokens(world.trajectories)
    yield (
        f"{world.name}: {len(ids)} rows, {total:,} tokens, {total / size(ids):.1f} times those of "
        "one tree"
    )
    base = figures["shared"]["seconds"]
    for name, found in figures.items():
        yield (
            f"  {name:8} {found['seconds']:8.2f} s  {found['tokens_per_second']:10,.0f} tokens/s"
            f"  {found['peak_mb']:7,.0f} MB   shared is {found['seconds'] / base:.2f} times as fast"
        )


def chosen_worlds(
    names: Sequence[str], record: Path | None, planner: Path | None, home: Path
) -> Iterator[World]:
    """The worlds called `names`, then that of `record`."""
    if "nano" in names:
        yield worlds.shipped()
    for name, turns in (("three", 3), ("ten", 10)):
        if name in names:
            yield worlds.seven_million(home / name / "planner", turns)
    if record and planner:
        yield worlds.recorded(record, planner)


def main() -> None:
    """Run the command line."""
    guard_output()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worlds", nargs="*", default=["nano", "three", "ten"])
    parser.add_argument("--record", type=Path, help="folder of a recorded step")
    parser.add_argument("--planner", type=Path, help="the planner of those rows")
    chosen = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for world in chosen_worlds(chosen.worlds, chosen.record, chosen.planner, home):
            figures = measure(world, chosen.rounds, home / world.name)
            print("\n".join(told(world, figures)), flush=True)
            results[world.name] = figures
    print(json.dumps({"worlds": results, "rounds": chosen.rounds}))


if __name__ == "__main__":
    main()
