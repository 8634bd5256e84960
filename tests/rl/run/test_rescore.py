"""Recorded runs scored with another reward: nothing is asked, nothing recorded is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.record import Record
from rl.rollout import Trajectory
from rl.run import rescore
from rl.run.record import rows

OWN = """
def brief(task, state):
    return 1.0 if len(state["answer"]) < 3 else 0.5
"""


@pytest.fixture
def record(tmp_path: Path, trajectory: Callable[..., Trajectory]) -> Path:
    """A right run, a wrong one and a failed one in one batch; a right one in another."""
    for batch, runs in (
        (
            "train-00001",
            [trajectory("a", 1.0), trajectory("b", 0.0), trajectory("c", None, fault="judge")],
        ),
        ("heldout-00001-0.7", [trajectory("a", 1.0)]),
    ):
        kept = Record(tmp_path / "record" / batch)
        for run in runs:
            event = run.outcome_event(batch, 0)
            if not run.failure:
                kept.write(
                    {"event": "ended", "run": event["run"], "state": {**run.state, "turns": []}}
                )
            kept.write(event)
        kept.close()
    return tmp_path / "record"


def test_the_recorded_reward_comes_out_again(record: Path, capsys: Any) -> None:
    assert rescore.main([str(record)]) == 0
    held, train = capsys.readouterr().out.splitlines()
    same = "runs  recorded {0}  now {0}  changed 0  without a reward {1}"
    assert held.endswith(same.format("1.000", 0))
    assert train.endswith(same.format("0.500", 1))


def test_another_reward_is_set_beside_it(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "own_brief.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    before, out = rows(record), tmp_path / "new.jsonl"
    words = [str(record / "train-00001"), "reward.kind=own_brief:brief", "--out", str(out)]
    assert rescore.main(words) == 0
    assert "recorded 0.500  now 0.750  changed 2" in capsys.readouterr().out
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["id"], line["recorded"], line["reward"]) for line in lines] == [
        ("a", 1.0, 0.5),
        ("b", 0.0, 1.0),
        ("c", None, None),
    ]
    assert lines[0]["by"] == "function:own_brief:brief"
    assert lines[2]["failure"] == "it broke"
    assert rows(record) == before


def test_what_is_wrong_is_said(record: Path, tmp_path: Path, capsys: Any) -> None:
    assert rescore.main([str(record), "reward.kind=judge"]) == 2
    assert "reward.judge" in capsys.readouterr().err
    assert rescore.main([str(tmp_path / "none")]) == 2
    assert "holds no runs of a training; give RUN/record or a part of it" in capsys.readouterr().err
