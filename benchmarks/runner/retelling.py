"""inspect's log of a scoring, made of the record alone: nothing is run and nothing is marked.

    await retell(Folder(Path("runs/mini")), scoring=1)

The log on disk is that of the scoring which was completed last. Who wants to see another one, or
has scored a run anew, needs its log made again.
"""

from __future__ import annotations

from agentflow_graph.record.artifacts import interpreting
from agentflow_graph.record.reading import events
from benchmarks.errors import TrialFailed
from benchmarks.runner.run import written
from benchmarks.runner.store.folder import REMEDY, Folder
from benchmarks.runner.store.records import Key, Records
from benchmarks.runner.store.session import why_missing
from benchmarks.runner.trials import Outcome


class Told:
    """The trials of a run as they are on record."""

    def __init__(self, records: Records, scoring: int) -> None:
        self._records, self._scoring = records, scoring

    async def outcome(self, key: Key) -> Outcome:
        """The finished state and its mark.

        Raises:
            TrialFailed: the trial has none in this scoring.
        """
        mark = self._records.scored.get(self._scoring, {}).get(key)
        if mark is None or key not in self._records.finished:
            raise TrialFailed(why_missing(key, self._records, self._scoring))
        return Outcome(self._records.finished[key]["state"], mark)

    def pop_outcome(self, key: Key) -> Outcome:
        """The same, for the scorer, which comes after `outcome`."""
        state, marks = self._records.finished[key]["state"], self._records.scored[self._scoring]
        return Outcome(state, marks[key])


async def retell(folder: Folder, scoring: int | None = None) -> None:
    """Write inspect's log of a scoring, by default of the one that is shown.

    Raises:
        RunStopped: the disk is full.
        SettingError: no run there, no such scoring, or another process at work in it.
    """
    from benchmarks.runner.inspecting import evaluate

    request, items = folder.request(), folder.items()
    with folder.locked(), interpreting(folder.record, REMEDY):
        records = Records.of(events(folder.record))
        number = records.chosen(scoring)
        told = Told(records, number)
        await written(folder, evaluate(folder, request, items, told, number))


def told_in(folder: Folder) -> int | None:
    """The scoring that inspect's log in the folder tells; None where there is no whole log."""
    from inspect_ai.log import read_eval_log

    for path in folder.logs.glob("*.eval"):
        log = read_eval_log(str(path), header_only=True)
        if log.status == "success" and log.eval.metadata:
            return int(log.eval.metadata.get("scoring", 0))
    return None
