"""What a user's own runs are known by: a digest of each file that a resume relies on, marked.

    <run>/seal.json                             of config.yaml
    <run>/checkpoints/_actor/<step>/seal.json   of all files beside it

The SHA-256 digests show damage. They lie beside what they are about, so that whoever writes the one
can write the other: against intent stands the mark, an HMAC of them under a key which lies in the
user's state folder and in no run. A folder that was made elsewhere has no such mark, wherever it
lies now; one that was moved or copied still has its own.

The key is in AGENTFLOW_STATE, or in `agentflow-graph` of XDG_STATE_HOME or ~/.local/state. It says
who saved a folder, not that what it holds is harmless.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import write_whole

NAME = "seal.json"
KEY_BYTES = 32


def seal(folder: Path, files: Iterable[str]) -> None:
    """Write the seal of `files` of `folder`, named relative to it.

    Raises:
        SettingError: the key cannot be had.
    """
    _write(folder, _digests(folder, files))


def write_sealed(path: Path, data: bytes) -> None:
    """Put `data` at `path`, and before it the seal of this one file beside it.

    Raises:
        SettingError: the key cannot be had.
    """
    _write(path.parent, {path.name: hashlib.sha256(data).hexdigest()})
    write_whole(path, data)


def _write(folder: Path, digests: dict[str, str]) -> None:
    whole = {"sha256": digests, "mark": _mark(digests)}
    write_whole(folder / NAME, orjson.dumps(whole, option=orjson.OPT_INDENT_2))


def hold_to_seal(folder: Path, files: Iterable[str], trusted: bool, remedy: str) -> None:
    """See that `files` of `folder`, and no others, are what this user sealed.

    `remedy` is what to do where a file cannot be put right.

    A trusted folder needs no seal, nor this user's mark; digests that it has must be right all the
    same. It is sealed anew, and needs no trust the next time.

    Raises:
        SettingError: a file is damaged, missing or unknown; or the seal is not of this user.
    """
    known = _read(folder / NAME)
    if not trusted:
        _hold_to_key(folder / NAME, known)
    found = _digests(folder, files)
    if known is not None:
        _compare(folder, known.digests, found, remedy)
    if trusted:
        _write(folder, found)


class _Seal(NamedTuple):
    digests: dict[str, str]
    mark: str


def _hold_to_key(path: Path, known: _Seal | None) -> None:
    if known is None:
        raise SettingError(f"there is no {path}, so this is no run of yours: {_FOREIGN}")
    # As bytes: of text, compare_digest takes ASCII alone, and the file may hold anything.
    if not hmac.compare_digest(known.mark.encode(), _mark(known.digests).encode()):
        raise SettingError(f"{path} has not the mark of your key: {_FOREIGN}")


_FOREIGN = (
    "it was saved by somebody else, under another key, or by a version that sealed nothing. Its "
    "settings can name code to import and programs to start. If you know where it comes from and "
    "have read its config.yaml, take it over: python -m rl.train --resume RUN --trust"
)


def _compare(folder: Path, sealed: dict[str, str], found: dict[str, str], remedy: str) -> None:
    for name in sorted(sealed.keys() | found.keys()):
        if sealed.get(name) == found.get(name):
            continue
        what = "is not what was saved: its SHA-256 is another"
        if name not in found:
            what = "is missing"
        elif name not in sealed:
            what = "was not there when the folder was saved"
        raise SettingError(f"{folder / name} {what}; put right what was changed, or {remedy}")


def _digests(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """SHA-256 by name. One thread a file: hashing lets other threads run, and shards are many."""
    names = sorted(files)
    with ThreadPoolExecutor() as threads:
        return dict(
            zip(names, threads.map(lambda name: _digest(folder / name), names), strict=True)
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> _Seal | None:
    if not path.exists():
        return None
    try:
        found = orjson.loads(path.read_bytes())
        digests = {str(name): str(digest) for name, digest in found["sha256"].items()}
        return _Seal(digests, str(found["mark"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingError(
            f"{path} is damaged ({type(error).__name__}: {error}); put it back from a copy, or "
            "remove it and resume with --trust"
        ) from error


def _mark(digests: dict[str, str]) -> str:
    said = orjson.dumps(digests, option=orjson.OPT_SORT_KEYS)
    return hmac.digest(_key(), said, "sha256").hex()


def state_folder() -> Path:
    """Where the key lies."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(os.environ.get("AGENTFLOW_STATE") or Path(base) / "agentflow-graph")


def _key() -> bytes:
    """The user's key, made at first use; of several processes that make it, one is first."""
    path = state_folder() / "seal.key"
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise SettingError(
            f"the key that marks your runs cannot be had: {error}; set AGENTFLOW_STATE to a folder "
            "of your own that stays"
        ) from error
    if len(key) != KEY_BYTES:
        raise SettingError(
            f"{path} is not a key of {KEY_BYTES} bytes; remove it (runs sealed with it then need "
            "--trust once)"
        )
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
