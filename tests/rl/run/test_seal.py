"""A run is known by its seal: what is damaged, unknown or of somebody else is not gone on with."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from rl.run.saved import checkpoints
from rl.run.saved.checkpoints import hold_to_saved
from rl.run.saved.seal import hold_to_seal, seal, state_folder, write_sealed

FILES = ("model.pt", "part/optimizer.pt")


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AGENTFLOW_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "seal.key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "saved"
    (made / "part").mkdir(parents=True)
    for name in FILES:
        (made / name).write_text(name)
    seal(made, FILES)
    return made


def hold(folder: Path, trusted: bool = False) -> None:
    hold_to_seal(folder, FILES, trusted, "start anew")


def test_what_was_sealed_holds_also_where_it_was_moved(folder: Path, tmp_path: Path) -> None:
    hold(folder)
    hold(Path(shutil.move(folder, tmp_path / "elsewhere")))


def test_a_seal_has_the_sha256_of_each_file(folder: Path) -> None:
    sealed = json.loads((folder / "seal.json").read_text())["sha256"]
    assert sealed == {name: hashlib.sha256(name.encode()).hexdigest() for name in FILES}


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("model.pt", lambda path: path.write_text("model.pT"), "its SHA-256 is another"),
        ("part/optimizer.pt", lambda path: path.write_text(""), "its SHA-256 is another"),
    ],
)
def test_a_damaged_file_is_named_with_the_remedy_and_trust_does_not_mend_it(
    folder: Path, name: str, damage: Callable[[Path], None], said: str, trusted: bool
) -> None:
    damage(folder / name)
    with pytest.raises(SettingError, match=f"{folder / name} .*{said}.*start anew"):
        hold(folder, trusted)


def test_a_file_more_or_less_is_named(folder: Path) -> None:
    (folder / "more.pt").write_text("")
    with pytest.raises(SettingError, match=r"more\.pt was not there when the folder was saved"):
        hold_to_seal(folder, [*FILES, "more.pt"], False, "start anew")
    with pytest.raises(SettingError, match=r"part/optimizer\.pt is missing"):
        hold_to_seal(folder, ["model.pt"], False, "start anew")


def test_under_another_key_it_must_be_trusted_and_then_is_ones_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTFLOW_STATE", str(tmp_path / "another"))
    with pytest.raises(SettingError, match="not the mark of your key.*--trust"):
        hold(folder)
    hold(folder, trusted=True)
    hold(folder)


def test_whoever_writes_digests_without_the_key_has_no_mark(folder: Path) -> None:
    (folder / "model.pt").write_text("theirs")
    sealed = json.loads((folder / "seal.json").read_text())
    sealed["sha256"]["model.pt"] = hashlib.sha256(b"theirs").hexdigest()
    for mark in (sealed["mark"], "", "\u00e9"):
        (folder / "seal.json").write_text(json.dumps(sealed | {"mark": mark}))
        with pytest.raises(SettingError, match="not the mark of your key"):
            hold(folder)


def test_without_a_seal_it_must_be_trusted(folder: Path) -> None:
    (folder / "seal.json").unlink()
    with pytest.raises(SettingError, match="no run of yours.*--trust"):
        hold(folder)
    hold(folder, trusted=True)
    hold(folder)


@pytest.mark.parametrize("text", ["", "[]", '{"sha256": []}', '{"sha256": {}}', "{"])
def test_a_damaged_seal_is_named(folder: Path, text: str) -> None:
    (folder / "seal.json").write_text(text)
    with pytest.raises(SettingError, match=r"seal\.json is damaged.*--trust"):
        hold(folder, trusted=True)


def test_the_key_is_for_its_owner_alone(folder: Path, own_key: Path) -> None:
    assert own_key.stat().st_mode & 0o777 == 0o600
    assert own_key.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in own_key.parent.iterdir()] == ["seal.key"]
    assert own_key.read_bytes().hex() not in (folder / "seal.json").read_text()


def test_a_key_that_is_cut_off_or_cannot_be_made_is_named(
    folder: Path, own_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_key.write_bytes(b"short")
    with pytest.raises(SettingError, match=f"{own_key} is not a key"):
        hold(folder)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AGENTFLOW_STATE", str(tmp_path / "file" / "below"))
    with pytest.raises(SettingError, match="set AGENTFLOW_STATE"):
        hold(folder)


def test_the_state_folder_is_where_the_desktop_standard_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AGENTFLOW_STATE")
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert state_folder() == Path("/home/ann/.local/state/agentflow-graph")
    monkeypatch.setenv("XDG_STATE_HOME", "/states")
    assert state_folder() == Path("/states/agentflow-graph")


def made_by_another_process(folder: Path) -> str:
    write_sealed(folder / "file", b"text")
    return (folder / "seal.json").read_text()


def test_processes_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(8)]
    for folder in folders:
        folder.mkdir()
    with ProcessPoolExecutor(4, get_context("fork")) as processes:
        assert len(set(processes.map(made_by_another_process, folders))) == 1


# ------------------------------------------------------------- of checkpoints


def save(run: Path, step: int) -> Path:
    aside = checkpoints.home(run) / ".partial" / f"global_step{step}"
    aside.mkdir(parents=True)
    (aside / "model.pt").write_text(str(step))
    checkpoints.publish(aside, checkpoints.home(run))
    return checkpoints.home(run) / f"global_step{step}"


def test_a_run_without_a_checkpoint_has_nothing_to_hold(tmp_path: Path) -> None:
    hold_to_saved(tmp_path, trusted=False)


def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_is_not(tmp_path: Path) -> None:
    save(tmp_path, 5)
    damaged = save(tmp_path, 10)
    hold_to_saved(tmp_path, trusted=False)
    (damaged / "model.pt").write_text("11")
    with pytest.raises(SettingError, match=r"global_step10/model\.pt .*--checkpoint global_step5"):
        hold_to_saved(tmp_path, trusted=False)
    checkpoints.resume_from(tmp_path, "global_step5")
    hold_to_saved(tmp_path, trusted=False)


def test_a_file_that_was_laid_beside_a_checkpoint_is_refused(tmp_path: Path) -> None:
    (save(tmp_path, 5) / "more.pt").write_text("")
    with pytest.raises(SettingError, match=r"global_step5/more\.pt was not there"):
        hold_to_saved(tmp_path, trusted=False)


@pytest.mark.parametrize("name", ["../elsewhere", "..", "/elsewhere", "none", "."])
def test_the_latest_checkpoint_lies_beside_its_name(tmp_path: Path, name: str) -> None:
    save(tmp_path, 5)
    (checkpoints.home(tmp_path).parent / "elsewhere").mkdir()
    (checkpoints.home(tmp_path) / "latest").write_text(name)
    with pytest.raises(SettingError, match="latest names .*no folder beside it"):
        hold_to_saved(tmp_path, trusted=True)
