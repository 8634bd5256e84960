"""Early close: a step is made of the groups that are done, and late ones serve the next.

    made_up([True, True, False, True], carried=1, share=0.6)      # [0, 1, 3]: group 2 is late

Each step asks its own questions. It may close when `rollout.close` of these are done and every
group that was late in the step before is: so no group waits longer than one step. What a step was
made of is on disk before it is trained on (`rl.run.saved.closed`), and a resumed run makes it of
the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rl.adapter.workers.outage import Asked, Groups
from rl.run.saved.closed import Closed, add, closed_steps

if TYPE_CHECKING:
    from pathlib import Path

    from rl.adapter.workers.pool import PendingBatch, WorkerPool


def made_up(done: Sequence[bool], carried: int, share: float) -> list[int] | None:
    """Which groups make up a step that may close; None where it may not yet.

    Args:
        done: by group, whether all of its runs have ended.
        carried: the first so many were late in the step before.
        share: of the others, that must be done; 1: all.
    """
    own = done[carried:]
    # 0.7 of 10 is 7, not the 7.000000000000001 that makes 8.
    wanted = math.ceil(share * len(own) - 1e-9)
    if not all(done[:carried]) or sum(own) < wanted:
        return None
    return [place for place, ended in enumerate(done) if ended]


class EarlyClose:
    """Gathers the groups of steps.

    Args:
        pool: runs them.
        record: the run's folder of records.
        share: `rollout.close`.
        steps: of the run; the last one waits for all, for none comes after it.
        sent: gives a step's own questions of these names to the workers, again.
    """

    def __init__(
        self,
        pool: WorkerPool,
        record: Path,
        share: float,
        steps: int,
        sent: Callable[[int, list[str]], PendingBatch],
    ) -> None:
        self._pool, self._record, self._share, self._steps = pool, record, share, steps
        self._sent = sent
        self._known = closed_steps(record)
        self._late: PendingBatch | None = None
        self.counts: dict[str, int] = {}
        """Of the last step: groups that were late, and groups that the step before left it."""

    def recall(self, step: int) -> None:
        """Send out again what a resumed run had left running when it closed `step`."""
        if step in self._known and (late := self._known[step].late):
            self._late = self._sent(step, late)

    def gathered(self, step: int, own: PendingBatch) -> tuple[list[Asked], Groups]:
        """Wait until a step may close: its groups, those that were late before it first."""
        batches = [batch for batch in (self._late, own) if batch]
        groups = [(batch, index) for batch in batches for index in batch.left]
        carried = len(groups) - len(own.left)
        names = [batch.tasks[index].id for batch, index in groups]

        def members() -> list[int] | None:
            done = [index in batch.groups for batch, index in groups]
            if step in self._known:
                wanted = self._known[step].places(names, carried)
                return wanted if all(done[place] for place in wanted) else None
            return made_up(done, carried, self._share if step < self._steps else 1.0)

        self._pool.wait(batches, lambda: members() is not None)
        chosen = members() or []
        late = [name for place, name in enumerate(names) if place not in chosen]
        if step not in self._known:
            mine = [names[place] for place in chosen if place >= carried]
            add(self._record, Closed(step, names[:carried], mine, late))
        self.counts = {"groups_late": len(late), "groups_carried": carried}
        self._late = own if late else None
        asked = [Asked(batch.tasks[index], batch.batch) for batch, index in groups]
        return [asked[n] for n in chosen], [groups[n][0].take(groups[n][1]) for n in chosen]
