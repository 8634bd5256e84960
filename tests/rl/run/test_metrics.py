"""What a run leaves of itself, also where half of it is missing."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from kept import keep

from agentflow_graph.record.events import Key
from agentflow_graph.state import State, ToolCall, Turn
from rl.reward import Grade
from rl.rollout import Trajectory
from rl.run.metrics import Recorder, best, evaluation, outcome, stale
from rl.run.record import TrainingRecord, train_batch
from rl.run.summary import summarise
from rl.settings.config import Config, Evaluation

Make = Callable[..., Trajectory]


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    made = Recorder(tmp_path / "run", steps=10)
    made.screen = io.StringIO()
    return made


def lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def apart(runs: Sequence[Trajectory]) -> list[Trajectory]:
    """The runs, each of a question of its own."""
    return [replace(r, task=replace(r.task, id=f"{r.task.id}{n}")) for n, r in enumerate(runs)]


def metrics(recorder: Recorder) -> list[dict[str, Any]]:
    return lines(recorder.folder / "metrics.jsonl")


def shown(recorder: Recorder) -> str:
    assert isinstance(recorder.screen, io.StringIO)
    return recorder.screen.getvalue()


# ------------------------------------------------------------------- outcome


def test_outcome_of_judged_runs(trajectory: Make) -> None:
    found = outcome([trajectory("a", 1.0, turns=3), trajectory("b", 0.0, turns=1)])
    assert (found["runs"], found["failed"], found["reward"], found["turns"]) == (2, 0, 0.5, 2.0)
    assert (found["tools"], found["tool_errors"]) == ({"look_up": 1.0}, 0.0)
    assert found["reply_tokens"] == (1 + 2 + 3 + 1) / 4
    assert found["policy_versions"] == [0, 1, 2]
    assert found["run_seconds"] == 2.0


def test_failed_runs_count_as_failed_and_nowhere_else(trajectory: Make) -> None:
    found = outcome([trajectory("a", 1.0), trajectory("a", None), trajectory("b", None)])
    assert (found["runs"], found["failed"], found["reward"]) == (1, 2, 1.0)
    assert found["run_seconds"] == 2.0


def test_tools_and_their_errors_are_shares_of_all_calls(trajectory: Make) -> None:
    def used(tool: str, status: Any) -> ToolCall:
        return ToolCall(tool=tool, arguments={}, status=status, result="", seconds=0.0)

    calls = [used("look_up", "ok"), used("look_up", "timeout"), used("", "error")]
    state = State(turns=[Turn(index=i + 1, planner=[], calls=[c]) for i, c in enumerate(calls)])
    found = outcome([replace(trajectory("a", 0.0), state=state)])
    assert found["tools"] == {"look_up": pytest.approx(2 / 3), "none": pytest.approx(1 / 3)}
    assert found["tool_errors"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("failed", [0, 3])
def test_outcome_without_a_judged_run_is_all_zero(trajectory: Make, failed: int) -> None:
    found = outcome([trajectory("a", None)] * failed)
    assert found.pop("failed") == failed
    assert found.pop("faults") == ({"world": failed} if failed else {})
    assert found.pop("money") == {"total": 0.0, "by": {}}
    assert not any(found.values())


# ------------------------------------------------------------------ recorder


def test_reasons_of_failed_runs_are_counted_by_step(recorder: Recorder, trajectory: Make) -> None:
    runs = [trajectory("a", 1.0, turns=2), trajectory("a", None), trajectory("b", 0.0)]
    assert recorder.step(1, outcome(runs) | {"groups_used": 0}, runs)
    assert recorder.step(2, outcome([]) | {"groups_used": 0}, [trajectory("c", None)])
    assert [entry["failures"] for entry in recorder.training] == [{"it broke": 1}] * 2
    files = [path.name for path in recorder.folder.iterdir()]
    assert files == ["metrics.jsonl"], "the runs themselves are in the record"


def test_a_resumed_run_records_nothing_twice_and_its_clock_goes_on(
    recorder: Recorder, trajectory: Make
) -> None:
    runs = [trajectory("a", 1.0)]
    recorder.evaluated(0, 0.7, runs, 1.0)
    recorder.begun -= 100
    recorder.step(1, outcome(runs) | {"groups_used": 1}, runs)
    path = recorder.folder / "metrics.jsonl"
    before = metrics(recorder)
    path.write_bytes(path.read_bytes() + b'{"kind":"step","st')
    resumed = Recorder(recorder.folder, steps=10)
    resumed.screen = io.StringIO()
    assert not resumed.step(1, outcome(runs) | {"groups_used": 7}, runs)
    assert metrics(resumed) == before
    assert resumed.evaluation(0, 0.7) == before[0]
    assert resumed.evaluation(0, 0.0) is None
    assert resumed.step(2, outcome(runs) | {"groups_used": 1}, runs)
    assert [entry["step"] for entry in metrics(resumed)] == [0, 1, 2]
    assert metrics(resumed)[-1]["wall"] >= before[-1]["wall"] >= 100


def test_a_step_is_one_line_of_our_names(recorder: Recorder, trajectory: Make) -> None:
    runs = [trajectory("a", 1.0, level="easy"), trajectory("a", None)]
    stock = {"kl": 0.02, "actor_grad_norm": 1.5, "timing/generation": 2.0, "generated_samples": 7}
    stock |= {"entropy_loss": 0.75, "cut_off": 3}
    recorder.step(3, stock | outcome(runs) | {"groups_used": 1, "updated": 1})
    (entry,) = metrics(recorder)
    assert (entry["kind"], entry["step"], entry["updated"]) == ("step", 3, 1)
    assert (entry["kl"], entry["grad_norm"], entry["rollout_seconds"]) == (0.02, 1.5, 2.0)
    assert (entry["entropy"], entry["cut_off"]) == (0.75, 3)
    assert "generated_samples" not in entry
    assert entry["wall"] >= 0
    assert "step   3/10  reward 1.000" in shown(recorder)
    assert "kl 0.020  failed 1 (1 by the world)" in shown(recorder)


def test_a_step_without_an_update_has_no_kl(recorder: Recorder, trajectory: Make) -> None:
    recorder.step(1, outcome([trajectory("a", None)]) | {"groups_used": 0, "updated": 0})
    (entry,) = metrics(recorder)
    assert "kl" not in entry
    assert (entry["reward"], entry["failed"], entry["updated"]) == (0.0, 1, 0)
    assert "kl -" in shown(recorder)


def test_an_evaluation_has_its_interval_and_levels(recorder: Recorder, trajectory: Make) -> None:
    runs = [trajectory("a", 1.0, level="easy")] * 3 + [trajectory("b", 0.0, level="hard")]
    scalars = recorder.evaluated(10, 0.7, apart(runs), seconds=4.0)
    (entry,) = metrics(recorder)
    assert (entry["kind"], entry["step"], entry["n"], entry["success"]) == (
        "evaluation",
        10,
        4,
        0.75,
    )
    assert entry["interval"] == pytest.approx([0.3006, 0.9544], abs=1e-3)
    assert entry["levels"] == {"easy": 1.0, "hard": 0.0}
    assert scalars == {"heldout_success": 0.75, "heldout_easy": 1.0, "heldout_hard": 0.0}
    assert "T=0.7, 4 questions" in shown(recorder)


def test_an_evaluation_with_too_many_runs_without_a_reward_does_not_count(
    recorder: Recorder, trajectory: Make
) -> None:
    few = [trajectory("a", 1.0)] * 19 + [trajectory("b", None)]
    assert recorder.evaluated(0, 0.0, apart(few), 1.0)["heldout_greedy_success"] == 1.0
    assert "greedy, 20 questions, 1 of them without a reward\n" in shown(recorder)
    judged = [trajectory("a", 1.0)] * 18 + [trajectory("b", None, fault="judge")] * 2
    assert recorder.evaluated(5, 0.7, apart(judged), 1.0) == {}, "nothing for the curves"
    assert "2 of them without a reward: too many, it does not count" in shown(recorder)
    first, second = metrics(recorder)
    assert [e["counts"] for e in (first, second)] == [True, False]
    assert [(e["n"], e["unscored"]) for e in (first, second)] == [(19, 1), (18, 2)]
    assert [e["faults"] for e in (first, second)] == [{"world": 1}, {"judge": 2}]


def test_success_is_the_mean_reward_and_solved_is_beside_it(trajectory: Make) -> None:
    poor = evaluation(0.7, apart([trajectory("a", 0.05)] * 30), 1.0)
    good = evaluation(0.7, apart([trajectory("a", 1.0)] * 29 + [trajectory("b", 0.0)]), 1.0)
    assert (poor["solved"], poor["success"]) == (0, pytest.approx(0.05))
    assert poor["interval"] == pytest.approx([0.05, 0.05]), "a bootstrap of what never differs"
    assert (good["solved"], good["success"]) == (29, pytest.approx(29 / 30))
    assert good["interval"] == pytest.approx([0.8333, 0.9941], abs=1e-3), "Wilson's"
    half = Evaluation(solved_at=0.5)
    graded = [trajectory("a", 0.2), trajectory("a", 0.6), trajectory("b", 1.0)] * 10
    found = evaluation(0.7, apart(graded), 1.0, half)
    assert (found["solved"], found["success"]) == (20, pytest.approx(0.6))
    low, high = found["interval"]
    assert 0.45 < low < 0.52 < 0.68 < high < 0.75
    sampled = [poor | {"step": 1}, good | {"step": 2}]
    assert (best(sampled), stale(sampled)) == (sampled[1], 0)


def test_a_step_that_is_not_finite_is_seen(recorder: Recorder, trajectory: Make) -> None:
    status = outcome([trajectory("a", 1.0)]) | {"groups_used": 1, "updated": 1}
    nan = float("nan")
    recorder.step(1, status | {"kl": nan, "policy_loss": nan, "actor_grad_norm": 0.5})
    (entry,) = metrics(recorder)
    assert (entry["not_finite"], entry["grad_norm"]) == (["kl", "policy_loss"], 0.5)
    assert "NOT FINITE: kl, policy_loss" in shown(recorder)


def test_every_line_on_the_terminal_has_the_seconds(recorder: Recorder) -> None:
    recorder.engines_ready("9.9")
    assert recorder.engine == "vllm 9.9"
    assert shown(recorder).startswith("[   0.0 s] engines")


# ------------------------------------------------------------------- summary


def evaluate(recorder: Recorder, make: Make, step: int, temperature: float, solved: int) -> None:
    runs = [make("a", 1.0)] * solved + [make("b", 0.0)] * (20 - solved)
    recorder.evaluated(step, temperature, apart(runs), 1.0)


def test_the_summary_compares_the_first_and_the_last_evaluation(
    recorder: Recorder, trajectory: Make
) -> None:
    for step, temperature, solved in [(0, 0.7, 5), (0, 0.0, 4), (5, 0.7, 18), (10, 0.7, 19)]:
        evaluate(recorder, trajectory, step, temperature, solved)
    evaluate(recorder, trajectory, 10, 0.0, 20)
    runs = [trajectory("a", 1.0, turns=2), trajectory("a", None)]
    recorder.step(10, outcome(runs) | {"groups_used": 0}, runs)
    recorder.engines_ready("9.9")
    recorder.step(10, outcome([]) | {"groups_used": 0})
    chapter = TrainingRecord(recorder.folder / "record").chapter(train_batch(10))
    keep(chapter, train_batch(10), 0, runs[0])
    chapter.write({"event": "asked", "run": "x", "call": Key("planner", 1, 0, ""), "request": {}})
    config = Config.model_validate({"run": "r", "model": {"path": "m"}, "seed": 3, "steps": 10})
    summary = summarise(config, recorder)
    assert (summary["heldout_before"], summary["heldout_after"]) == (0.25, 0.95)
    assert summary["heldout_n"] == 20
    low, high = summary["heldout_after_interval"]
    assert low < 0.95 < high
    assert summary["heldout_greedy"] == [0.2, 1.0]
    assert summary["seconds_to_090"] == recorder.evaluations[2]["wall"]
    assert (summary["model_calls"], summary["model_calls_lost"]) == (3, 1)
    assert (summary["seed"], summary["steps"]) == (3, 10)
    assert (summary["policy_versions_seen"], summary["failed_rollouts"]) == (2, 1)
    assert summary["failures"] == {"it broke": 1}
    assert (summary["rollout_engine"], summary["trainer"]) == ("vllm 9.9", "openrlhf 0.11.2")


def test_the_summary_does_without_greedy_and_without_success(
    recorder: Recorder, trajectory: Make
) -> None:
    evaluate(recorder, trajectory, 0, 0.7, 0)
    config = Config.model_validate({"run": "r", "model": {"path": "m"}})
    summary = summarise(config, recorder)
    assert summary["heldout_before"] == summary["heldout_after"] == 0.0
    assert (summary["seconds_to_090"], summary["heldout_greedy"]) == (None, [])


def test_reasons_that_differ_every_time_do_not_fill_the_memory(
    recorder: Recorder, trajectory: Make
) -> None:
    runs = [replace(trajectory("a", None), failure=f"judge: {number}") for number in range(300)]
    recorder.step(1, outcome(runs) | {"groups_used": 0}, [*runs, runs[0]])
    (entry,) = recorder.training
    assert sum(entry["failures"].values()) == 301
    assert entry["failures"]["other reasons"] == 295
    assert entry["failures"]["judge: 0"] == 2


def test_an_evaluation_leaves_out_what_has_no_reward_whosever_fault_it_is(trajectory: Make) -> None:
    silent = Grade(None, "judge", "judge: off the menu", "judge")
    unscored = replace(trajectory("c", None, level="two_hops", fault="judge"), grade=silent)
    runs = [trajectory("a", 1.0), trajectory("b", None), unscored, unscored]
    found = evaluation(0.7, runs, 1.0)
    assert (found["n"], found["solved"], found["success"]) == (1, 1, 1.0)
    assert (found["unscored"], found["levels_n"], found["counts"]) == (3, {"": 1}, False)
    nothing = evaluation(0.7, [unscored], 1.0)
    assert (nothing["success"], nothing["interval"], nothing["counts"]) == (0.0, [0.0, 1.0], False)
    assert best([nothing]) is None


def test_a_judge_that_is_down_does_not_make_the_best_planner(trajectory: Make) -> None:
    """Where a rule is asked first, the runs with a reward are then the right ones alone."""
    up = [trajectory("a", 1.0)] * 15 + [trajectory("b", 0.0)] * 15
    down = [trajectory("a", 1.0)] * 6 + [trajectory("b", None, fault="judge")] * 24
    found = [evaluation(0.5, runs, 1.0) | {"step": n} for n, runs in enumerate((up, down))]
    assert found[1]["success"] == 1.0
    assert best(found) == found[0]
    assert stale(found) == 0, "and it costs no patience"


def test_a_step_that_changed_nothing_says_so_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Recorder(tmp_path, 9)
    why = "2 of 2 optimizer steps: the gradient is not finite"
    counts = {"reward": 0.4, "turns": 2.0, "groups_used": 20, "failed": 0}
    told.step(1, counts | {"kl": float("nan"), "updated": 0, "left_out": why})
    entry = told.training[0]
    assert (entry["updated"], entry["left_out"], entry["not_finite"]) == (0, why, ["kl"])
    assert f"NOT UPDATED: {why}  NOT FINITE: kl" in capsys.readouterr().out
    told.step(2, counts | {"reward": 0.0, "updated": 0, "left_out": "no group has spread"})
    remedy = "(every reward is 0: ask easier questions)"
    assert f"NOT UPDATED: no group has spread {remedy}" in capsys.readouterr().out
