"""The ablations: what each arm runs, what is done again, what is found, how it is shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from launched import ROOT, run_program

from agentflow_graph.errors import SettingError
from rl import ablations, arms
from rl.ablation_report import write_report
from rl.arms import ARMS, BUDGETS, TRAINED_AT, Arm, Job, Sizes, jobs
from rl.config import load
from rl.findings import checks, collected, pooled
from rl.train import TrainingFailed

NANO = ROOT / "rl" / "configs" / "nano.yaml"
BY_NAME = {arm.name: arm for arm in (*ARMS, *TRAINED_AT)}


def entry(budget: int, solved: int, temperature: float = 0.7, n: int = 100) -> dict[str, Any]:
    levels = {"easy": 1.0, "hard": 2 * solved / n - 1}
    shares = {"turns": 2.0, "one_turn": 0.5, "tool_errors": 0.1}
    figures = {"solved": solved, "n": n, "success": solved / n, "failed": 0, "levels": levels}
    return {"max_turns": budget, "temperature": temperature, **figures, **shares}


def measured(*solved: int, budgets: tuple[int, ...] = (3,)) -> list[dict[str, Any]]:
    pairs = zip(budgets, solved, strict=True)
    return [entry(b, s, t) for b, s in pairs for t in (0.7, 0.0)]


# ----------------------------------------------------------------------- arms


def test_offline_arms_learn_from_as_many_runs_as_online_ones_see() -> None:
    config = load(NANO)
    assert (config.rollout.questions, config.rollout.group) == (arms.QUESTIONS, arms.GROUP)
    assert config.context().max_turns == arms.TURNS
    words = jobs(BY_NAME["sft-own"], Path("home"), 7, Sizes(steps=config.steps))[0].words
    questions, group = (int(words[words.index(f"--{n}") + 1]) for n in ("questions", "group"))
    assert questions * group == config.steps * config.rollout.questions * config.rollout.group


@pytest.mark.parametrize("name", BY_NAME)
def test_every_arm_is_measured_at_its_budgets_with_the_common_settings(name: str) -> None:
    sizes = Sizes(overrides=("data.heldout_n=50",))
    todo = jobs(BY_NAME[name], Path("home"), 7, sizes)
    last = todo[-1].words
    assert last[0] == "rl.evaluate"
    assert last[last.index("--budgets") + 1] == ",".join(map(str, BY_NAME[name].budgets))
    for job in todo:
        assert "data.heldout_n=50" in job.words or job.words[0] == "rl.sft"
        if job.words[0] == "rl.train":
            config = load(NANO, [word for word in job.words if "=" in word])
            assert (config.seed, config.model.path) == (7, "home/warmstart")


def test_the_arms_differ_in_what_they_are_named_for() -> None:
    def config(name: str) -> Any:
        words = jobs(BY_NAME[name], Path("home"), 7, Sizes())[0].words
        return load(NANO, [w for w in words if "=" in w and not w.startswith("run=")])

    online = config("online")
    rows, tokens = config("row-statistics").algorithm, config("token-mean").algorithm
    assert rows == online.algorithm.model_copy(update={"statistics": "row"})
    assert tokens == online.algorithm.model_copy(update={"weighting": "token-mean"})
    trained_at = {config(arm.name).context().max_turns for arm in TRAINED_AT}
    assert trained_at | {online.context().max_turns} == set(BUDGETS)


def test_arms_are_chosen_by_name() -> None:
    assert ablations.arms([], False) == list(ARMS)
    assert ablations.arms([], True) == [*ARMS, *TRAINED_AT]
    assert [arm.name for arm in ablations.arms(["online", "frozen"], False)] == ["online", "frozen"]
    with pytest.raises(SettingError, match=r"'onlin'.*did you mean 'online'"):
        ablations.arms(["onlin"], False)


def test_a_wrong_override_ends_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "out"), "--set", "rollout.grup=3"]
    assert ablations.main(words) == 2
    assert "did you mean 'group'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# -------------------------------------------------------------------- running


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give each arm's one job an exit code; it writes the arm's evaluations if that is 0."""
    programs = ROOT / "tests" / "rl" / "programs"
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{programs}")
    text = json.dumps(measured(10, 20, 30, 40, budgets=BUDGETS))

    def job(last: Path, code: int, text: str = "") -> Job:
        return Job(
            "pretending", ("pretend", str(last), str(code), text), last, last.parent / "part"
        )

    def give(codes: dict[str, int]) -> None:
        def todo(arm: Arm, home: Path, seed: int, sizes: Sizes) -> list[Job]:
            return [job(home / arm.name / "evaluations.json", codes[arm.name], text)]

        def start(home: Path, seed: int, sizes: Sizes) -> Job:
            return job(home / "warmstart" / "agentflow.json", 0)

        monkeypatch.setattr(ablations, "jobs", todo)
        monkeypatch.setattr(ablations, "warm_start", start)

    return give


CHOSEN = [BY_NAME["frozen"], BY_NAME["online"]]


def ran(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "jobs.jsonl").read_text().splitlines()]


def test_a_failed_arm_is_recorded_and_the_others_go_on(
    pretend: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend({"frozen": 3, "online": 0})
    with pytest.raises(TrainingFailed, match="seed 7 frozen: pretending ended with code 3"):
        ablations.ablate(tmp_path, [7, 1], CHOSEN, Sizes())
    results = json.loads((tmp_path / "results.json").read_text())
    assert len(results["failed"]) == 2
    assert [(run["seed"], run["arm"]) for run in results["runs"]] == [(7, "online"), (1, "online")]
    assert [job["code"] for job in ran(tmp_path)] == [0, 3, 0, 0, 3, 0]
    shown = capsys.readouterr().out
    assert "seed 1  frozen          failed: pretending" in shown
    assert "seed 1  online          held-out at 1 turns 0.100, 2 turns 0.200" in shown
    assert "pretended to make" in (tmp_path / "seed-7" / "frozen" / "log.txt").read_text()
    assert "## Failed" in (tmp_path / "report.md").read_text()


def test_what_is_done_is_not_done_again(pretend: Callable[..., None], tmp_path: Path) -> None:
    pretend({"frozen": 0, "online": 3})
    with pytest.raises(TrainingFailed):
        ablations.ablate(tmp_path, [7], CHOSEN, Sizes())
    part = tmp_path / "seed-7" / "online" / "part"
    part.mkdir()
    pretend({"frozen": 3, "online": 0})
    ablations.ablate(tmp_path, [7], CHOSEN, Sizes())
    assert [job["last"] for job in ran(tmp_path)] == [
        "seed-7/warmstart/agentflow.json",
        "seed-7/frozen/evaluations.json",
        "seed-7/online/evaluations.json",
        "seed-7/online/evaluations.json",
    ]
    assert not part.exists(), "what a broken-off run left is in the way of the next"
    assert json.loads((tmp_path / "results.json").read_text())["failed"] == []


def test_interrupting_ends_the_job_too(
    pretend: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[psutil.Process] = []
    stock = subprocess.Popen.wait
    waiting = tmp_path / "seed-7" / "online" / "evaluations.waiting"

    def interrupted(self: Any, timeout: float | None = None) -> int:
        if timeout is None and "-1" in self.args:
            started.append(psutil.Process(self.pid))
            while not waiting.exists():
                time.sleep(0.02)
            raise KeyboardInterrupt
        return stock(self, timeout)

    pretend({"online": -1})
    (tmp_path / "seed-7" / "online").mkdir(parents=True)
    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ablations.ablate(tmp_path, [7], [BY_NAME["online"]], Sizes())
    assert started
    assert not psutil.wait_procs(started, timeout=10)[1]


# ------------------------------------------------------------------- findings


def test_seeds_are_pooled_and_kept_apart() -> None:
    found = pooled([{"evaluations": measured(90)}, {"evaluations": measured(96)}])
    sampled = found["3/sampled"]
    assert (sampled["mean"], sampled["seeds"], sampled["n"]) == (0.93, [0.9, 0.96], 200)
    assert sampled["interval"] == pytest.approx([0.886, 0.958], abs=1e-3), "Wilson, 186 of 200"
    assert sampled["levels"] == {"easy": 1.0, "hard": pytest.approx(0.86)}
    assert set(found) == {"3/sampled", "3/greedy"}


def results(frozen: list[int], online: list[int], errors: tuple[float, float]) -> Any:
    """One seed, both arms at all budgets."""
    training = {"tool_errors_first": errors[0], "tool_errors_last": errors[1]}
    solved = {"frozen": frozen, "online": online}
    runs = [
        {"arm": arm, "seed": 7, "evaluations": measured(*s, budgets=BUDGETS)}
        | {"training": training | TRAINING if arm == "online" else None, "sft": None, "seconds": 9}
        for arm, s in solved.items()
    ]
    return {
        "command": "python -m rl.ablations",
        "date": "2026-11-20",
        "machine": {"cores": 2, "python": "3.11"},
        "versions": {"torch": "2.13"},
        "seeds": [7],
        "abouts": {"frozen": "the start", "online": "Flow-GRPO"},
        "failed": [],
        "pooled": {arm: pooled([run for run in runs if run["arm"] == arm]) for arm in solved},
        "runs": runs,
    }


TRAINING = {"trajectories": 256, "curve": [[0, 0.3, 0.5], [2, 0.9, 0.1]], "tool_errors": [0.5, 0.1]}
RISING = [40, 80, 96, 95]


@pytest.mark.parametrize(
    ("frozen", "online", "errors", "failing"),
    [
        ([10, 20, 30, 35], RISING, (0.5, 0.1), []),
        ([10, 20, 46, 50], RISING, (0.5, 0.1), [0]),
        ([10, 20, 30, 35], [40, 80, 89, 89], (0.5, 0.1), [1]),
        ([10, 20, 44, 35], [40, 41, 50, 50], (0.5, 0.1), [1, 2]),
        ([10, 20, 30, 35], [40, 97, 96, 95], (0.5, 0.1), [3]),
        ([10, 20, 30, 35], [40, 80, 96, 60], (0.5, 0.1), [3]),
        ([10, 20, 30, 35], RISING, (0.1, 0.1), [4]),
    ],
)
def test_each_check_can_fail_and_only_it(
    frozen: list[int], online: list[int], errors: tuple[float, float], failing: list[int]
) -> None:
    found = [held for _, held in checks(results(frozen, online, errors))]
    assert [number for number, held in enumerate(found) if not held] == failing


def test_checks_of_arms_that_are_not_there_are_open() -> None:
    empty = {"pooled": {}, "runs": []}
    assert [held for _, held in checks(empty)] == [None] * 5


def test_nothing_done_is_no_result(tmp_path: Path) -> None:
    found = collected(tmp_path, [7], ARMS, [])
    assert (found["runs"], found["pooled"]) == ([], {})
    write_report(tmp_path, found)
    assert not (tmp_path / "report.md").exists()


# --------------------------------------------------------------------- report


def test_the_report_has_the_figures_and_the_plots(tmp_path: Path) -> None:
    write_report(tmp_path, results([10, 20, 30, 35], RISING, (0.5, 0.1)))
    page = (tmp_path / "report.md").read_text()
    assert (
        "| **online**: Flow-GRPO | 256 live runs | 0.960 [0.902, 0.984] | 0.960 | 0.960 |" in page
    )
    assert "| online | 5 | 0.950 [0.888, 0.978] | 0.950 | 2.00 |" in page
    assert "| online | 7 | 0.500 | 0.100 |" in page
    assert page.count("| yes |") == 5
    assert "not measured" not in page
    assert "`python -m rl.ablations`, 2026-11-20." in page
    for name in ("curves.png", "budgets.png", "tool_errors.png"):
        assert f"({name})" in page
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


# ---------------------------------------------------------------- integration


@pytest.mark.integration
def test_two_arms_from_the_command_line(warm_planner: Path, tmp_path: Path) -> None:
    """The warm start is there already, as after an interruption, and is not made again."""
    shutil.copytree(warm_planner, tmp_path / "seed-7" / "warmstart")
    sizes = ["--seeds", "7", "--steps", "2", "--sft-steps", "20"]
    chosen = ["--only", "frozen", "sft-teacher", "--set", "data.heldout_n=40"]
    done = run_program("-m", "rl.ablations", "--out", str(tmp_path), *sizes, *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "results.json").read_text())
    assert [run["arm"] for run in found["runs"]] == ["frozen", "sft-teacher"]
    assert set(found["pooled"]["frozen"]) == {f"{b}/{h}" for b in BUDGETS for h in HOW}
    assert found["runs"][1]["sft"]["successes"] == found["runs"][1]["sft"]["traces"] == 32
    assert not any(job["job"].startswith("rl.warmstart") for job in ran(tmp_path))
    assert (tmp_path / "report.md").exists()


HOW = ("sampled", "greedy")
