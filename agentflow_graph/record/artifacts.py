"""Files that runs and planners are made of: read with validation, written whole or not at all.

    config = read_object(folder / "config.json", "name a planner's folder")
    known = read_as(Trained, folder / "agentflow.json", "take the planner's own file back")
    write_whole(folder / "summary.json", data)

A file may come from anybody and be damaged in any way. Whoever reads one gets what it must hold, or
a `SettingError` that names the file, the reason and the remedy, and shows nothing of its content.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from agentflow_graph.errors import NotWritten, SettingError

T = TypeVar("T")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a disk says that takes no more."""
SHOWN = 3
"""Faults of one file that a message names."""


def read_bytes(path: Path, remedy: str) -> bytes:
    """The content of a file.

    Args:
        path: of the file; a folder, a pipe or a device is none.
        remedy: what to do about one that cannot be used; ends the message.

    Raises:
        SettingError: it cannot be read.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            raise SettingError(f"{path} cannot be read (it is {kind}); {remedy}")
        return path.read_bytes()
    except SettingError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise SettingError(f"{path} cannot be read ({_reason(error)}); {remedy}") from error


def read_text(path: Path, remedy: str) -> str:
    """A file of UTF-8 text; arguments and errors as of `read_bytes`."""
    try:
        return read_bytes(path, remedy).decode()
    except UnicodeDecodeError as error:
        where = f"no UTF-8 text: byte {error.start}"
        raise SettingError(f"{path} is damaged ({where}); {remedy}") from None


def read_json(path: Path, remedy: str) -> Any:
    """A file of JSON; arguments and errors as of `read_bytes`."""
    text = read_text(path, remedy)
    try:
        return json.loads(text)
    except RecursionError:
        raise SettingError(f"{path} is damaged (JSON nested too deep); {remedy}") from None
    except ValueError as error:
        raise SettingError(f"{path} is damaged (no JSON: {error}); {remedy}") from None


def read_object(path: Path, remedy: str) -> dict[str, Any]:
    """A file with one JSON object; arguments and errors as of `read_bytes`."""
    found = read_json(path, remedy)
    if not isinstance(found, dict):
        what = type(found).__name__
        raise SettingError(f"{path} is damaged (its JSON is a {what}, not an object); {remedy}")
    return found


def read_toml(path: Path, remedy: str) -> dict[str, Any]:
    """A file of TOML; arguments and errors as of `read_bytes`."""
    text = read_text(path, remedy)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingError(f"{path} is damaged (TOML nested too deep); {remedy}") from None
    except ValueError as error:
        raise SettingError(f"{path} is not TOML ({error}); {remedy}") from None


def read_as(shape: type[T], path: Path, remedy: str) -> T:
    """A file of JSON as `shape`, a dataclass, a model or a typed dictionary.

    Raises:
        SettingError: it cannot be read, or a value is missing or of another kind.
    """
    data = read_bytes(path, remedy)
    try:
        found = _adapter(shape).validate_json(data)
    except ValidationError as error:
        raise SettingError(f"{path} is damaged ({faults(error)}); {remedy}") from None
    return found


def faults(error: ValidationError) -> str:
    """What is wrong with some data, by place, without the values."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{'.'.join(map(str, one['loc'])) or 'content'}: {one['msg']}" for one in found]
    rest = [f"{len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return "; ".join(told[:SHOWN] + rest)


@contextmanager
def interpreting(path: Path, remedy: str) -> Iterator[None]:
    """What inside meets in data that were read from `path` is the data's fault.

    For structures too deep to be checked beforehand, such as the states in a record.

    Raises:
        SettingError: something is missing there, or of another kind than it must be.
    """
    try:
        yield
    except SettingError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise SettingError(f"{path} is damaged ({_told(error)}); {remedy}") from error
    except ValueError as error:
        raise SettingError(f"{path} is damaged ({_told(error)}); {remedy}") from error


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a reader, also after a kill, finds the old or the new file.

    Raises:
        NotWritten: the disk is full, or the folder cannot be written; nothing has changed.
    """
    write_all(path.parent, {path.name: data})


def write_all(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Put files into `folder`, made if need be; none is put in its place before all are written.

    Raises:
        NotWritten: as `write_whole` does.
    """
    aside = {folder / name: folder / f".{name}.partial" for name in files}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for (path, partial), data in zip(aside.items(), files.values(), strict=True):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            _write(partial, data)
        for path, partial in aside.items():
            partial.replace(path)
        sync(folder)
    except OSError as error:
        for partial in aside.values():
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        raise not_written(folder, error) from error
    return list(aside)


def move_in(aside: Path, place: Path) -> None:
    """Force the folder `aside` onto the disk, then put it where `place` is, in its stead."""
    for path in sorted(aside.rglob("*")):
        sync(path)
    sync(aside)
    if place.exists():
        shutil.rmtree(place)
    aside.rename(place)
    sync(place.parent)


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def not_written(folder: Path, error: OSError) -> NotWritten:
    """What to say of a folder that does not take a file."""
    why, remedy = refused(folder, error)
    return NotWritten(f"{error.filename or folder} cannot be written: {why}; {remedy}")


def refused(folder: Path, error: OSError, then: str = "") -> tuple[str, str]:
    """Why a disk refused, and what to do; `then` is to follow once there is room."""
    why = error.strerror or str(error)
    if error.errno in FULL:
        return why, f"make room there (`df {folder}`){then}"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return "a file is in the place of a folder", "name a folder, there already or not"
    return why, "name a folder that can be written"


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _told(error: Exception) -> str:
    """The kind of an error, and of a missing name which: no value."""
    named = f" {error}" if isinstance(error, LookupError) else ""
    return f"{type(error).__name__}{named[:60]}"


def _adapter(shape: type[T]) -> TypeAdapter[T]:
    if shape not in _ADAPTERS:
        _ADAPTERS[shape] = TypeAdapter(shape)
    return _ADAPTERS[shape]


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}
