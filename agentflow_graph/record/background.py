"""A record whose files are written by a thread, for event loops that must never wait for a disk.

LangGraph's server refuses blocking calls on its loop. A line may reach the disk a hundredth of a
second after `write` returns; a run that has ended, or that waits for a person, is there whole.
Training and benchmarks write at once: what was answered is on disk before it is used.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event as Signal
from typing import Any

from agentflow_graph.record.events import Event, line_of
from agentflow_graph.record.file import Record, RecordError

DELAY = 0.01
"""Seconds that a line may wait for others, so that they are written together."""


class BackgroundRecord(Record):
    """A `Record` that writes in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._lines: deque[bytes] = deque()
        self._scheduled = False
        self._last: Future[None] | None = None
        self._wanted = Signal()
        # One thread keeps the order, and the interpreter waits for it before it exits.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record")

    def write(self, event: Event) -> None:
        """Add one event, soon.

        Raises:
            RecordError: the disk did not take an earlier one.
        """
        if self.fault:
            raise RecordError(self.fault)
        self._lines.append(line_of(event))
        if not self._scheduled:  # what comes within the delay is taken along
            self._scheduled = True
            self._last = self._thread.submit(self._write_soon)

    def describe(self, digest: str, resources: Mapping[str, Any], tokenizer: str) -> None:
        """See `Record.describe`; the attachment is written in the thread too."""
        if tokenizer and digest not in self._resources:
            name = f"{resources['tokenizer']}.tokenizer"
            self._thread.submit(self._attach, name, tokenizer.encode())
        super().describe(digest, resources, "")

    def _write_soon(self) -> None:
        self._wanted.wait(DELAY)
        self._wanted.clear()
        self._scheduled = False
        self._write_lines()

    def _write_lines(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        with suppress(RecordError):  # the next `write` raises it
            self.append(b"".join(lines))

    async def flushed(self) -> None:
        """Returns once all that was written so far can be read.

        Raises:
            RecordError: the disk did not take it.
        """
        self._wanted.set()
        if self._last:
            await asyncio.wrap_future(self._last)
        if self.fault:
            raise RecordError(self.fault)

    def close(self) -> None:
        """Write the rest and give the file back."""
        self._wanted.set()
        self._thread.submit(self._write_lines).result()
        super().close()
