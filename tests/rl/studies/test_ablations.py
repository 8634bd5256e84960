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
from arm_results import measured
from launched import ROOT, run_program

from agentflow_graph.errors import SettingError
from rl.settings.config import load
from rl.settings.errors import TrainingFailed
from rl.studies.ablations import __main__ as ablations
from rl.studies.ablations import arms
from rl.studies.ablations.arms import ARMS, BUDGETS, TRAINED_AT, Arm, Job, Sizes, jobs

NANO = ROOT / "rl" / "configs" / "nano.yaml"
BY_NAME = {arm.name: arm for arm in (*ARMS, *TRAINED_AT)}


# ----------------------------------------------------------------------- arms


def test_offline_arms_learn_from_as_many_runs_as_online_ones_see() -> None:
    config = load(NANO)
    assert (config.rollout.questions, config.rollout.group_size) == Sizes().asked
    assert config.context().max_turns == arms.TURNS
    words = jobs(BY_NAME["sft-own"], Path("home"), 7, Sizes(steps=config.steps))[0].words
    questions, group = (int(words[words.index(f"--{n}") + 1]) for n in ("questions", "group"))
    assert questions * group == config.steps * config.rollout.questions * config.rollout.group_size


def test_arms_of_a_language_model_begin_with_its_format_start() -> None:
    path = ROOT / "rl" / "configs" / "smollm2.yaml"
    sizes = Sizes(config=path, weights=Path("smollm2"), format_steps=12, sft_lr=2e-5, steps=14)
    words = arms.warm_start(Path("home"), 7, sizes).words
    assert words[:5] == (
        "rl.planners.formatstart",
        "--planner",
        "smollm2",
        "--out",
        "home/warmstart",
    )
    assert words[words.index("--steps") + 1] == "12"
    assert words[words.index("--layout") + 1] == load(path).context().layout
    traces, learn, measure = jobs(BY_NAME["sft-own"], Path("home"), 7, sizes)
    assert traces.words[traces.words.index("--questions") + 1] == str(14 * 8)
    assert learn.words[learn.words.index("--lr") + 1] == "2e-05"
    assert {job.words[job.words.index("--config") + 1] for job in (traces, measure)} == {str(path)}


@pytest.mark.parametrize("name", BY_NAME)
def test_every_arm_is_measured_at_its_budgets_with_the_common_settings(name: str) -> None:
    sizes = Sizes(overrides=("data.heldout_n=50",))
    todo = jobs(BY_NAME[name], Path("home"), 7, sizes)
    last = todo[-1].words
    assert last[0] == "rl.evaluate"
    assert last[last.index("--budgets") + 1] == ",".join(map(str, BY_NAME[name].budgets))
    for job in todo:
        assert "data.heldout_n=50" in job.words or job.words[0] == "rl.planners.sft"
        if job.words[0] == "rl.train":
            config = load(NANO, [word for word in job.words if "=" in word])
            assert (config.seed, config.model.path) == (7, str(Path("home/warmstart").absolute()))


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
    words = ["--out", str(tmp_path / "out"), "--set", "rollout.grup_size=3"]
    assert ablations.main(words) == 2
    assert "did you mean 'group_size'" in capsys.readouterr().err
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


# ---------------------------------------------------------------- integration


@pytest.mark.integration
def test_two_arms_from_the_command_line(warm_planner: Path, tmp_path: Path) -> None:
    """The warm start is there already, as after an interruption, and is not made again."""
    shutil.copytree(warm_planner, tmp_path / "seed-7" / "warmstart")
    sizes = ["--seeds", "7", "--steps", "2", "--sft-steps", "20"]
    chosen = ["--only", "frozen", "sft-teacher", "--set", "data.heldout_n=40"]
    done = run_program("-m", "rl.studies.ablations", "--out", str(tmp_path), *sizes, *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "results.json").read_text())
    assert [run["arm"] for run in found["runs"]] == ["frozen", "sft-teacher"]
    assert set(found["pooled"]["frozen"]) == {f"{b}/{h}" for b in BUDGETS for h in HOW}
    assert found["runs"][1]["sft"]["successes"] == found["runs"][1]["sft"]["traces"] == 32
    assert not any(job["job"].startswith("rl.planners.warmstart") for job in ran(tmp_path))
    assert (tmp_path / "report.md").exists()
    page = tmp_path / "seed-7" / "frozen" / "evaluations.json"
    measured = json.loads(page.read_text())
    kinds = [(each["max_turns"], each["temperature"]) for each in measured]
    assert kinds == [(budget, t) for budget in BUDGETS for t in (0.7, 0.0)]
    assert [each["n"] for each in measured] == [40] * 8
    assert measured[0]["turns"] == 1.0 < measured[4]["turns"] <= 3.0


HOW = ("sampled", "greedy")
