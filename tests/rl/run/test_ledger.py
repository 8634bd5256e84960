"""The ledger as the trainer writes it, and which runs cannot be verified at all."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from agentflow_graph.record import Record
from rl.run.saved.fingerprints import DIGITS, changes, fingerprints, seen_in
from rl.run.saved.ledger import Ledger, head, lines_of
from rl.verify import main

MADE = {"processor": "made up", "versions": {}}
FIRST, SECOND = {"w": "00"}, {"w": "01"}


def recorded(run: Path, *steps: int) -> None:
    for step in steps:
        record = Record(run / "record" / f"train-{step:05d}")
        one = record.run("q/0/0")
        for turn in (1, 2):
            asyncio.run(one.call("planner", turn, 0, {"turn": turn}, answer))
        one.note("finished", reward=1.0)
        record.close()


async def answer() -> dict[str, object]:
    return {"text": "reply"}


def made(run: Path, **settings: object) -> Path:
    (run / "data").mkdir(parents=True)
    for name in ("train", "heldout"):
        (run / "data" / f"{name}.jsonl").write_text("{}\n")
    told = {"run": str(run), "deterministic": True, "model": {"path": "planner"}, **settings}
    (run / "config.yaml").write_text(yaml.safe_dump(told))
    return run


def written(run: Path, steps: int = 2) -> Path:
    recorded(run, *range(1, steps + 1))
    ledger = Ledger(run)
    ledger.begin(0, FIRST, MADE)
    for step in range(1, steps + 1):
        ledger.step(step, step, SECOND)
    (run / "summary.json").write_text(json.dumps({"steps": steps, "ledger": head(run)}))
    return run


def test_a_resumed_run_writes_the_lines_after_its_checkpoint_anew_and_the_same(
    tmp_path: Path,
) -> None:
    run = written(made(tmp_path / "run"))
    before = (run / "ledger.jsonl").read_bytes()
    with (run / "ledger.jsonl").open("ab") as file:
        file.write(b'{"kind":"step","st')  # a kill while it is written
    again = Ledger(run)
    again.begin(1, FIRST, MADE)
    assert [line.get("step") for line in lines_of(run)] == [None, 1]
    again.step(2, 2, SECOND)
    assert (run / "ledger.jsonl").read_bytes() == before


def test_a_run_that_began_without_a_ledger_goes_on_without(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    recorded(run, 2)
    ledger = Ledger(run)
    ledger.begin(1, FIRST, MADE)
    ledger.step(2, 2, SECOND)
    assert lines_of(run) == []
    assert head(run) is None


def test_each_event_of_a_run_has_a_fingerprint(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    (marks,) = fingerprints(tmp_path / "record" / "train-00001").values()
    assert len(set(marks)) == len(marks) == 5, "two calls asked and answered, and the outcome"
    (seen,) = seen_in(tmp_path / "record" / "train-00001").values()
    assert changes("".join(marks), seen) == []
    (one,) = changes("".join(marks), seen[:2] + seen[3:])
    assert one.text == "an event after the answer of planner in turn 1 is missing"
    (one,) = changes("".join(marks[:4]), seen)
    assert one.text == "its outcome was added"
    (one,) = changes("".join([*marks[:3], "0" * DIGITS, marks[4]]), seen)
    assert one.text == "the answer of planner in turn 2 is not what was recorded"
    assert [one.text for one in changes("", seen)] == ["it was not there"]
    assert [one.text for one in changes("".join(marks), [])] == ["it is missing"]


def refused(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([str(run)]) == 2
    return capsys.readouterr().err


def test_what_cannot_be_verified_is_said_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "has no config.yaml" in refused(tmp_path / "nowhere", capsys)
    run = made(tmp_path / "loose", deterministic=False)
    assert "deterministic=true to have a run that can be verified" in refused(run, capsys)
    run = made(tmp_path / "killed")
    assert f"has not ended; `python -m rl train --resume {run}`" in refused(run, capsys)
    (run / "summary.json").write_text("{}")
    assert "has no ledger.jsonl: a version before ledgers" in refused(run, capsys)
    run = written(made(tmp_path / "gone"))
    assert "planner that the run began from, has no config.json" in refused(run, capsys)
    lines = (run / "ledger.jsonl").read_text()
    (run / "ledger.jsonl").write_text(lines.replace('"format":1', '"format":9'))
    assert "has format 9, this version reads 1" in refused(run, capsys)


def test_a_run_that_went_on_otherwise_is_not_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = written(made(tmp_path / "run"))
    Ledger(run).begin(1, {}, {})
    assert "reopened" not in (run / "ledger.jsonl").read_text(), "nothing was changed"
    settings = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(settings + "# otherwise\n")
    Ledger(run).begin(1, {}, {})
    assert "went on with other settings or more questions after step 1" in refused(run, capsys)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ledger.jsonl", "is cut"),
        ("summary.json", "as the end of ledger.jsonl"),
        ("data/train.jsonl", "data/train.jsonl is not what the run began with"),
    ],
)
def test_what_frames_a_run_is_held_to_its_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    run = written(made(tmp_path / "run"))
    path = run / name
    if name == "ledger.jsonl":
        path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    elif name == "summary.json":
        path.write_text(json.dumps({"steps": 2, "ledger": "0"}))
    else:
        path.write_text('{"another": 1}\n')
    assert main([str(run)]) == 1
    assert said in capsys.readouterr().err
