"""Rows out of files: four formats, wrong rows by number, columns, what is missing."""

import csv
import json
import sys
from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from benchmarks.items.files import checksum, numbered_rows, rows_of

ROWS = [{"question": "Who?", "answer": "Orla"}, {"question": "Where?", "answer": "Arle"}]


def file_of(folder: Path, ending: str) -> Path:
    path = folder / f"rows{ending}"
    if ending == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif ending == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)
    elif ending == ".json":
        path.write_text(json.dumps(ROWS))
    else:
        path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".parquet", ".txt"])
def test_every_format_gives_the_same_rows(tmp_path: Path, ending: str) -> None:
    path = file_of(tmp_path, ending)
    assert list(rows_of(path)) == ROWS
    assert [number for number, _ in numbered_rows(path)] == [1, 2]


def test_of_parquet_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    path = file_of(tmp_path, ".parquet")
    assert list(rows_of(path, ("answer", "none"))) == [{"answer": row["answer"]} for row in ROWS]


def test_a_wrong_row_is_a_reason_or_an_error_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n[1]\n{"a": 2}\n')
    found = dict(numbered_rows(path))
    assert found == {1: {"a": 1}, 3: "is not a JSON object: [1]", 4: {"a": 2}}
    with pytest.raises(SettingError, match=r"rows\.jsonl:3 is not a JSON object.*mend that row"):
        list(rows_of(path))


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("rows.json", "[{", "cannot be read as json"),
        ("rows.json", "[" * 100_000, "cannot be read as json"),
        ("rows.json", '{"a": 1}', "no list of rows"),
        ("rows.parquet", "PAR", "cannot be read as parquet"),
    ],
)
def test_a_file_of_another_format_is_named(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SettingError, match=rf"{name} .*{reason}") as refused:
        list(rows_of(path))
    assert "name it after its format" in str(refused.value)


def test_a_missing_file_and_a_missing_package_have_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingError, match=r"no file .*none\.jsonl: name a \.jsonl"):
        list(rows_of(tmp_path / "none.jsonl"))
    path = file_of(tmp_path, ".parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingError, match="needs the package pyarrow: run `make setup`"):
        list(rows_of(path))


def test_a_checksum_is_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert checksum(path).startswith("e3b0c44298fc1c14")
