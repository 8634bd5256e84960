"""A run that anybody can verify: equal after kills, and whatever was changed since is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from launched import ROOT, run_program

pytestmark = pytest.mark.integration

Found = dict[str, tuple[str, str]]
"""By damage: what was damaged, and what verifying says."""


def files(run: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}


def test_a_run_that_was_killed_three_times_is_equal_and_nothing_is_written(
    killed_runs: Path,
) -> None:
    run = killed_runs / "killed"
    before = files(run)
    done = run_program("-m", "rl", "verify", str(run))
    assert done.returncode == 0, done.stdout + done.stderr
    assert files(run) == before
    *progress, events, steps, open_question, last = done.stdout.splitlines()
    assert [line.split("] ")[1].split(":")[0] for line in progress] == [
        "step 0, evaluation at temperature 0.7",
        "step 1",
        "step 2",
        "step 2, evaluation at temperature 0.7",
        "step 3",
        "step 4",
        "step 4, evaluation at temperature 0.7",
    ]
    assert f"{4 * 16 + 3 * 6} rewards are what grading gives" in events
    gap = float(events.rsplit(" ", 1)[1])
    assert 0 < gap < 1e-4, "engine and trainer round differently"
    assert steps.startswith("proved: 4 steps from the first weights on end in the published")
    assert "to the last bit" in steps
    assert open_question.startswith("not proved: ")
    head = json.loads((run / "summary.json").read_text())["ledger"]
    assert last == f"equal; the ledger ends in {head}"


def test_the_killed_run_has_the_weights_of_the_other_after_every_step(killed_runs: Path) -> None:
    """Event by event they differ in what a clock measured, and so do their chains."""
    told = [
        [
            json.loads(line)
            for line in (killed_runs / name / "ledger.jsonl").read_text().splitlines()
        ]
        for name in ("whole", "killed")
    ]
    kept = ("kind", "step", "temperature", "version", "weights", "processor", "versions")
    whole, killed = ([{k: line.get(k) for k in kept} for line in lines] for lines in told)
    assert whole == killed


@pytest.fixture(scope="module")
def damaged(killed_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    program = ROOT / "tests" / "rl" / "programs" / "damaged.py"
    copies = tmp_path_factory.mktemp("damaged")
    # Not the killed one: a kill leaves the events of a run in two files, wherever it came.
    done = run_program(str(program), str(killed_runs / "whole"), str(copies))
    assert done.returncode == 0, done.stderr
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def step_of(run: str) -> int:
    """The step that a run was trained on: `train-00002/...` is of step 2."""
    return int(run.split("/")[0].removeprefix("train-"))


def weights_of(runs: Path, step: int) -> int:
    """The version of the weights that played a step's runs: a step may have taught nothing."""
    told = map(json.loads, (runs / "whole" / "metrics.jsonl").read_text().splitlines())
    played = {line["step"]: line["policy_versions"] for line in told if line["kind"] == "step"}
    (version,) = played[step]
    return int(version)


def test_what_was_changed_in_the_record_is_named_by_step_run_and_token(
    damaged: Found, killed_runs: Path
) -> None:
    run, said = damaged["token"]
    step = step_of(run)
    assert said.startswith(f"step {step}: run {run}: the answer of planner in turn 2 is not what ")
    assert "; token 2 of " in said
    assert f"is not what weights {weights_of(killed_runs, step)} said after its prompt" in said
    run, said = damaged["reward"]
    step = step_of(run)
    assert said.startswith(
        f"step {step}: run {run}: its outcome is not what was recorded; it says "
    )
    run, said = damaged["turn removed"]
    assert said.startswith(f"step {step_of(run)}: run {run}: ")
    assert said.endswith(" events after the verdict of turn 1 are missing")
    run, said = damaged["turns swapped"]
    assert said == (
        f"step {step_of(run)}: run {run}: its events were moved: where the request to planner in "
        "turn 1 was, there is the request to planner in turn 2"
    )


def test_what_was_changed_with_a_ledger_that_fits_is_named_all_the_same(
    damaged: Found, killed_runs: Path
) -> None:
    run, said = damaged["forged token"]
    step = step_of(run)
    assert said.startswith(f"step {step}: run {run}: turn 2: token 2 of ")
    assert f"is not what weights {weights_of(killed_runs, step)} said after its prompt" in said
    run, said = damaged["forged reward"]
    assert said.startswith(f"step {step_of(run)}: run {run}: its reward is ")
    assert " on record, graded anew " in said
    run, said = damaged["forged turn"]
    assert said.startswith(f"step {step_of(run)}: the weights after its update are not those of ")
    assert f"; run {run} has " in said


def test_changed_weights_are_named(damaged: Found) -> None:
    name, said = damaged["weight"]
    assert said.startswith(f"model, the weights after step 4: {name}[0, 7] is ")
    assert "(1 of its " in said
    name, said = damaged["first weights"]
    assert said.startswith(f"beginning: {name} of ")


def test_a_changed_ledger_is_named_and_another_processor_is_no_difference(damaged: Found) -> None:
    assert damaged["ledger"][1] == (
        "step 2: its line in ledger.jsonl was changed, or the one before it"
    )
    assert damaged["other processor"][1] == ""
