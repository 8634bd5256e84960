from __future__ import annotations

import os
from pathlib import Path

from tools.sandbox.inside import workdir
from tools.sandbox.inside.cage import MOST_ENTRIES


def test_wipe_follows_no_link_and_minds_no_rights(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("kept")
    root = tmp_path / "root"
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "a" / "b" / "file").write_text("x")
    (root / "a" / "link").symlink_to(kept)
    (root / "a" / "b").chmod(0o000)
    workdir.wipe(str(root))
    assert not root.exists()
    assert (kept / "file").read_text() == "kept"


def test_wipe_of_nothing_is_fine(tmp_path: Path) -> None:
    workdir.wipe(str(tmp_path / "absent"))


def test_a_folder_of_too_many_entries_is_crowded(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").touch()
    assert not workdir.crowded(str(tmp_path))
    for number in range(MOST_ENTRIES):
        os.link(tmp_path / "d" / "file", tmp_path / f"{number}")
    assert workdir.crowded(str(tmp_path))


def test_what_a_process_writes_is_counted_wherever_it_goes(tmp_path: Path) -> None:
    before = workdir.written(os.getpid())
    with (tmp_path / "file").open("wb", buffering=0) as file:
        (tmp_path / "file").unlink()
        file.write(b"x" * 100_000)
    assert 100_000 <= workdir.written(os.getpid()) - before < 200_000
    assert workdir.written(2**22) == 0
