"""A circuit breaker: a run most of whose trials fail pauses, tries one, and in the end stops.

    breaker = Breaker(share=0.5)
    async with breaker.turn() as end:
        end.failed = ...            # a TrialFailed that passes counts too

A server that is away would else make thousands of trials fail, each after its retries. What has
stopped is resumed like any other run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from benchmarks.errors import RunStopped, TrialFailed

WINDOW = 20
"""The last so many trials count; fewer tell nothing."""
PAUSES = (10.0, 60.0, 300.0)
"""Seconds before each single trial that tries whether the world is back."""


@dataclass
class End:
    """How a trial ended."""

    failed: bool = False


class Breaker:
    """Counts how the last trials ended.

    Args:
        share: of failed trials above which the run pauses; 1: never.
        pauses: seconds before each try, by default `PAUSES`; after the last one the run stops.
    """

    def __init__(self, share: float, pauses: tuple[float, ...] | None = None) -> None:
        self.share, self._pauses = share, PAUSES if pauses is None else pauses
        self._ends: deque[bool] = deque(maxlen=WINDOW)
        self._tried = 0
        self._open = False
        self._gate = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[End]:
        """One trial: at once, or after a pause and one at a time while the breaker is open.

        Raises:
            RunStopped: every try has failed.
        """
        if self._open:
            async with self._gate:
                if self._open:  # else the trial before has found the world back
                    await self._pause()
                    with self._counted() as end:
                        yield end
                    return
        with self._counted() as end:
            yield end

    async def _pause(self) -> None:
        if self._tried == len(self._pauses):
            raise RunStopped(
                f"more than {100 * self.share:.0f} % of the last {WINDOW} trials failed, and "
                f"{self._tried} tries after pauses too: mend what `report` names under Missing, "
                "then resume"
            )
        await asyncio.sleep(self._pauses[self._tried])
        self._tried += 1

    @contextmanager
    def _counted(self) -> Iterator[End]:
        end = End()
        try:
            yield end
        except TrialFailed:
            end.failed = True
            raise
        finally:
            self._heard(end.failed)

    def _heard(self, failed: bool) -> None:
        self._ends.append(failed)
        if self._open and not failed:
            self._open, self._tried = False, 0
            self._ends.clear()
        elif len(self._ends) == WINDOW and sum(self._ends) > self.share * WINDOW:
            self._open = True
