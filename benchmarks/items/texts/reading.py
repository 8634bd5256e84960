"""The text of a file, by the kind that its name says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.items.texts.documents import pdf, slides, word
from benchmarks.items.texts.sheets import workbook

LARGEST = 200 * 1024 * 1024
"""Most bytes of an archive's content: what is packed may be a thousand times as large."""
PACKED = (".docx", ".pptx", ".xlsx", ".zip")
"""Kinds that are ZIP archives."""


class Unreadable(ValueError):
    """A file that is not what its name says, or is read by a package that is not installed."""


def _plain(data: bytes) -> str:
    return data.decode("utf-8")


def _archive(data: bytes) -> str:
    """Each file of an archive under its name; archives in it are not opened."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [each.filename for each in archive.infolist() if not each.is_dir()]
        # What macOS adds beside each file has that file's name and is none of its kind.
        own = [name for name in names if not Path(name).name.startswith("._")]
        return "\n\n".join(_member(name, archive.read(name)) for name in own)


def _member(name: str, data: bytes) -> str:
    kind = Path(name).suffix.lower()
    try:
        text = text_of(name, data) if kind in KINDS and kind != ".zip" else ""
    except Unreadable as error:
        if isinstance(error.__cause__, ImportError):
            raise
        text = ""
    return f"File {name}:\n{text}" if text.strip() else f"File {name}: cannot be read here."


_TEXTS = (
    ".csv",
    ".html",
    ".json",
    ".jsonl",
    ".jsonld",
    ".md",
    ".pdb",
    ".py",
    ".tsv",
    ".txt",
    ".xml",
)
KINDS: dict[str, Callable[[bytes], str]] = {
    **dict.fromkeys(_TEXTS, _plain),
    ".docx": word,
    ".pdf": pdf,
    ".pptx": slides,
    ".xlsx": workbook,
    ".zip": _archive,
}
"""How the text is taken out of a file, by its name's ending in small letters."""


def text_of(name: str, data: bytes) -> str:
    """What is written in a file of a kind in `KINDS`; empty if nothing is, as in a scanned page.

    Raises:
        Unreadable: it is not what its name says, unpacks to more than `LARGEST` bytes, or the
            package that reads it is not installed.
    """
    kind = Path(name).suffix.lower()
    try:
        if kind in PACKED:
            _check_size(name, data)
        return KINDS[kind](data)
    except Unreadable:
        raise
    except ImportError as error:
        raise Unreadable(
            f"{name} is read by the package {error.name}, which is not installed: run `make setup` "
            "or `pip install 'agentflow-graph[bench]'`"
        ) from error
    # What the libraries raise for a file that is damaged has no common base: KeyError, ValueError,
    # errors of zipfile, lxml and zlib, and their own.
    except Exception as error:
        said = str(error)[:200]
        raise Unreadable(
            f"{name} is no {kind} file ({type(error).__name__}: {said}): get it again"
        ) from error


def _check_size(name: str, data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(each.file_size for each in archive.infolist())
    if size > LARGEST:
        raise Unreadable(f"{name} unpacks to {size:,} bytes, more than {LARGEST:,}")
