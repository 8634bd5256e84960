"""Files of a record at rest: compressed, and read as the others are.

    <record>/<process>.jsonl        while somebody may write to it
    <record>/<process>.jsonl.zst    the same lines, packed by `pack`

A file that is cut or damaged gives its lines up to there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from agentflow_graph.record.artifacts import not_written, sync

SUFFIX = ".zst"
LEVEL = 3
"""Of zstd: a fourteenth of a training's record, at some 300 MB a second."""
BLOCK = 1 << 17
"""Bytes unpacked at once; damage costs those before it in a block."""
MOST_LINE = 1 << 26
"""Bytes of one line. Whoever made the file may have packed more than memory holds in a few."""
MOST_WINDOW = 1 << 27
"""Bytes that a reader holds to unpack, at most."""


def packed(path: Path) -> Path:
    """Where the lines of a file are once it is packed."""
    return path.with_name(path.name + SUFFIX)


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, packed or not; one that was packed since it was listed is found.

    Raises:
        OSError: it cannot be read.
    """
    if path.suffix != SUFFIX and not path.exists() and packed(path).exists():
        path = packed(path)
    with path.open("rb") as file:
        yield from _unpacked(file) if path.suffix == SUFFIX else file


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    raw = ZstdDecompressor(max_window_size=MOST_WINDOW).stream_reader(file, read_across_frames=True)
    text = BufferedReader(cast("BufferedReader", raw), BLOCK)
    try:
        while line := text.readline(MOST_LINE):
            yield line
    except ZstdError:
        yield b""  # counts as the damaged line that it is


def pack(path: Path) -> None:
    """Compress a file that nobody writes to any more.

    A kill leaves the file, or its packed form, or both whole.

    Raises:
        NotWritten: the disk does not take it; the file is as it was.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with path.open("rb") as lines, os.fdopen(handle, "wb") as file:
            ZstdCompressor(LEVEL, write_checksum=True).copy_stream(lines, file)
            file.flush()
            os.fsync(handle)
        partial.replace(packed(path))
        sync(path.parent)
        path.unlink()
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise not_written(path.parent, error) from error
