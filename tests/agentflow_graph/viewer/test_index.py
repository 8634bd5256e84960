"""The index: built by offsets, brought up to date, never in the folder, never outside it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from viewing import finished, run_events, trial, write

from agentflow_graph.errors import SettingError
from agentflow_graph.record.events import Event, line_of
from agentflow_graph.record.packed import pack, packed

A, B = "train-00001/q1/0/0", "train-00001/q1/1/0"


def test_a_list_tells_outcome_tool_level_and_step(seen, tmp_path: Path) -> None:
    events = [*run_events(A), finished(A, 1.0), *run_events(B, tool="look_up", answer="7")]
    write(tmp_path / "run/record/train-00001", [*events, finished(B, 0.0, level="two_hops")])
    here = seen()
    told = here.data("runs")["runs"]
    assert [(run["name"], run["status"], run["answer"]) for run in told] == [
        (A, "right", "42"),
        (B, "wrong", "7"),
    ]
    assert [(run["step"], run["turns"], run["tokens"]) for run in told] == [(1, 1, 13)] * 2
    assert here.names(status="wrong") == here.names(tool="look_up") == here.names(level="two_hops")
    assert here.names(status="wrong") == [B]
    assert here.names(step=1, text="6 * 7") == [A, B]
    assert here.names(step=2) == here.names(text="6 _ 7") == here.names(text="%") == []
    about = here.data("about")
    assert about["kind"] == "training"
    assert about["tools"] == ["look_up", "python_coder"]
    assert about["levels"] == ["one_hop", "two_hops"]
    assert about["steps"] == [1]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        (run_events(A)[:3], "unfinished"),
        (run_events(A), "answered"),
        ([*run_events(A), finished(A, None, "ModelError: gone", fault="world")], "failed"),
        ([*run_events(A), finished(A, None, "no verdict", fault="judge")], "unscored"),
        ([*run_events(A), finished(A, 0.5)], "wrong"),
    ],
)
def test_every_outcome_has_its_name(seen, tmp_path: Path, events, status: str) -> None:
    write(tmp_path / "run", events)
    (run,) = seen().data("runs")["runs"]
    assert run["status"] == status


def test_the_reward_that_counts_as_right_is_the_configurations(seen, tmp_path: Path) -> None:
    write(tmp_path / "run/record", [*run_events(A), finished(A, 0.5)])
    (tmp_path / "run/config.yaml").write_text("evaluation: {solved_at: 0.5}\n")
    assert seen().names(status="right") == [A]


def test_what_is_written_later_is_read_from_there_on(seen, tmp_path: Path) -> None:
    path = write(tmp_path / "run", run_events("a"))
    here = seen()
    line = line_of(run_events("b")[0])
    with path.open("ab") as file:
        file.write(line[:-20])
    here.look()
    assert here.names() == ["a"]
    assert here.data("news")["damaged"] == 1, "the file ends in a torn line"
    with path.open("ab") as file:
        file.write(line[-20:])
    write(tmp_path / "run", run_events("c"), "b.jsonl")
    before = here.data("news")["revision"]
    here.look()
    assert here.names() == ["a", "b", "c"]
    news = here.data("news")
    assert news["damaged"] == 0
    assert news["revision"] > before
    assert news["done"] == news["size"]


def test_a_second_start_reads_nothing_again(seen, tmp_path: Path) -> None:
    write(tmp_path / "run", run_events("a"))
    first = seen()
    first.follower.stop()
    again = seen()
    assert again.names() == ["a"]
    assert again.follower.progress.revision == 0


def test_a_file_that_was_replaced_is_read_anew(seen, tmp_path: Path) -> None:
    path = write(tmp_path / "run", [*run_events("a"), *run_events("b")])
    here = seen()
    path.unlink()
    write(tmp_path / "run", run_events("c"))
    here.look()
    assert here.names() == ["c"]


def test_a_packed_file_is_read_as_it_was(seen, tmp_path: Path) -> None:
    pack(write(tmp_path / "run", [*run_events("a"), *run_events("b")]))
    here = seen()
    assert here.names() == ["a", "b"]
    assert here.data("run", name="b")["damaged"] == 0
    assert here.data("run", name="b")["question"] == here.data("run", name="a")["question"]
    news = here.data("news")
    assert (news["damaged"], news["done"]) == (0, news["size"])
    here.look()
    assert here.data("news")["revision"] == news["revision"], "nothing is read twice"


def test_a_file_that_is_packed_meanwhile_is_not_read_again(seen, tmp_path: Path) -> None:
    path = write(tmp_path / "run", run_events("a"))
    here = seen()
    with path.open("ab") as file:
        file.writelines(line_of(event) for event in run_events("b"))
    pack(path)
    here.look()
    assert here.names() == ["a", "b"]
    with sqlite3.connect(here.index.path) as db:
        assert db.execute("select count(*) from lines").fetchone()[0] == 2 * len(run_events("a"))
    assert here.data("news")["done"] == here.data("news")["size"]
    assert here.data("run", name="a")["damaged"] == here.data("run", name="b")["damaged"] == 0
    write(tmp_path / "run", run_events("c"), "b.jsonl")
    here.look()
    assert here.names() == ["a", "b", "c"]


@pytest.mark.parametrize("harm", ["cut", "changed"])
def test_a_packed_file_that_is_harmed_gives_its_beginning(seen, tmp_path: Path, harm: str) -> None:
    events = [event for number in range(3000) for event in run_events(f"r{number}")]
    path = write(tmp_path / "run", events)
    pack(path)
    whole = packed(path).read_bytes()
    half = len(whole) // 2
    end = b"" if harm == "cut" else b"\xff" * 64 + whole[half + 64 :]
    packed(path).write_bytes(whole[:half] + end)
    here = seen()
    assert 100 < here.data("news")["runs"] < 2900
    assert here.data("news")["damaged"] >= 1
    count = here.data("news")["runs"]
    for name in ("r0", f"r{count - 2}"):
        assert (here.data("run", name=name)["answer"], here.data("run", name=name)["damaged"]) == (
            "42",
            0,
        )


def test_a_damaged_index_is_made_anew(seen, tmp_path: Path) -> None:
    write(tmp_path / "run", run_events("a"))
    first = seen()
    first.follower.stop()
    first.index.path.write_bytes(b"no database " * 500)
    assert seen().names() == ["a"]


def test_damaged_and_unknown_lines_are_counted_and_passed_over(seen, tmp_path: Path) -> None:
    torn = line_of(run_events("a")[1]).replace(b"human", b"robot")
    strange: list[Event] = [{"event": "of the future", "run": "a", "x": 1}, {"event": "of nobody"}]
    path = write(tmp_path / "run", [*run_events("a"), *strange])
    path.write_bytes(
        path.read_bytes() + torn + b"\xff\xfe\n" + line_of({"event": "begun", "run": 7})
    )
    here = seen()
    assert here.names() == ["a"]
    news = here.data("news")
    assert (news["damaged"], news["unknown"]) == (3, 2)
    run = here.data("run", name="a")
    assert run["damaged"] == 0
    assert [note["kind"] for note in run["notes"]] == ["of the future"]


def test_a_file_of_another_format_is_named(seen, tmp_path: Path) -> None:
    write(tmp_path / "run", run_events("a"))
    other = tmp_path / "run/b.jsonl"
    other.write_bytes(line_of({"event": "opened", "format": 99, "time": 2.0}))
    (told,) = seen().data("news")["refused"]
    assert told == "b.jsonl: format 99, this version reads 1"


def test_nothing_is_written_into_the_folder_and_nothing_outside_is_read(
    seen, tmp_path: Path
) -> None:
    write(tmp_path / "run", run_events("inside"))
    write(tmp_path / "other", run_events("outside"))
    (tmp_path / "run/link.jsonl").symlink_to(tmp_path / "other/a.jsonl")
    (tmp_path / "run/folder").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "run/pipe.jsonl")
    before = sorted(tmp_path.joinpath("run").iterdir())
    here = seen()
    assert here.names() == ["inside"]
    assert sorted(tmp_path.joinpath("run").iterdir()) == before
    assert here.index.path.stat().st_mode & 0o077 == 0
    # A folder in the record's place, after it was indexed, is not followed either.
    (tmp_path / "run/a.jsonl").rename(tmp_path / "elsewhere.jsonl")
    (tmp_path / "run/a.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    assert here.data("run", name="inside")["damaged"] == 7


def test_the_scoring_that_was_completed_last_is_shown(seen, tmp_path: Path) -> None:
    events = [*run_events("quiz/q1/1"), *trial("q1", 1, 0.0), *run_events("quiz/q2/1")]
    later = [trial(item, 1, 1.0, scoring=1)[1] for item in ("q1", "q2")]
    path = write(tmp_path / "run/record", [*events, *trial("q2", 1, 1.0), later[0]])
    items = '{"task": "quiz", "id": "q1", "question": "?", "golds": ["42"], "level": "hard"}\n'
    (tmp_path / "run/items.jsonl").write_text(items)
    here = seen()
    assert here.data("about")["kind"] == "benchmark"
    first, second = here.data("groups", order="wrong")["groups"]
    assert (first["item"], first["mean"], first["golds"]) == ("q1", 0.0, '["42"]')
    assert first["answers"] == ["41"]
    assert second["runs"] == [["quiz/q2/1", "right", 1.0]]
    assert here.data("runs")["cost"] == 0.5
    with path.open("ab") as file:
        file.write(line_of(later[1]) + line_of({"event": "scoring", "scoring": 1, "judge": ""}))
    here.look()
    assert here.names(status="right") == ["quiz/q1/1", "quiz/q2/1"]


def test_a_wrong_filter_is_named(seen, tmp_path: Path) -> None:
    write(tmp_path / "run", run_events("a"))
    here = seen()
    with pytest.raises(SettingError, match="order='odd' is none; choose one of begun"):
        here.data("runs", order="odd")
    with pytest.raises(SettingError, match="step='x' is no whole number"):
        here.data("runs", step="x")
    with pytest.raises(SettingError, match=r"no run 'aa' \(did you mean|no run 'aa'; look it up"):
        here.data("run", name="aa")
