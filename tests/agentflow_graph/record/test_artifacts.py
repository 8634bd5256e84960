"""Files are written whole or not at all, and read with validation."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import BaseModel

from agentflow_graph.errors import NotWritten, SettingError
from agentflow_graph.record import artifacts
from agentflow_graph.record.artifacts import read_as, read_object, read_text, write_all, write_whole


class Shape(BaseModel):
    number: int


def full(_: int) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_old_files_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all(tmp_path, {"a": b"old", "b": b"old"})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten, match=r"No space left on device; make room there \(`df "):
        write_all(tmp_path, {"a": b"new", "b": b"new", "c": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"old",
        "b": b"old",
    }


def test_nothing_is_put_in_place_before_all_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = artifacts._write

    def second_fails(path: Path, data: bytes) -> None:
        full(0) if path.name == ".b.partial" else write(path, data)

    monkeypatch.setattr(artifacts, "_write", second_fails)
    with pytest.raises(NotWritten):
        write_all(tmp_path, {"a": b"new", "b": b"new"})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(NotWritten, match="/a cannot be written: Is a directory"):
        write_whole(tmp_path / "a", b"x")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON: Expecting value"),
        (b"\xff", "no UTF-8 text: byte 0"),
        (b"[" * 100_000, "nested too deep"),
        (b"[1]", "its JSON is a list, not an object"),
        (b"9" * 5_000, "no JSON: Exceeds the limit"),
    ],
)
def test_what_is_no_object_is_refused(data: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(SettingError, match=f"a.json is damaged .*{why}.*; mend it"):
        read_object(path, "mend it")


def test_a_value_of_another_kind_is_named_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"number": "secret"}')
    with pytest.raises(SettingError) as caught:
        read_as(Shape, path, "mend it")
    assert "a.json is damaged (number: Input should be a valid integer" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingError, match=r"pipe cannot be read \(it is a pipe or a device\)"):
        read_text(tmp_path / "pipe", "mend it")
    with pytest.raises(SettingError, match=r"cannot be read \(it is a folder\)"):
        read_text(tmp_path, "mend it")
