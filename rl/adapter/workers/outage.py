"""Outages: runs that the world failed are asked for again until it is back, or training stops.

A server that is restarted fails every run of a step within seconds. Such a step is not trained on:
it pauses, looks whether the servers are back, asks for what is missing, and goes on. Finished runs
are on record and are not made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from rl.adapter.workers.worker import Batch
from rl.preflight.endpoints import endpoints
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.scoring import failures
from rl.settings.config import Config
from rl.settings.errors import WorldAway

FIRST, LONGEST = 1.0, 60.0
"""Seconds of the first pause and of the longest; each is twice the one before."""
ASKS = 3
"""How often a judge is asked again where few runs wait for it."""
SHOWN = 160
"""Characters of a reason on the terminal."""

Groups = list[list[Trajectory]]


class Asked(NamedTuple):
    """A group that was asked for."""

    task: Task
    batch: Batch


class Runs(Protocol):
    """Who makes runs: a `WorkerPool`."""

    def run(self, tasks: Sequence[Task], batch: Batch) -> Groups:
        """The trajectories of each question."""


class Outage:
    """Waits for the world.

    Args:
        config: of the run.
        runs: makes them again.
        say: puts a line on the terminal.
    """

    def __init__(self, config: Config, runs: Runs, say: Callable[[str], None]) -> None:
        self._config, self._runs, self._say = config, runs, say
        self._round = 0

    def waited_out(self, asked: Sequence[Asked], groups: Groups) -> Groups:
        """The groups that were asked for without what the world failed, but for a few runs.

        A judge that gave no verdict is asked again even for one run; what it then leaves unscored
        is its own fault.

        Raises:
            WorldAway: too many runs still fail after `rollout.outage_seconds`.
        """
        pause, waited, rounds, groups = FIRST, 0.0, 0, list(groups)
        while self._piled(groups) or (rounds < ASKS and _unjudged(groups)):
            if waited >= self._config.rollout.outage_seconds:
                if self._piled(groups):
                    raise WorldAway(self._told(groups, waited))
                break
            self._say(f"paused: {_reasons(groups)}; trying again in {pause:g} s")
            time.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, LONGEST)
            if away := self._away():
                self._say(f"still away: {away}")
                continue
            rounds += 1
            self._ask_again(asked, groups)
        if rounds:
            self._say(f"going on after {waited:g} s of pause")
        return settled(groups)

    def _ask_again(self, asked: Sequence[Asked], groups: Groups) -> None:
        lost = [n for n, group in enumerate(groups) if any(run.by_world for run in group)]
        self._round += 1
        for batch in dict.fromkeys(asked[n].batch for n in lost):
            of_it = [n for n in lost if asked[n].batch == batch]
            tasks = [asked[n].task for n in of_it]
            again = self._runs.run(tasks, replace(batch, round=self._round))
            for number, group in zip(of_it, again, strict=True):
                groups[number] = group

    def _piled(self, groups: Groups) -> bool:
        runs = [run for group in groups for run in group]
        lost = sum(run.by_world for run in runs)
        return lost > self._config.rollout.outage_share * len(runs)

    def _away(self) -> str:
        """Which server does not answer; empty if all do that can be asked."""
        found = endpoints(self._config)
        return next((one.text for one in found if one.state == "failed"), "")

    def _told(self, groups: Groups, waited: float) -> str:
        share, spent = self._config.rollout.outage_share, self._config.rollout.outage_seconds
        return (
            f"{_reasons(groups)}, still after {waited:g} s of pause; see to the servers, then "
            f"resume the run: what had finished is kept (rollout.outage_share={share:g}, "
            f"rollout.outage_seconds={spent:g})"
        )


def _unjudged(groups: Groups) -> bool:
    return any(run.by_world and run.grade for group in groups for run in group)


def settled(groups: Groups) -> Groups:
    """What a judge that was away has left unscored is its own fault, once nobody waits for it."""
    return [[_settled(run) for run in group] for group in groups]


def _settled(run: Trajectory) -> Trajectory:
    return replace(run, fault="judge") if run.by_world and run.grade else run


def _reasons(groups: Groups) -> str:
    runs = [run for group in groups for run in group]
    lost = [run for run in runs if run.by_world]
    reason = " ".join(next(iter(failures(lost)), "").split())[:SHOWN]
    return f"{len(lost)} of {len(runs)} runs failed for no fault of the planner's ({reason})"
