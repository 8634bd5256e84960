"""Memory of a training run: `python -m rl bench-memory` prints a table and one line of JSON.

    python -m rl bench-memory --steps 20 --settled 5 rollout.questions=32 rollout.group_size=8 \
        rollout.close=0.8 save_every=5 record.keep=5      # a step of the size of the 7B one

A real run of `rl.train` with the planner that ships, a few rollouts a step and 200 steps: driver,
vLLM engine, policy, reference and graph worker, each looked at once a step. After 50 steps, in
which caches fill, a line is laid through what each process holds, and the record's size is told:

* `rss`: resident memory. It counts pages of Ray's object store that the process has touched;
* `own`: the same without pages shared with other processes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, linear_regression
from typing import Any

import psutil

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.models.strings import NANO
from rl.run.folder import records

SETTLED = 50
"""Steps before the line begins."""
TARGET = 1.05
"""What a process may hold at the end, over what it held after `SETTLED` steps."""
ACTORS = {
    "ray::FlowPolicy": "policy",
    "ray::FlowReference": "reference",
    "ray::SyncEngine": "engine",
    "ray::GraphWorker": "worker",
}
SETTINGS = f"""
model.path={NANO} rollout.questions=4 rollout.group_size=4 rollout.temperature=1.6
optimizer.batch_rows=16 optimizer.micro_batch=16 optimizer.lr=1.0e-7 optimizer.threads=1
stalled_after=200 data.heldout_n=4 evaluation.every=1000 evaluation.greedy=false
""".split()
Sample = dict[str, tuple[int, int]]
"""By process: bytes resident, and of these its own."""


def name_of(process: psutil.Process, driver: int) -> str:
    """Which part of the run a process is; empty for one that is none of ours."""
    if process.pid == driver:
        return "driver"
    title = " ".join(process.cmdline())
    return next((name for start, name in ACTORS.items() if title.startswith(start)), "")


def sample(driver: psutil.Process) -> Sample:
    """What the run's processes hold now."""
    found: Sample = {}
    for process in (driver, *driver.children(recursive=True)):
        try:
            if name := name_of(process, driver.pid):
                held = process.memory_info()
                found[name] = held.rss, held.rss - held.shared
        except psutil.NoSuchProcess:
            continue
    return found


def watch(steps: int, run: Path, more: Sequence[str] = ()) -> tuple[dict[int, Sample], int]:
    """A run of `steps` steps, with settings `more`: a sample a step, and how many updates."""
    config = ["--config", "rl/configs/nano.yaml", f"run={run}", f"steps={steps}", *SETTINGS, *more]
    samples: dict[int, Sample] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "rl.train", *config], stdout=subprocess.DEVNULL
    ) as training:
        driver = psutil.Process(training.pid)
        while training.poll() is None:
            time.sleep(0.1)
            step = len(recorded_steps(run))
            if step and step not in samples:
                samples[step] = sample(driver)
        if training.returncode:
            raise SystemExit(f"rl.train failed with exit code {training.returncode}")
    return samples, sum(line["updated"] for line in recorded_steps(run))


def recorded_steps(run: Path) -> list[dict[str, Any]]:
    """The steps that the run has recorded."""
    return [entry for entry in records(run / "metrics.jsonl") if entry["kind"] == "step"]


def line(
    samples: dict[int, Sample], which: int, settled: int = SETTLED
) -> dict[str, dict[str, float]]:
    """By process: MB at the end, MB per 100 steps, and the end over the beginning of the line."""
    series: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for step, found in samples.items():
        for name, held in found.items():
            if step > settled:
                series[name].append((step, held[which] / 1e6))
    drawn = {}
    for name, points in series.items():
        steps, held = zip(*points, strict=True)
        few = max(1, min(10, len(held) // 3))
        begin, end = fmean(held[:few]), fmean(held[-few:])
        slope = linear_regression(steps, held).slope * 100
        drawn[name] = {"mb": end, "mb_per_100_steps": slope, "ratio": end / begin}
    return drawn


def main() -> None:
    """Run the command line."""
    guard_output()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--settled", type=int, default=SETTLED, help="steps before the line begins")
    parser.add_argument("settings", nargs="*", metavar="key=value")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        samples, updates = watch(chosen.steps, run, chosen.settings)
        record = [file.stat().st_size / 1e6 for file in (run / "record").rglob("*.jsonl*")]
    result = {which: line(samples, n, chosen.settled) for n, which in enumerate(("rss", "own"))}
    for kind, drawn in result.items():
        for name, found in sorted(drawn.items()):
            held, slope, ratio = found["mb"], found["mb_per_100_steps"], found["ratio"]
            print(f"{kind}  {name:9} {held:8.1f} MB  {slope:+7.2f} per 100 steps  x {ratio:.3f}")
    print(f"record         {sum(record):8.1f} MB in {len(record)} files")
    worst = max(found["ratio"] for found in result["own"].values())
    print(f"{updates} updates in {chosen.steps} steps; worst ratio {worst:.3f}, at most {TARGET}")
    print(
        json.dumps(
            {
                **result,
                "record_mb": sum(record),
                "worst": worst,
                "steps": chosen.steps,
                "updates": updates,
            }
        )
    )


if __name__ == "__main__":
    main()
