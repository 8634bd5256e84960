"""Rollout steps at 7B, simulated: `python -m rl bench-pools` prints a table and one line of JSON.

The routing is the real one (`agentflow_graph/models/pools`), on a clock that jumps; engines and
servers are simulated (`served.py`), as is what the runs ask (`load.py`). Ways of asking:

* `one address`: all frozen modules at one server, engines in turn;
* `in turn`: several servers, each call at the next one;
* `pools`: all calls of a question at one engine and one server, with bounded load;
* `one dies`: the same, and a server dies in the first step, to come back after two minutes;
* `with close`: the same, and each step but the last closes when a share of its groups is complete:
  its late runs go on beside those of the next step.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, groupby
from typing import Any

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.models.pools.pool import Pool
from agentflow_graph.models.pools.subject import asking_about
from agentflow_graph.models.pools.watch import Watch
from rl.adapter.workers.closing import made_up
from rl.adapter.workers.pool import place_of
from rl.studies.bench.clock import simulated
from rl.studies.bench.load import Ask, Run, runs, work
from rl.studies.bench.served import Gone, Served, Speed

WORKERS, ENGINES, SERVERS = 8, 8, 4
IN_FLIGHT = 32
"""Runs of a worker at once, as in `rl/configs/qwen2.5-7b.yaml`."""
AWAY = 120.0
"""Seconds in which a server that died is started again."""
TARGET = 1.25
"""Seconds of a step over the bound, at most."""


@dataclass(frozen=True)
class Way:
    """How a step asks."""

    name: str
    servers: int = SERVERS
    routed: bool = True
    dies: float | None = None
    """Seconds until one server dies."""
    share: float = 1.0
    """Of the groups, after which the step closes."""

    def seconds(self, work: float) -> float:
        """Until the servers have done so many server-seconds of work, with one of them AWAY."""
        whole = work / self.servers
        if self.dies is None or whole <= self.dies:
            return whole
        alone = self.dies + (work - self.dies * self.servers) / (self.servers - 1)
        return min(alone, whole + AWAY / self.servers)


@dataclass
class Side:
    """Engines, or servers, and how the workers choose among them."""

    served: Sequence[Served]
    routed: bool
    watches: list[Watch] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Each worker has its own view."""
        self._next = cycle(range(len(self.served)))
        names = [str(number) for number in range(len(self.served))]
        clock = asyncio.get_running_loop().time
        self.watches = [Watch(Pool(names, clock), self._there) for _ in range(WORKERS)]

    async def _there(self, name: str) -> bool:
        return not self.served[int(name)].dead

    async def ask(self, worker: int, what: Ask) -> None:
        """One call; like the pool's of the product, it goes elsewhere from a dead server."""

        def work(number: int) -> Coroutine[Any, Any, None]:
            return self.served[number].call(what.prompt, what.reply)

        if self.routed:
            await self.watches[worker].ask(work, lambda error: isinstance(error, Gone))
        else:
            await work(next(self._next))


async def play(way: Way, speed: Speed, steps: Sequence[Sequence[Run]]) -> dict[str, float]:
    """Seconds of a step, in the mean, and the shares of prompt tokens that were computed.

    A step closes by the trainer's own rule; its late runs go on beside the next one. The last step
    waits for all.
    """
    engines = Side([Served(speed) for _ in range(ENGINES)], way.routed)
    servers = Side([Served(speed) for _ in range(way.servers)], way.routed)
    loop = asyncio.get_running_loop()
    if way.dies is not None:
        loop.call_later(way.dies, servers.served[0].die)
        loop.call_later(way.dies + AWAY, servers.served[0].come_back)
    slots = [asyncio.Semaphore(IN_FLIGHT) for _ in range(WORKERS)]
    late: list[asyncio.Task[None]] = []
    for place, step in enumerate(steps, 1):
        own = [
            asyncio.create_task(_group(number, group, slots, engines, servers))
            for number, group in enumerate(by_question(step))
        ]
        share = way.share if place < len(steps) else 1.0
        await _closed([*late, *own], len(late), share)
        late = [task for task in own if not task.done()]
    told = {"seconds": loop.time() / len(steps)}
    for name, side in (("engines", engines), ("servers", servers)):
        asked = sum(one.asked for one in side.served)
        told[name] = sum(one.computed for one in side.served) / asked
    return told


async def _closed(groups: Sequence[asyncio.Task[None]], carried: int, share: float) -> None:
    while made_up([task.done() for task in groups], carried, share) is None:
        left = [task for task in groups if not task.done()]
        await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)


def by_question(step: Sequence[Run]) -> list[list[Run]]:
    """The groups of a step."""
    return [list(group) for _, group in groupby(step, key=lambda run: run.question)]


async def _group(
    number: int,
    group: Sequence[Run],
    slots: Sequence[asyncio.Semaphore],
    engines: Side,
    servers: Side,
) -> None:
    worker = number % WORKERS

    async def one(run: Run) -> None:
        async with slots[worker]:
            for what in run.steps:
                if isinstance(what, float):
                    await asyncio.sleep(what)
                else:
                    await (engines if what.planner else servers).ask(worker, what)

    with asking_about(str(number), place_of(number, WORKERS)):
        await asyncio.gather(*map(one, group))


def ways(seconds: float, share: float) -> Iterator[Way]:
    """Those that are compared; `seconds` a step takes with pools while all servers live."""
    yield Way("one address", servers=1, routed=False)
    yield Way("in turn", routed=False)
    yield Way("pools")
    yield Way("one dies", dies=seconds / 4)
    yield Way("with close", dies=seconds / 4, share=share)


def measure(
    steps: int = 8, questions: int = 32, group: int = 8, turns: int = 3, share: float = 0.8
) -> dict[str, dict[str, float]]:
    """By way of asking: seconds of a step, their bound, and what was computed."""
    speed = Speed()
    made = [runs(questions, group, turns, seed) for seed in range(steps)]
    first = simulated(play(Way("pools"), speed, made[:1]))["seconds"]
    found = {}
    for way in ways(first, share):
        told = simulated(play(way, speed, made))
        told["bound"] = bound(way, speed, made)
        found[way.name] = told
    return found


def bound(way: Way, speed: Speed, steps: Sequence[Sequence[Run]]) -> float:
    """Seconds of a step, in the mean, that no way of asking can fall below.

    The slowest of the engines' work, the servers' work, and the longest run of the groups that the
    step waits for.
    """
    of_engines, of_servers, longest = 0.0, 0.0, 0.0
    for step in steps:
        engines, servers, chains = work(step, speed, ENGINES, way.servers)
        of_engines, of_servers = of_engines + engines, of_servers + servers
        waited = math.ceil(way.share * len(chains))
        longest += sorted(chains.values())[waited - 1]
    served = way.seconds(of_servers)
    return max(of_engines / ENGINES, served, longest) / len(steps)


def told(found: dict[str, dict[str, float]]) -> Iterator[str]:
    """A table for a reader."""
    base = found["one address"]["seconds"]
    for name, one in found.items():
        yield (
            f"{name:12} {one['seconds']:7.1f} s  {base / one['seconds']:5.2f} times as fast; bound "
            f"{one['bound']:6.1f} s, x {one['seconds'] / one['bound']:.2f}; prompts computed: "
            f"engines {one['engines']:.0%}, servers {one['servers']:.0%}"
        )


def main() -> None:
    """Run the command line."""
    guard_output()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--close", type=float, default=0.8, help="share of the groups")
    parser.add_argument("--steps", type=int, default=8)
    chosen = parser.parse_args()
    found = measure(chosen.steps, share=chosen.close)
    print("\n".join(told(found)))
    last = found["with close"]
    print(f"with all on x {last['seconds'] / last['bound']:.2f} of the bound, at most {TARGET}")
    print(json.dumps({"ways": found}))


if __name__ == "__main__":
    main()
