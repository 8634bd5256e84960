"""Which record the runs of a graph go to: one that was given, the environment's, or none."""

from __future__ import annotations

import os
import time
import uuid
from functools import lru_cache
from pathlib import Path

from agentflow_graph.record.background import BackgroundRecord
from agentflow_graph.record.file import Record
from agentflow_graph.record.run import RUN, RunRecord

FOLDER = "AGENTFLOW_RECORD"
"""Environment variable: the folder in which graphs record their runs that were given none."""


class Recorder:
    """Names the runs of a graph and finds their records. A run in `record_as(...)` keeps its own.

    Args:
        record: a folder or an open record; or None for the folder that AGENTFLOW_RECORD names,
            as servers are told: that one is written in the background.
    """

    def __init__(self, record: Record | Path | str | None = None) -> None:
        if isinstance(record, str | Path):
            record = Record(Path(record))
        self._given = record

    def begin(self) -> str:
        """The name of a new run: by the time, so that names sort, and not to be guessed."""
        if run := RUN.get():
            return run.name
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:16]}"
        if record := self._record():
            record.begin(name)
        return name

    async def run(self, name: str | None) -> RunRecord | None:
        """The record of the run of that name; None where it is not recorded."""
        if run := RUN.get():
            return run
        record = self._record()
        return await record.find(name) if record and name else None

    def _record(self) -> Record | None:
        if self._given:
            return self._given
        folder = os.environ.get(FOLDER)
        return _opened(folder) if folder else None


@lru_cache(maxsize=8)
def _opened(folder: str) -> Record:
    return BackgroundRecord(Path(folder))
