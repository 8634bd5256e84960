"""Questions out of files: every accepted shape, and each wrong row by file and line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow_graph.errors import SettingError
from rl.questions.files import Fault, every, read
from rl.reward.task import Task

NAMES = "abcde"


def questions_in(path: Path, n: int = 5) -> Path:
    rows = [{"question": f"{name}?", "answer": name, "id": name} for name in NAMES[:n]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_a_file_is_read_with_ids_and_levels_where_known(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(
        '{"question": "1?", "answer": 1}\n\n'
        '{"question": "2?", "answer": "2", "id": 7, "level": "hard"}\n'
        '{"question": "3?", "answer": "3", "level": null, "id": null}\n'
        '{"question": "4?", "answer": 0, "id": 0}\n'
    )
    assert every(path) == [
        Task("mine-1", "1?", ("1",)),
        Task("7", "2?", ("2",), "hard"),
        Task("mine-4", "3?", ("3",)),
        Task("0", "4?", ("0",)),
    ]


@pytest.mark.parametrize(
    ("fields", "answers"),
    [
        ({"answer": "x"}, ("x",)),
        ({"answers": ["x", "y"]}, ("x", "y")),
        ({"golden_answers": ["x", "y", "x"]}, ("x", "y")),
        ({"final_answer": "-1"}, ("-1",)),
        ({"answer": ["x", "..."]}, ("x",)),
        ({"answer": None, "golden_answers": ["x"]}, ("x",)),
    ],
)
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_answers_go_by_four_names_in_both_formats(
    tmp_path: Path, kind: str, fields: dict[str, Any], answers: tuple[str, ...]
) -> None:
    row = {"question": "q?", "scorer": "words", **fields}
    path = tmp_path / f"mine.{kind}"
    if kind == "parquet":
        parquet_of(path, [row])
    else:
        path.write_text(json.dumps(row) + "\n")
    assert every(path) == [Task("mine-1", "q?", answers, scorer="words")]


def test_a_line_separator_inside_a_question_ends_no_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "one\u2028two\x85?", "answer": "\u00e9"}\n', encoding="utf-8")
    assert every(path) == [Task("mine-1", "one\u2028two\x85?", ("\u00e9",))]


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("not json", "not a JSON object"),
        ("[1, 2]", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('{"question": "x?"}', "has no 'answer'"),
        ('{"answer": "x"}', "has no 'question'"),
        ('{"question": null, "answer": "x"}', "has no 'question'"),
        ('{"question": "  ", "answer": "x"}', "empty question"),
        ('{"question": "x?", "answer": ""}', "empty question or answer"),
        ('{"question": "x?", "answer": "..."}', "empty question or answer"),
        ('{"question": "x?", "answers": []}', "empty question or answer"),
        ('{"question": "x?", "answer": "x", "id": "a"}', "id 'a'"),
        ('{"question": "x?", "answer": "x", "scorer": "math"}', "did you mean 'maths'"),
    ],
)
def test_a_wrong_line_is_named_by_file_and_number(tmp_path: Path, line: str, fragment: str) -> None:
    path = questions_in(tmp_path / "mine.jsonl")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(SettingError, match=r"1 of 6 rows .*\n.*mine\.jsonl:6") as caught:
        every(path)
    assert fragment in str(caught.value)


def test_bytes_that_are_no_text_are_a_wrong_line(tmp_path: Path) -> None:
    path = questions_in(tmp_path / "mine.jsonl", n=1)
    path.write_bytes(path.read_bytes() + b'{"question": "\xff?", "answer": "x"}\n')
    good, bad = read(path)
    assert good == Task("a", "a?", ("a",))
    assert isinstance(bad, Fault)
    assert bad.place.endswith("mine.jsonl:2")


def test_many_wrong_rows_are_counted_and_the_first_ones_shown(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    rows: list[dict[str, Any]] = [{"question": f"{i}?", "answer": "x"} for i in range(20)]
    for i in range(5, 13):
        rows[i]["question"] = " "
    parquet_of(path, rows)
    with pytest.raises(SettingError) as caught:
        every(path)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("8 of 20 rows cannot be used")
    assert [line.split()[0] for line in lines[1:]] == [f"{path}:{n}" for n in range(6, 11)]


def test_a_missing_empty_or_foreign_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    with pytest.raises(SettingError, match=r"mine\.jsonl does not exist; .*rl data build"):
        every(path)
    path.write_text("\n")
    with pytest.raises(SettingError, match=r"mine\.jsonl is empty"):
        every(path)
    other = tmp_path / "mine.parquet"
    other.write_text("no parquet")
    with pytest.raises(SettingError, match=r"mine\.parquet cannot be read as parquet"):
        every(other)


def test_a_stream_holds_one_row_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    row = json.dumps({"question": "q" * 20_000, "answer": "x"}) + "\n"
    with path.open("w") as file:
        file.writelines(row for _ in range(1000))
    tracemalloc.start()
    assert sum(isinstance(one, Task) for one in read(path)) == 1000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 10


@given(st.binary(max_size=60))
def test_no_line_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, line: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(line + b'\n{"question": "q?", "answer": "x", "id": "last"}\n')
    assert list(read(path))[-1] == Task("last", "q?", ("x",))
