"""The training set: made-up files in the schemas of its sources, through the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.errors import SettingError
from benchmarks.items.files import checksum
from benchmarks.items.hub import hub_rows
from rl.questions import build as dataset
from rl.questions import cli as dataset_cli
from rl.questions.build import AIME, DEEPMATH, NQ, build
from rl.questions.files import every
from rl.reward.task import Task

NQ_ROWS: list[dict[str, Any]] = [
    {"id": f"train_{i}", "question": f"who wrote book {i}", "golden_answers": [f"A{i}", f"B; {i}"]}
    for i in range(40)
]
DEEPMATH_ROWS: list[dict[str, Any]] = [
    {
        "question": f"Evaluate $\\int {i}$.",
        "final_answer": f"\\frac{{{i}}}{{2}}",
        "difficulty": 5.5,
        "topic": "Calculus",
        "r1_solution_1": "long " * 50,
    }
    for i in range(30)
]
AIME_ROWS: list[dict[str, Any]] = [
    {"ID": f"2024-I-{i}", "Problem": f"Find {i}.", "Solution": "So.", "Answer": i}
    for i in range(1, 4)
]
EXPECTED = (79_168, 103_022, 30)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, list[Path]]:
    """NQ as JSONL, DeepMath as two parquet files, AIME24 as parquet: as the hub has them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "sources"
    folder.mkdir()
    nq = folder / "train.jsonl"
    nq.write_text("".join(json.dumps(row) + "\n" for row in NQ_ROWS))
    halves = [folder / f"train-{i}.parquet" for i in range(2)]
    for path, rows in zip(halves, (DEEPMATH_ROWS[:20], DEEPMATH_ROWS[20:]), strict=True):
        pq.write_table(pa.Table.from_pylist(rows), path)
    aime = folder / "aime.parquet"
    pq.write_table(pa.Table.from_pylist(AIME_ROWS), aime)
    return {"nq": [nq], "deepmath": halves, "aime24": [aime]}


def words(out: Path, sources: dict[str, list[Path]], *more: str) -> list[str]:
    files = [word for name, paths in sources.items() for word in (f"--{name}", *map(str, paths))]
    return ["build", "--out", str(out), *files, *more]


def test_the_papers_counts_are_asked_of_each_source() -> None:
    assert (NQ.rows, DEEPMATH.rows, AIME.rows) == EXPECTED
    assert NQ.rows + DEEPMATH.rows == 182_190


def test_a_source_of_another_size_is_refused_before_anything_is_written(
    tmp_path: Path, sources: dict[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dataset_cli.main(words(tmp_path / "out", sources)) == 2
    error = capsys.readouterr().err
    assert "nq has 40 rows, the paper's has 79,168" in error
    assert "--any-count" in error
    assert not (tmp_path / "out").exists()


def test_both_sources_become_rows_that_training_reads(
    tmp_path: Path, sources: dict[str, list[Path]]
) -> None:
    out = tmp_path / "out"
    assert dataset_cli.main(words(out, sources, "--any-count")) == 0
    tasks = {task.id: task for task in every(out / "train.jsonl")}
    assert len(tasks) == 70
    assert tasks["nq-train_3"] == Task(
        "nq-train_3", "who wrote book 3?", ("A3", "B; 3"), "nq", "words"
    )
    assert tasks["deepmath-25"] == Task(
        "deepmath-25", "Evaluate $\\int 25$.", ("\\frac{25}{2}",), "difficulty 5.5", "maths"
    )
    held = every(out / "aime24.jsonl")
    assert sorted(task.id for task in held) == [f"aime24-2024-I-{i}" for i in range(1, 4)]
    assert {task.scorer for task in held} == {"maths"}
    lines = (out / "train.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["source"] for line in lines]
    assert len(set(kinds[:35])) == 2, "the sources are mixed"


def test_equal_sources_give_equal_bytes_and_a_seed_another_order(
    tmp_path: Path, sources: dict[str, list[Path]]
) -> None:
    made = [build(tmp_path / n, sources, any_count=True) for n in ("a", "b")]
    other = build(tmp_path / "c", sources, any_count=True, seed=1)
    assert made[0] == made[1]
    file = made[0]["files"]["train.jsonl"]
    assert file["sha256"] == checksum(tmp_path / "b" / "train.jsonl")
    assert other["files"]["train.jsonl"]["sha256"] != file["sha256"]
    assert other["files"]["train.jsonl"]["rows"] == file["rows"] == 70


def test_the_manifest_says_what_was_read(tmp_path: Path, sources: dict[str, list[Path]]) -> None:
    NQ_EMPTY = {"id": "train_x", "question": "what", "golden_answers": ["..."]}
    with sources["nq"][0].open("a") as file:
        file.write(json.dumps(NQ_EMPTY) + "\n")
    build(tmp_path / "out", sources, any_count=True)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    nq = manifest["sources"][0]
    assert (nq["hub"], nq["config"], nq["split"]) == (NQ.hub, "nq", "train")
    assert (nq["expected"], nq["read"], nq["unusable"]) == (79_168, 41, 1)
    assert nq["files"] == {"train.jsonl": checksum(sources["nq"][0])}
    assert manifest["files"]["train.jsonl"]["rows"] == 70


def test_a_file_of_another_schema_is_named(
    tmp_path: Path, sources: dict[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    swapped = sources | {"deepmath": sources["nq"]}
    assert dataset_cli.main(words(tmp_path / "out", swapped, "--any-count")) == 2
    error = capsys.readouterr().err
    assert "row 1 of deepmath" in error
    assert "final_answer" in error


def test_a_source_without_files_is_streamed_by_the_datasets_library(
    tmp_path: Path, sources: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder stands for the hub: the library reads both in the same way."""
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "train.jsonl").write_text(sources["nq"][0].read_text())
    monkeypatch.setattr(dataset, "revision", lambda _: "abc")
    monkeypatch.setattr(dataset, "NQ", replace(NQ, hub=str(folder), config=""))
    given = {name: files for name, files in sources.items() if name != "nq"}
    manifest = build(tmp_path / "out", given, any_count=True)
    assert (manifest["sources"][0]["read"], manifest["sources"][0]["revision"]) == (40, "abc")
    assert manifest["files"]["train.jsonl"]["rows"] == 70


def test_a_hub_without_the_data_set_is_named(tmp_path: Path) -> None:
    rows = hub_rows(str(tmp_path / "none"), "", "train", "name its files", ("id", "question"))
    with pytest.raises(SettingError, match=r"gave no rows of .*none, split .* name its files"):
        list(rows)


def test_check_counts_shows_and_compares_with_the_manifest(
    tmp_path: Path, sources: dict[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, sources, any_count=True)
    file = tmp_path / "train.jsonl"
    assert dataset_cli.main(["check", str(file), "--rows", "2"]) == 0
    shown = capsys.readouterr().out
    assert "70 questions, 110 right answers" in shown
    assert "maths 30, words 40" in shown
    assert "difficulty 5.5 30, nq 40" in shown
    assert shown.count('"id": ') == 2
    assert "checksum: as in manifest.json" in shown
    with file.open("a") as more:
        more.write('{"question": "who wrote book 3?", "answer": "x"}\n{"question": "?"}\n')
    assert dataset_cli.main(["check", str(file)]) == 2
    shown = capsys.readouterr().out
    assert "asked more than once: 1 rows" in shown
    assert f"fault: {file}:72 has no 'answer'" in shown
    assert "1 rows cannot be used" in shown
    assert "manifest.json says" in shown


def test_the_command_is_a_part_of_rl_data(tmp_path: Path) -> None:
    from launched import run_program

    done = run_program("-m", "rl", "data", "check", str(tmp_path / "none.jsonl"))
    assert done.returncode == 2
    assert "does not exist" in done.stderr
