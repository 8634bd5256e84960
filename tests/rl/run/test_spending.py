"""What a training asks of others and pays for it, and where its money ends it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import ray
from charging import CALL, charging, model, price_file

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import NANO
from benchmarks.scoring.judge import Judge
from rl.adapter import trainer as trainer_module
from rl.preflight.price.cost import money
from rl.reward.judge import by_judge
from rl.reward.task import Task
from rl.rollout import Trajectory, rollout
from rl.run.metrics import Recorder, outcome
from rl.run.report import write_report
from rl.run.scoring import in_all
from rl.settings.changes import may_change
from rl.settings.config import Config
from rl.settings.errors import MoneySpent, going_on

TASK = Task("q", "What is the population of Old Harbor?", ("1189",), "one")


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTFLOW_PRICES", str(price_file(tmp_path)))


async def judged_run() -> Trajectory:
    """Two calls of frozen modules and one of the judge."""
    with charging() as server:
        frozen = {name: model(server, name) for name in ("verifier", "generator")}
        context = Context(**frozen, max_turns=1)
        reward = by_judge(Judge.of(model(server, "judge")))
        return await rollout(build_graph(), TASK, context, 60, reward)


def recorder_of(run: Path) -> Recorder:
    recorder = Recorder(run, steps=9)
    recorder.screen = io.StringIO()
    return recorder


def config(run: Path, **rollout_settings: Any) -> Config:
    record = {"run": run, "steps": 9, "model": {"path": str(NANO)}, "rollout": rollout_settings}
    return Config.model_validate(record)


@pytest.mark.integration
async def test_training_stops_after_the_step_that_spent_its_money(
    tmp_path: Path, priced: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of two runs costs 0.98 dollars; the policy itself has no price."""
    run = await judged_run()
    trainer: Any = object.__new__(trainer_module.FlowTrainer)
    trainer.config, trainer.recorder = config(tmp_path, max_money=1.5), recorder_of(tmp_path)
    trainer.vllm_engines, trainer.tensorboard_logger, trainer.stopped = [], None, False
    monkeypatch.setattr(ray, "get", lambda _: ["1"])
    trainer._restored, trainer._measure = lambda: 0, lambda *_: {}

    def step(before: int) -> int:
        trainer.recorder.step(before + 1, outcome([run, run]) | {"groups_used": 1})
        return before + 1

    trainer._step = step
    with pytest.raises(MoneySpent, match=r"1\.97 of rollout\.max_money=1\.5 .* after step 2") as it:
        trainer.fit()
    assert f"--resume {tmp_path} rollout.max_money=..." in going_on(it.value, tmp_path)
    assert may_change("rollout.max_money") == "yes"
    trainer.recorder, trainer._restored = recorder_of(tmp_path), lambda: 2
    with pytest.raises(MoneySpent, match="after step"):
        trainer.fit()
    trainer.config = config(tmp_path, max_money=5)
    with pytest.raises(MoneySpent, match=r"5\.90 .*after step 6"):
        trainer.fit()
    told = in_all(trainer.recorder.entries)
    assert told["dollars"] == pytest.approx(12 * 3 * CALL)
    assert told["money"]["total"] is None, "the policy"
    assert told["money"]["by"]["judge"]["dollars"] == pytest.approx(12 * CALL)
    assert told["usage"]["generator"]["cached_tokens"] == 12 * 400
    page = write_report(tmp_path).read_text()
    assert "Tokens and money" in page and "no price" in page and "1.9680" in page


def test_a_limit_needs_every_price(tmp_path: Path, priced: None) -> None:
    known = {"agent": {"generator": "vllm:m@http://h:1"}, "rollout": {"max_money": 1}}
    record = {"run": tmp_path, "model": {"path": str(NANO)}}
    assert money(Config.model_validate(record | known), []).state == "ok"
    unknown = {"agent": {"generator": "openai:none-such"}, "rollout": {"max_money": 1}}
    found = money(Config.model_validate(record | unknown), [])
    assert found.state == "failed"
    assert found.text.endswith("none is known for openai:none-such")


def test_a_limit_of_one_run_is_refused(tmp_path: Path) -> None:
    record = {"run": tmp_path, "model": {"path": str(NANO)}, "agent": {"max_money": 1}}
    with pytest.raises((SettingError, ValueError), match=r"set rollout\.max_money"):
        Config.model_validate(record)
