"""Files of a record at rest: compressed, and read as the others are.

    <record>/<process>.jsonl        while somebody may write to it
    <record>/<process>.jsonl.zst    the same lines, packed by `pack`

A file that is cut or damaged gives its lines up to there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BufferedReader, RawIOBase, UnsupportedOperation
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Buffer
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


class Damaged(OSError):
    """A packed file holds nothing readable from here on."""


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, packed or not; one that was packed since it was listed is found.

    Raises:
        OSError: it cannot be read.
    """
    if path.suffix != SUFFIX and not path.exists() and packed(path).exists():
        path = packed(path)
    with path.open("rb") as file:
        yield from _unpacked(file) if path.suffix == SUFFIX else file


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    text = plain(file)
    try:
        while line := text.readline(MOST_LINE):
            yield line
    except Damaged:
        yield b""  # counts as the damaged line that it is


def plain(file: BinaryIO) -> BufferedReader:
    """What a packed file holds, for reading; closing it closes the file.

    Seeking costs the unpacking of what lies between, and backwards of all from the beginning.
    Reading raises `Damaged` where the file is.
    """
    return BufferedReader(_Plain(file), BLOCK)


class _Plain(RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._begin()

    def _begin(self) -> None:
        self._file.seek(0)
        self._at = 0
        unpacker = ZstdDecompressor(max_window_size=MOST_WINDOW)
        self._text = unpacker.stream_reader(self._file, read_across_frames=True, closefd=False)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        try:
            count = self._text.readinto(buffer)
        except ZstdError as error:
            raise Damaged(f"what is packed there is damaged: {error}") from error
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            raise UnsupportedOperation("the end of a packed file is known when it was read")
        target = offset + (self._at if whence == os.SEEK_CUR else 0)
        if target < self._at:
            self._begin()
        block = memoryview(bytearray(BLOCK))
        while self._at < target and self.readinto(block[: target - self._at]):
            pass
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()
        super().close()


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
            size = os.fstat(lines.fileno()).st_size
            ZstdCompressor(LEVEL, write_checksum=True).copy_stream(lines, file, size=size)
            file.flush()
            os.fsync(handle)
        partial.replace(packed(path))
        sync(path.parent)
        path.unlink()
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise not_written(path.parent, error) from error
