"""Loading: each kind of file, the hub's library, and every way in which data can be wrong."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from made_up import folder, rows, write

from agentflow_graph.errors import SettingError
from benchmarks.items.data import NoData, load, locate
from benchmarks.items.subsets import first
from benchmarks.tasks.registry import benchmark, registry

FREE = ["bamboogle", "2wiki", "hotpotqa", "musique", "aime24", "amc23", "gameof24", "medqa"]
BAMBOOGLE = benchmark("bamboogle")
OFFICIAL = rows("official")["bamboogle"]


@pytest.mark.parametrize("task", [*FREE, "gaia", "gpqa"])
def test_items_are_the_same_wherever_they_come_from(task: str, tmp_path: Path) -> None:
    original = load(benchmark(task), "full", folder(tmp_path / "original", "original"))
    official = load(benchmark(task), "full", folder(tmp_path / "official", "official"))
    assert [item.id for item in original] == [item.id for item in official]


def test_the_folder_of_the_originals_clone_will_do(tmp_path: Path) -> None:
    write(tmp_path / "bamboogle" / "data" / "data.json", rows("original")["bamboogle"])
    assert locate(BAMBOOGLE, "full", tmp_path).source == "original"


@pytest.mark.parametrize("name", ["bamboogle.json", "bamboogle.jsonl", "bamboogle/a/b.jsonl"])
def test_official_rows_as_json(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, OFFICIAL)
    assert len(load(BAMBOOGLE, "full", tmp_path)) == len(OFFICIAL)


def test_a_line_separator_inside_a_question_ends_no_row(tmp_path: Path) -> None:
    row = json.dumps({"question": "Who\u2028came?", "answer": "Orla"}, ensure_ascii=False)
    (tmp_path / "bamboogle.jsonl").write_text(f"{row}\n{row}\n", encoding="utf-8")
    assert len(load(BAMBOOGLE, "full", tmp_path)) == 2


def test_official_rows_as_parquet_and_only_of_the_split(tmp_path: Path) -> None:
    data = tmp_path / "bamboogle" / "data"
    data.mkdir(parents=True)
    for split, kept in (("test", OFFICIAL[:1]), ("train", OFFICIAL[1:])):
        table = pyarrow.Table.from_pylist(kept)
        pyarrow.parquet.write_table(table, data / f"{split}-00000-of-00001.parquet")
    assert [item.golds for item in load(BAMBOOGLE, "full", tmp_path)] == [("Orla Finch",)]


def test_the_configuration_is_chosen_before_the_split(tmp_path: Path) -> None:
    hotpotqa, given = benchmark("hotpotqa"), rows("official")["hotpotqa"]
    for config in ("distractor", "fullwiki"):
        write(tmp_path / "hotpotqa" / config / "validation-0.jsonl", given)
        write(tmp_path / "hotpotqa" / config / "train-0.jsonl", given)
    assert len(load(hotpotqa, "full", tmp_path)) == len(given)


def test_files_of_which_none_is_the_split_are_refused(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / "bamboogle" / name, OFFICIAL)
    with pytest.raises(SettingError, match=r"\(a.jsonl, b.jsonl\).*split 'test'"):
        load(BAMBOOGLE, "full", tmp_path)


def test_the_table_of_tree_of_thoughts(tmp_path: Path) -> None:
    text = "Rank,Puzzles,AMT (s)\n901,4 5 6 10,10.02\n902,1 2 4 7,10.03\n1,1 1 4 6,4.4\n"
    (tmp_path / "24.csv").write_text(text, encoding="utf-8")
    found = locate(benchmark("gameof24"), "tot-900-1000", tmp_path)
    assert [item.numbers for item in found.items] == [(4, 5, 6, 10), (1, 2, 4, 7)]


def test_the_subset_says_which_source_is_read(tmp_path: Path) -> None:
    folder(folder(tmp_path, "original"), "official")
    medqa = benchmark("medqa")
    assert locate(medqa, "agentflow", tmp_path).source == "original"
    assert locate(medqa, "full", tmp_path).source == "official"


def test_missing_data_say_where_and_both_ways(tmp_path: Path) -> None:
    with pytest.raises(NoData) as missing:
        load(BAMBOOGLE, "agentflow", tmp_path)
    for part in (f"{tmp_path}/bamboogle/data.json", f"{tmp_path}/bamboogle.jsonl", "from the hub"):
        assert part in str(missing.value)


def test_what_only_the_originals_file_has_is_said() -> None:
    with pytest.raises(NoData, match=r"not on the hub.*--data DIR.*DIR/gpqa/data.json"):
        load(benchmark("gpqa"), "agentflow", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[{", "cannot be read"), ('{"a": 1}', "no list of rows"), ("[1]", "no list of rows")],
)
def test_an_unreadable_file_is_named(text: str, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bamboogle" / "data.json", [])
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError, match=f"bamboogle/data.json .*{reason}|{reason}"):
        load(BAMBOOGLE, "full", tmp_path)


def test_a_row_of_another_data_set_is_named_without_its_text(tmp_path: Path) -> None:
    write(tmp_path / "bamboogle.json", [*OFFICIAL, {"prompt": "a secret"}])
    with pytest.raises(SettingError, match="row 2: KeyError.*has the fields prompt") as refused:
        load(BAMBOOGLE, "full", tmp_path)
    assert "secret" not in str(refused.value)


def test_a_short_file_is_an_error_beside_the_papers_numbers_and_else_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder(tmp_path, "original")
    with pytest.raises(SettingError, match="agentflow has 125 items and 2 were found"):
        load(BAMBOOGLE, "agentflow", tmp_path)
    with caplog.at_level(logging.WARNING):
        assert len(load(BAMBOOGLE, "full", tmp_path)) == 2
    assert "full has 125 items and 2 were found" in caplog.text
    assert f"whose SHA-256 is {BAMBOOGLE.sha256}" in caplog.text


def test_full_of_an_original_file_that_is_a_choice_is_said_to_be_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder(tmp_path, "original")
    load(benchmark("medqa"), "full", tmp_path)
    assert "not the 1273 of GBaker/MedQA-USMLE-4-options" in caplog.text


def test_an_empty_file_is_an_error_for_every_subset(tmp_path: Path) -> None:
    write(tmp_path / "bamboogle" / "data.json", [])
    with pytest.raises(SettingError, match="0 were found"):
        load(BAMBOOGLE, "full", tmp_path)


def test_the_papers_items_are_the_first_of_the_file(tmp_path: Path) -> None:
    medqa = benchmark("medqa")
    two = replace(medqa, subsets={"agentflow": {"original": first(2)}})
    items = load(two, "agentflow", folder(tmp_path, "original"))
    assert [item.golds for item in items] == [("Jam",), ("Goat",)]


def test_a_repeated_question_gets_an_id_of_its_own(tmp_path: Path) -> None:
    row = {"question": "Who?", "answer": "Orla"}
    write(tmp_path / "bamboogle.json", [row, {**row, "answer": "Ida"}, row, row])
    ids = [item.id for item in load(BAMBOOGLE, "full", tmp_path)]
    assert len(set(ids)) == 4
    assert all(each.startswith(ids[0]) for each in ids)
    write(tmp_path / "bamboogle.json", [row])
    assert [item.id for item in load(BAMBOOGLE, "full", tmp_path)] == ids[:1]


def test_the_limit_takes_the_first(tmp_path: Path) -> None:
    folder(tmp_path, "original")
    items = load(BAMBOOGLE, "full", tmp_path)
    assert load(BAMBOOGLE, "full", tmp_path, limit=1) == items[:1]
    with pytest.raises(SettingError, match="limit=0"):
        load(BAMBOOGLE, "full", tmp_path, limit=0)


def test_the_fixtures_are_made_up() -> None:
    """None of the made-up questions is one of the paper's."""
    from benchmarks.items.subsets import fingerprints

    for task in ("2wiki", "hotpotqa", "musique", "medqa"):
        read = registry()[task].original
        assert read is not None
        ids = {read(row).id.removeprefix(f"{task}-") for row in rows("original")[task]}
        assert not ids & set(fingerprints(task, "agentflow"))
    assert json.dumps(rows("original")["gaia"]).count("task_id") == 2
