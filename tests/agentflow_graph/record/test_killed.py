"""Twenty SIGKILLs: nothing that was answered is asked again, whoever asked it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from launched import ROOT
from provider import Provider

from agentflow_graph.record import read
from agentflow_graph.record.reading import RecordedRun, events

pytestmark = pytest.mark.integration

QUESTIONS, KILLS = 40, 20
PROGRAM = Path(__file__).parents[1] / "programs" / "recorded_work.py"


class Work:
    """The program with its record, a fake provider behind every module, and a tool that counts."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        self.record, self.effects, self._provider = folder / "record", folder / "effects", provider
        folder.mkdir()

    def start(self) -> subprocess.Popen[bytes]:
        words = (self.record, self._provider.server.url, self.effects, QUESTIONS)
        command = [sys.executable, str(PROGRAM), *map(str, words)]
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def calls(self) -> int:
        """Requests that reached the provider, and effects of the tool."""
        done = self.effects.read_text().count("x") if self.effects.exists() else 0
        return self._provider.calls.total() + done

    def runs(self) -> dict[str, RecordedRun]:
        return read(self.record)


def outcomes(work: Work) -> dict[str, Any]:
    """What each question came to, without whatever a clock measured."""
    found = {}
    for name, run in work.runs().items():
        assert run.state, name
        turns = [(t["context"], t["calls"][0]["result"]) for t in run.state["turns"]]
        found[name] = (run.state["answer"], turns, run.notes[-1]["correct"])
    return found


def test_calls_over_the_least_possible(tmp_path: Path) -> None:
    with Provider(seed=3, delay=0.03) as provider:
        alone = Work(tmp_path / "alone", provider)
        assert alone.start().wait() == 0
        least = alone.calls()
    with Provider(seed=3, delay=0.03) as provider:
        killed = Work(tmp_path / "killed", provider)
        dice = random.Random(11)
        for due in sorted(dice.sample(range(2, int(least * 0.95)), KILLS)):
            process = killed.start()
            while killed.calls() < due and process.poll() is None:
                time.sleep(0.002)
            time.sleep(dice.uniform(0, 0.05))
            assert process.poll() is None, "it ended before it was killed"
            process.kill()
            process.wait()
        assert killed.start().wait() == 0
        made = killed.calls()
    counts = dict.fromkeys(("asked", "answered", "failed"), 0)
    for event in events(killed.record):
        if event["event"] in counts:
            counts[event["event"]] += 1
    under_way = counts["asked"] - counts["answered"] - counts["failed"]
    nodes = {call.key.node for run in killed.runs().values() for call in run.calls}
    assert nodes == {"planner", "executor", "verifier", "generator.direct", "look_up", "judge"}
    assert counts["failed"] == 0
    assert under_way > 0, "no kill hit a call"
    assert made / (least + under_way) <= 1.02, (made, least, under_way)
    assert outcomes(killed) == outcomes(alone)
    print(f"{made} calls, {least} of a run left alone, {under_way} under way at {KILLS} kills")
