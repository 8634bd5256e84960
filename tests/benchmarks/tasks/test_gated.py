"""GPQA Diamond, GAIA with its files, and the answers that leaderboards and scripts take."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up import rows, write
from sessions import result, session

from agentflow_graph.errors import SettingError
from benchmarks.__main__ import main
from benchmarks.items.attachments import LONGEST
from benchmarks.items.data import load
from benchmarks.items.item import Item
from benchmarks.report.several.predictions import predictions
from benchmarks.runner.store.folder import Folder, Request
from benchmarks.tasks.registry import benchmark

PLAIN = {
    "task_id": "a",
    "Question": "How many?",
    "Level": "1",
    "Final answer": "7",
    "file_name": "",
}


def gaia(path: Path, *names: str) -> Path:
    """A snapshot with a plain question and one for each file."""
    given = [PLAIN, *({**PLAIN, "task_id": name, "file_name": name} for name in names)]
    write(path / "gaia-files" / "2023" / "validation" / "metadata.jsonl", given)
    return path


def test_a_file_of_text_is_part_of_its_question(tmp_path: Path) -> None:
    data = gaia(tmp_path, "t.csv", "p.png", "long.txt")
    place = tmp_path / "gaia-files" / "2023" / "validation"
    (place / "t.csv").write_text("a,b\n1,2\n")
    (place / "long.txt").write_text("x" * (LONGEST + 5))
    plain, table, picture, long = load(benchmark("gaia-files"), "full", data)
    assert "attached" not in plain.question and plain.level == "level 1"
    assert table.question.endswith(
        "The attached file t.csv, between the lines:\n---\na,b\n1,2\n\n---"
    )
    assert table.question.startswith(plain.question) and table.level == "level 1, file"
    assert picture.question.endswith("The attached file p.png cannot be read here.")
    assert picture.level == "level 1, .png not read"
    assert long.question.endswith("[... 5 characters left out ...]\n---")
    assert [each.source_id for each in (plain, table)] == ["a", "t.csv"]


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    data = gaia(tmp_path, "t.csv")
    with pytest.raises(SettingError, match="the file t.csv, which is not there: put it into"):
        load(benchmark("gaia-files"), "full", data)
    (tmp_path / "gaia-files" / "2023" / "validation" / "t.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="csv cannot be read: t.csv is no .csv file .Unicode"):
        load(benchmark("gaia-files"), "full", data)


def test_diamond_is_a_set_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "gpqa-diamond.json", rows("official")["gpqa"])
    write(tmp_path / "gpqa.json", rows("official")["gpqa"])
    diamond = load(benchmark("gpqa-diamond"), "full", tmp_path)
    usual = load(benchmark("gpqa"), "full", tmp_path)
    assert [each.choices for each in diamond] == [each.choices for each in usual]
    assert all(each.id.startswith("gpqa-diamond-") for each in diamond)
    of = benchmark("gpqa-diamond")
    assert (of.config, of.subsets["full"]["official"].size, of.gated) == ("gpqa_diamond", 198, True)
    assert of.score(diamond[0], diamond[0].golds[0]).value == 1.0


def official(task: str) -> list[dict[str, Any]]:
    """The made-up rows, each with an id as the data set's authors give it."""
    given = rows("official")[task]
    return [{**row, "id": f"5a8{n}"} if task == "hotpotqa" else row for n, row in enumerate(given)]


def items(tmp_path: Path, task: str) -> dict[str, Item]:
    write(tmp_path / f"{task}.json", official(task))
    return {each.id: each for each in load(benchmark(task), "full", tmp_path)}


def test_predictions_have_the_official_forms(tmp_path: Path) -> None:
    tasks = {task: items(tmp_path, task) for task in ("gaia", "hotpotqa", "musique", "aime24")}
    asked = [(task, name) for task, own in tasks.items() for name in own]
    marks = [result(name, task=task, answer=f"of {name}", trial=2) for task, name in asked[1:]]
    run = session(marks, {task: len(own) for task, own in tasks.items()}, trials=2)
    found = predictions(run, tasks, trial=2)
    assert list(found) == ["gaia.jsonl", "hotpotqa.json", "musique.jsonl"]
    first, *_ = [json.loads(line) for line in found["gaia.jsonl"].splitlines()]
    assert first == {"task_id": "aaaa-1", "model_answer": ""}, "missing, and so empty"
    hotpot = json.loads(found["hotpotqa.json"])
    ids = [row["id"] for row in official("hotpotqa")]
    assert list(hotpot["answer"]) == ids and hotpot["sp"] == {name: [] for name in ids}
    (name,) = [n for n, item in tasks["hotpotqa"].items() if item.source_id == ids[0]]
    assert hotpot["answer"][ids[0]] == f"of {name}"
    lines = [json.loads(line) for line in found["musique.jsonl"].splitlines()]
    assert lines[0]["id"] == rows("official")["musique"][0]["id"]
    assert (lines[0]["predicted_support_idxs"], lines[0]["predicted_answerable"]) == ([], True)
    with pytest.raises(SettingError, match="--trial 3: the run has trials 1 to 2"):
        predictions(run, tasks, trial=3)
    with pytest.raises(SettingError, match="aime24: none has a form for predictions"):
        predictions(run, {"aime24": tasks["aime24"]})


def test_the_command_writes_them_or_says_what_is_lacking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = items(tmp_path, "hotpotqa")
    folder = Folder(tmp_path / "run")
    folder.create(Request("run", {"hotpotqa": "full"}, {"hotpotqa": len(own)}), {"hotpotqa": own})
    assert main(["predictions", str(folder.path)]) == 0
    assert f"{len(own)} trials have no score" in capsys.readouterr().out
    written = json.loads((folder.path / "predictions" / "hotpotqa.json").read_text())
    assert set(written["answer"].values()) == {""}

    bare = {name: replace(item, source_id="") for name, item in own.items()}
    assert bare == own, "an id of the data set makes no other item"
    folder.create(folder.request(), {"hotpotqa": bare})
    assert main(["predictions", str(folder.path)]) == 2
    assert "do not know their id in the data set" in capsys.readouterr().err
