"""Questions of any file, measured and played: JSONL or parquet, each row with the rule it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from agentflow_graph.models.strings import NANO
from benchmarks.almanac.questions import questions
from benchmarks.almanac.world import World
from rl import evaluate
from rl.planners import traces
from rl.run.record import rows

# The sandbox proves at its start that nothing in it reaches a listening socket of ours.
pytestmark = pytest.mark.enable_socket

TEACHER = ["--planner", str(NANO), "--teacher"]


def asked() -> list[dict[str, Any]]:
    """A sum whose answer is right for the rule `maths` alone, a name with `words`, a wrong gold."""
    (total,) = questions(World(), "train", 1, 1, ["arithmetic"])
    who, other = questions(World(), "train", 2, 1, ["one_hop"])
    return [
        {"question": total.text, "answer": f"{2 * int(total.answer)}/2", "scorer": "maths"},
        {"question": who.text, "answer": f"The {who.answer}", "scorer": "words"},
        {"question": other.text, "answer": "none of this", "scorer": "exact"},
    ]


@pytest.fixture
def parquet_file(tmp_path: Path) -> Path:
    parquet.write_table(pa.Table.from_pylist(asked()), tmp_path / "mine.parquet")
    return tmp_path / "mine.parquet"


@pytest.fixture
def jsonl_file(tmp_path: Path) -> Path:
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked()))
    return tmp_path / "mine.jsonl"


def test_a_planner_is_measured_on_a_parquet_file(
    parquet_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "eval.json"
    words = [*TEACHER, "--out", str(out), "--data", str(parquet_file), "--runs", "2"]
    assert evaluate.main(words) == 0, capsys.readouterr().err
    (found,) = json.loads(out.read_text())
    assert (found["n"], found["runs_each"], found["solved"]) == (3, 2, 4)
    assert found["success"] == pytest.approx(2 / 3)
    assert [found["pass_at"][k][0] for k in ("1", "2")] == pytest.approx([2 / 3, 2 / 3])
    assert "0.667" in capsys.readouterr().out


def test_traces_of_a_file_are_graded_by_the_rules_that_it_names(
    jsonl_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "traces"
    words = ["--out", str(out), "--data", str(jsonl_file), "--questions", "2", "--group", "2"]
    assert traces.main([*TEACHER, *words]) == 0, capsys.readouterr().err
    found = rows(out)
    assert [(row["scorer"], row["reward"]) for row in found] == [("maths", 1.0)] * 2 + [
        ("words", 1.0)
    ] * 2
    assert {row["id"] for row in found} == {"mine-1", "mine-2"}


def test_a_planner_is_measured_by_the_reward_that_is_set(jsonl_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "eval.json"
    words = ["--out", str(out), "--data", str(jsonl_file), "reward.kind=own_rewards:contrary"]
    assert evaluate.main([*TEACHER, *words]) == 0
    assert json.loads(out.read_text())[0]["success"] == 1.0, "no answer is the gold to the letter"


@pytest.mark.parametrize("command", [evaluate, traces])
def test_the_oracle_refuses_what_is_not_of_its_world(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = tmp_path / "strange.jsonl"
    strange.write_text(json.dumps({"question": "Why is the sky blue?", "answer": "rays"}) + "\n")
    words = ["--out", str(tmp_path / "out"), "--data", str(strange)]
    assert command.main([*TEACHER, *words]) == 2
    assert "--teacher plays questions of almanac alone, and 'strange-1'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
