"""Kill a training run at random moments, and compare it with one that was left alone.

    python -m rl killing --out runs/killing --kills 20 [--seed 1] [key=value ...]

Each kill is a SIGKILL of the trainer, of a graph worker or of an engine, drawn at random; a killed
trainer is resumed at once. Both runs are deterministic. Printed in the end: whether the weights are
the same to the last bit, and the calls of the model over the least possible, which is those of the
run that was left alone and those that were under way when a kill came.

A call of this program goes on where the one before it was stopped. Exit codes: 0 the runs are the
same and at most 1.02 times the least was asked, 1 not so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from agentflow_graph.errors.outside import guard_output
from rl.run.folder import records
from rl.run.record import TrainingRecord

KINDS = ("trainer", "graph worker", "engine")
TITLES = {"graph worker": "ray::GraphWorker", "engine": "ray::SyncEngine"}
"""How Ray names the processes of its actors."""
SPREAD = 2.0
"""A kill comes at most so many seconds after a call: updates, syncs and saving are hit too."""
LATEST = 0.9
"""Of a run's calls: a kill that is still waiting comes now, for soon there is nothing to kill."""
POLL = 0.05
"""Seconds between two looks at a run."""
TIMED = ("wall", "seconds", "run_seconds")


class Session:
    """A trainer in a process of its own, with all that it started."""

    def __init__(self, words: Sequence[str], output: Path) -> None:
        self.output = output
        self._before = output.stat().st_size if output.exists() else 0
        command = [sys.executable, "-m", "rl.train", *words]
        with output.open("ab") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file)
        self._family: dict[int, psutil.Process] = {}
        self.killed = False

    def said(self) -> str:
        """What this trainer has printed."""
        return self.output.read_bytes()[self._before :].decode()

    def ended(self) -> bool:
        """Whether the trainer's process is gone."""
        return self.process.poll() is not None

    def kill(self, kind: str) -> bool:
        """Kill a process of that kind; returns whether there was one."""
        self._look()
        if kind == "trainer":
            self.process.kill()
            self.process.wait()
            self.killed = True
            return True
        for process in self._family.values():
            with suppress(psutil.NoSuchProcess):
                if " ".join(process.cmdline()).startswith(TITLES[kind]):
                    process.kill()
                    return True
        return False

    def clear(self) -> None:
        """End whatever is left: Ray's own agents outlive a killed trainer."""
        self._look()
        self.process.kill()
        for process in self._family.values():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _look(self) -> None:
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            self._family |= {process.pid: process for process in family}


@dataclass(frozen=True)
class Kill:
    """What is killed, and when.

    That is so many seconds after so many calls of the model were sent, or at the last call named.
    """

    kind: str
    calls: int
    seconds: float
    last: int


def drawn(kinds: Sequence[str], calls: int, rng: random.Random) -> list[Kill]:
    """A kill of each of `kinds`, at random moments of a run of `calls` calls, in their order."""
    last = int(LATEST * calls)
    moments = sorted(rng.randrange(last) for _ in kinds)
    return [Kill(k, m, rng.uniform(0, SPREAD), last) for k, m in zip(kinds, moments, strict=True)]


def run_to_the_end(run: Path, words: Sequence[str], plan: Sequence[Kill], log: Path) -> None:
    """Start or resume `run` until it is done; each kill of `plan` that was made is a line of `log`.

    Raises:
        RuntimeError: a trainer ended with an error that nobody killed.
    """
    output = run.with_name(f"{run.name}.txt")
    while not (run / "summary.json").exists():
        known = (run / "config.yaml").exists()
        session = Session(["--resume", str(run)] if known else words, output)
        try:
            _disturb(session, run, plan, log)
            if session.process.wait() not in (0, -signal.SIGKILL):
                raise RuntimeError(f"the trainer ended with an error:\n{session.said()}")
        finally:
            session.clear()


def _disturb(session: Session, run: Path, plan: Sequence[Kill], log: Path) -> None:
    """Kill what is left of the plan until it is done or the trainer is gone."""
    for kill in plan[len(records(log)) :]:
        _wait(session, run, kill)
        while not session.ended() and not session.kill(kill.kind):
            time.sleep(POLL)  # it is being started
        if session.ended() and not session.killed:
            return
        sent, answered = _calls(run)
        with log.open("a") as file:
            file.write(json.dumps({**asdict(kill), "sent": sent, "answered": answered}) + "\n")
        if session.killed:
            return


def _wait(session: Session, run: Path, kill: Kill) -> None:
    """Returns when the kill is due, or the run has ended."""
    while _calls(run)[0] < kill.calls and not session.ended():
        time.sleep(POLL)
    due = time.monotonic() + kill.seconds
    while time.monotonic() < due and _calls(run)[0] < kill.last and not session.ended():
        time.sleep(POLL)


def _calls(run: Path) -> tuple[int, int]:
    """Calls sent and answered so far, while the trainer may be writing."""
    while True:
        with suppress(FileNotFoundError):
            return TrainingRecord(run / "record").calls()


def weights(run: Path) -> str:
    """SHA-256 of the trained weights."""
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def untimed(run: Path) -> list[dict[str, Any]]:
    """The metrics of a run without whatever a clock measured; order is that of writing."""
    return [_untimed(entry) for entry in records(run / "metrics.jsonl")]


def _untimed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: _untimed(inner)
        for name, inner in value.items()
        if name not in TIMED and not name.endswith("_seconds")
    }


def compared(whole: Path, killed: Path, log: Path) -> dict[str, Any]:
    """How the killed run compares with the one that was left alone."""
    least = TrainingRecord(whole / "record").calls()[0]
    sent, answered = TrainingRecord(killed / "record").calls()
    kills = records(log)
    resent = sum(k["sent"] - k["answered"] for k in _lone_engines(kills))
    return {
        "kills": {kind: sum(k["kind"] == kind for k in kills) for kind in KINDS},
        "same_weights": weights(whole) == weights(killed),
        "same_metrics": untimed(whole) == untimed(killed),
        "calls_left_alone": least,
        "calls": sent + resent,
        "calls_under_way_at_kills": sent - answered + resent,
        "over_least": (sent + resent) / (least + sent - answered + resent),
        "over_left_alone": (sent + resent) / least,
    }


def _lone_engines(kills: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Kills of an engine, less what earlier kills had lost: Ray sends those calls again itself."""
    lost, found = 0, []
    for kill in kills:
        open_calls = kill["sent"] - kill["answered"]
        if kill["kind"] == "engine":
            found.append({**kill, "answered": kill["sent"] - max(0, open_calls - lost)})
        else:
            lost = open_calls
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m rl killing", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--config", type=Path, default=Path("rl/configs/nano.yaml"))
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    chosen = parser.parse_args(arguments)
    whole, killed, log = (chosen.out / name for name in ("whole", "killed", "kills.jsonl"))
    chosen.out.mkdir(parents=True, exist_ok=True)
    settings = ["--config", str(chosen.config), "deterministic=true", *chosen.overrides]
    run_to_the_end(whole, [*settings, f"run={whole}"], [], chosen.out / "none.jsonl")
    rng = random.Random(chosen.seed)
    kinds = rng.choices(KINDS, k=chosen.kills)
    plan = drawn(kinds, TrainingRecord(whole / "record").calls()[0], rng)
    run_to_the_end(killed, [*settings, f"run={killed}"], plan, log)
    result = compared(whole, killed, log)
    print(json.dumps(result, indent=2))
    same = result["same_weights"] and result["same_metrics"]
    return 0 if same and result["over_least"] <= 1.02 else 1


if __name__ == "__main__":
    sys.exit(main())
