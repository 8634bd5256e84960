"""Bad input to the runner is refused, with its remedy, before anything is made or spent."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.items.item import Item
from benchmarks.runner.store.folder import Folder, Request

VLLM = "vllm:x@http://127.0.0.1:1"
ONE = {"almanac": {"q": Item("q", "Who?", ("gold",))}}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["almanak"], "did you mean 'almanac'?"),
        (["almanac", "--subset", "fulll"], "did you mean 'full'?"),
        (["almanac", "--set", "max_turn=3"], "unknown setting 'max_turn' (did you mean"),
        (["almanac", "--set", "max_turns"], "not of the form NAME=VALUE"),
        (["almanac", "--set", "max_turns=0"], "max_turns='0' cannot be used"),
        (["almanac", "--set", "max_tokens=5", "--max-tokens", "6"], "set twice"),
        (["almanac", "--set", "seed=5", "--seed", "6"], "set twice"),
        (["almanac", "--set", "approve=true"], "asks a human"),
        (["almanac", "--set", "tools=nothing_such"], "nothing_such"),
        (["almanac", "--set", "planner=local:/absent"], "/absent"),
        (["almanac", "--baseline"], "set generator to a model"),
        (["almanac", "--as-is", "--judge", "openai:gpt-5-mini"], "OPENAI_API_KEY"),
        (["almanac", "--as-is", "--judge", "nonsense"], "none of the forms"),
        (["almanac", "--max-cost", "3", "--set", f"planner={VLLM}"], f"none is known for {VLLM}"),
        (["almanac", "--as-is", "--max-money", "3", "--judge", VLLM], f"known for nano, {VLLM}"),
        (["almanac", "--prices", "/absent.toml"], "/absent.toml cannot be read"),
        (["bamboogle", "--data", "/absent"], "--data /absent is no folder"),
        ([], "no task is named: give some of `list`, or --like DIR"),
        (["--like", "/absent"], "/absent holds no run"),
        (["almanac", "--like", "x", "--trials", "2"], "as it was: leave out task, trials"),
    ],
)
def test_bad_input_is_refused(
    words: list[str],
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    run = tmp_path / "run"
    assert main(["run", *words, "--run", str(run)]) == 2
    assert why in capsys.readouterr().err
    assert not run.exists()


@pytest.mark.parametrize(
    "words", [["--trials", "0"], ["--limit", "-1"], ["--max-cost", "nan"], ["--max-seconds", "0"]]
)
def test_a_number_out_of_range_is_refused(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "almanac", "--run", str(tmp_path / "run"), *words])


def test_a_folder_that_holds_something_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    assert main(["run", "almanac", "--run", str(tmp_path)]) == 2
    assert "is not an empty folder" in capsys.readouterr().err
    (tmp_path / "run.json").write_text("{}")
    assert main(["run", "almanac", "--run", str(tmp_path)]) == 2
    assert f"resume {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "score", "report", "view"])
def test_a_folder_without_a_run_is_no_run(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is damaged (no JSON: Expecting"),
        ("[]", "is damaged (its JSON is a list, not an object)"),
        ("{}", "is of format None, not 2: it is damaged"),
        ('{"format": 3}', "is of format 3, not 2: another version wrote it"),
        ('{"format": 2}', "is damaged"),
    ],
)
def test_a_damaged_run_is_refused(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text(text)
    assert main(["resume", str(tmp_path)]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "score", "report", "view"])
def test_a_run_of_the_version_before_is_refused_with_that_version(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Version 0.1.0 kept a journal, which this one does not read."""
    folder = Folder(tmp_path)
    folder.create(Request("run", {"almanac": "full"}, {"almanac": 1}), {})
    request = json.loads(folder.request_file.read_text())
    folder.request_file.write_text(json.dumps({**request, "format": 1}))
    (tmp_path / "journal.jsonl").write_text('{"event": "scoring", "scoring": 1, "judge": ""}\n')
    assert main([command, str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "is of format 1, not 2: agentflow-graph 0.1 reads it" in error
    assert "git checkout 49036a0" in error and "begin a new run" in error
    assert not folder.record.exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "items.jsonl cannot be read (No such file or directory)"),
        ("x", "items.jsonl:1 is damaged"),
        ("[]", "items.jsonl:1 is damaged"),
        ('{"task": "almanac"}', "items.jsonl:1 is damaged (id: Field required"),
        ("", "items.jsonl is damaged (it holds {}, run.json says {'almanac': 1})"),
    ],
)
def test_damaged_items_are_refused(
    text: str | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Folder(tmp_path / "run")
    folder.create(Request("run", {"almanac": "full"}, {"almanac": 1}), {})
    folder.items_file.unlink() if text is None else folder.items_file.write_text(text)
    assert main(["report", str(folder.path)]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(("why", "code"), [(errno.EROFS, 2), (errno.EACCES, 2), (errno.ENOSPC, 1)])
@pytest.mark.parametrize("words", [["report"], ["run", "almanac", "--limit", "1", "--run"]])
def test_a_folder_that_cannot_be_written_is_wrong_and_a_full_disk_is_a_fault(
    words: list[str],
    why: int,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Folder(tmp_path / "run")
    if words == ["report"]:
        folder.create(Request("run", {"almanac": "full"}, {"almanac": 1}), ONE)

    def refuses(path: Path, data: bytes) -> None:
        raise OSError(why, os.strerror(why), str(path))

    monkeypatch.setattr("agentflow_graph.record.artifacts._write", refuses)
    assert main([*words, str(folder.path)]) == code
    assert f"cannot be written: {os.strerror(why)}" in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_fault() -> None:
    words = f"set -o pipefail; {sys.executable} -m benchmarks list --json | head -0"
    ended = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_without_inspect_the_extra_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.runner.preflight.checks.find_spec", lambda name: None)
    assert main(["run", "almanac", "--run", str(tmp_path / "run")]) == 2
    assert "pip install 'agentflow-graph[bench]'" in capsys.readouterr().err
