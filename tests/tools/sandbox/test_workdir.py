from __future__ import annotations

import os
from pathlib import Path

from tools.sandbox.inside import workdir


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


def test_exceeds_counts_bytes_and_entries(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").write_bytes(b"x" * 100_000)
    assert workdir.exceeds(str(tmp_path), 90_000)
    assert not workdir.exceeds(str(tmp_path), 1_000_000)
    for number in range(workdir.MOST_ENTRIES):
        os.link(tmp_path / "d" / "file", tmp_path / f"{number}")
    assert workdir.exceeds(str(tmp_path), 1 << 60)
