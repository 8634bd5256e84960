"""Questions for a run: files of one's own, the almanac, and rows of OpenRLHF's data loader."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rl.questions import data
from rl.questions.rows import from_row, to_row
from rl.reward.task import Task
from rl.settings.config import Config

NAMES = "abcde"


def questions_in(path: Path, n: int = 5) -> Path:
    rows = [{"question": f"{name}?", "answer": name, "id": name} for name in NAMES[:n]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def written(tmp_path: Path, **settings: object) -> dict[str, list[Task]]:
    """The tasks in the two files that a run's loader reads."""
    given = {"run": tmp_path / "run", "model": {"path": "there"}, **settings}
    data.write(Config.model_validate(given))
    files = {name: tmp_path / "run" / "data" / f"{name}.jsonl" for name in ("train", "heldout")}
    rows = {name: map(json.loads, path.read_text().splitlines()) for name, path in files.items()}
    return {name: [from_row(row["input"], row["label"]) for row in rows[name]] for name in rows}


def test_questions_repeat_in_new_orders_as_long_as_the_steps_need(tmp_path: Path) -> None:
    path = str(questions_in(tmp_path / "mine.jsonl"))
    settings = {"data": {"train": path}, "steps": 4, "rollout": {"questions": 3}}
    train = written(tmp_path, **settings)["train"]
    asked = [task.question for task in train]
    assert len(asked) == 4 * 3
    assert set(Counter(asked).values()) == {2, 3}
    assert sorted(asked[:5]) == sorted(asked[5:10]) == [f"{name}?" for name in NAMES]
    assert asked[:5] != asked[5:10]
    again = written(tmp_path, **settings)["train"]
    other = written(tmp_path, **settings, seed=8)["train"]
    assert again == train != other


def test_ids_are_unique_although_questions_repeat(tmp_path: Path) -> None:
    """OpenRLHF shuffles the file, so any two rows may meet in a step; a group is an id."""
    path = str(questions_in(tmp_path / "mine.jsonl", n=2))
    train = written(tmp_path, data={"train": path}, steps=3, rollout={"questions": 5})["train"]
    assert len({task.id for task in train}) == len(train) == 15


def test_heldout_is_cut_to_its_number(tmp_path: Path) -> None:
    path = str(questions_in(tmp_path / "mine.jsonl"))
    heldout = written(tmp_path, data={"heldout": path, "heldout_n": 3})["heldout"]
    assert [task.id for task in heldout] == ["a", "b", "c"]


def test_the_almanacs_splits_share_no_question(tmp_path: Path) -> None:
    almanac = written(tmp_path, steps=30, data={"heldout_n": 200})
    train, heldout = almanac["train"], almanac["heldout"]
    assert (len(train), len(heldout)) == (30 * 16, 200)
    assert not {task.question for task in train} & {task.question for task in heldout}
    assert len({task.id for task in train + heldout}) == 30 * 16 + 200
    assert len({task.level for task in heldout}) == 5


def test_the_seed_changes_training_questions_and_no_heldout_one() -> None:
    assert data.almanac("heldout", 50, seed=1) == data.almanac("heldout", 50, seed=2)
    assert data.almanac("train", 50, seed=1) != data.almanac("train", 50, seed=2)


texts = st.text(min_size=1, max_size=30)


@given(texts, texts, texts, st.text(max_size=10))
def test_a_task_survives_the_data_loader(id: str, question: str, answer: str, level: str) -> None:
    task = Task(id, question, (answer,), level)
    row = json.loads(json.dumps(to_row(task)))
    assert set(row) == {"input", "label", "datasource"}
    assert from_row(row["input"], row["label"]) == task
