"""The ablations on the almanac, one command: `python -m rl ablations --out runs/ablations`.

Frozen, offline SFT, online Flow-GRPO and its variants, over several seeds, one after the other;
see `arms.py`. Each command runs in a process of its own with a log of its own; a failure is
recorded and the others go on. Started again, it does only what is not done yet. Leaves

    seed-*/*/           planners, runs, evaluations, log.txt
    jobs.jsonl          every command that ran, with its seconds
    results.json        all figures;  report.md, *.png  the same to be read

Exit codes: 0 all arms done, 1 some failed, 2 a setting is wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NoReturn

import agentflow_graph
from agentflow_graph.errors import SettingError, closest
from agentflow_graph.errors.outside import guard_output, hidden_in
from agentflow_graph.record.artifacts import write_whole
from rl.settings.arguments import NANO, numbers, positive
from rl.settings.config import load
from rl.settings.errors import TrainingFailed, exit_code
from rl.studies.ablations.arms import ARMS, TRAINED_AT, Arm, Job, Sizes, jobs, warm_start
from rl.studies.ablations.findings import Found, collect, of_arm
from rl.studies.ablations.report import write_report

ROOT = Path(agentflow_graph.__file__).parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl ablations", description="Compare ways to train a planner."
    )
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--seeds", type=numbers, default=[7, 1, 2], help="as in 7,1,2")
    parser.add_argument("--only", nargs="+", default=[], metavar="ARM", help="these arms only")
    parser.add_argument("--train-budgets", action="store_true", help="train at 1, 2, 5 turns too")
    parser.add_argument("--config", type=Path, default=NANO, help="of online training")
    parser.add_argument("--weights", type=Path, help="a language model to start from")
    parser.add_argument("--format-steps", type=positive, default=Sizes.format_steps)
    parser.add_argument("--sft-lr", type=float, default=Sizes.sft_lr)
    parser.add_argument("--steps", type=positive, default=Sizes.steps, help="of online training")
    parser.add_argument("--sft-steps", type=positive, default=Sizes.sft_steps)
    parser.add_argument("--warm-steps", type=positive, default=Sizes.warm_steps)
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="key=value", help="settings of rl.train"
    )
    chosen = parser.parse_args(arguments)
    sizes = Sizes(
        chosen.steps,
        chosen.sft_steps,
        chosen.warm_steps,
        tuple(chosen.set),
        chosen.config.resolve(),
        chosen.weights.resolve() if chosen.weights else None,
        chosen.format_steps,
        chosen.sft_lr,
    )
    signal.signal(signal.SIGTERM, _leave)
    return exit_code(
        lambda: ablate(chosen.out, chosen.seeds, arms(chosen.only, chosen.train_budgets), sizes)
    )


def _leave(*_: object) -> NoReturn:
    raise SystemExit(143)


def arms(only: Sequence[str], train_budgets: bool) -> list[Arm]:
    """The arms that were asked for.

    Raises:
        SettingError: an unknown name.
    """
    known = {arm.name: arm for arm in (*ARMS, *TRAINED_AT)}
    for name in only:
        if name not in known:
            near, every = closest(name, known), ", ".join(known)
            raise SettingError(f"no arm is called {name!r}{near}; choose of {every}")
    if only:
        return [known[name] for name in dict.fromkeys(only)]
    return [*ARMS, *(TRAINED_AT if train_budgets else ())]


def ablate(out: Path, seeds: Sequence[int], chosen: Sequence[Arm], sizes: Sizes) -> None:
    """Run what is not done yet; write results and report after each arm.

    Raises:
        SettingError: an override is wrong.
        TrainingFailed: naming the arms that failed.
    """
    load(sizes.config, sizes.overrides)
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    for seed, arm in product(seeds, chosen):
        home = out / f"seed-{seed}"
        todo = [warm_start(home, seed, sizes), *jobs(arm, home, seed, sizes)]
        reason = first_failure(todo, out, home / arm.name / "log.txt")
        failed += [f"seed {seed} {arm.name}: {reason}"] if reason else []
        _say(seed, arm, of_arm(arm, home), reason)
        results = collect(out, seeds, chosen, failed)
        results = hidden_in(results)
        write_whole(out / "results.json", (json.dumps(results, indent=2) + "\n").encode())
        write_report(out, results)
    print(f"see {out / 'report.md'}")
    if failed:
        raise TrainingFailed("\n".join(["some arms failed:", *failed]))


def first_failure(todo: Sequence[Job], out: Path, log: Path) -> str:
    """Do the jobs in order that are not done; why one failed, or an empty text."""
    log.parent.mkdir(parents=True, exist_ok=True)
    for job in todo:
        if job.last.exists():
            continue
        begun = time.time()
        code = _done(job, log)
        entry = {"job": " ".join(job.words), "code": code, "last": str(job.last.relative_to(out))}
        with (out / "jobs.jsonl").open("a") as file:
            file.write(json.dumps(entry | {"seconds": round(time.time() - begun, 1)}) + "\n")
        if code or not job.last.exists():
            return f"{job.name} ended with code {code}, see {log}"
    return ""


def _done(job: Job, log: Path) -> int:
    """Run a job to its end; returns its exit code. Interrupted, it interrupts the job first."""
    if job.partial.is_dir():
        shutil.rmtree(job.partial)
    job.partial.unlink(missing_ok=True)
    process = _started(job, log)
    try:
        return process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        raise


def _started(job: Job, log: Path) -> subprocess.Popen[bytes]:
    """The job in a session of its own: Ctrl-C must reach it once, and from here."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *job.words],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _say(seed: int, arm: Arm, found: Found | None, reason: str) -> None:
    head = f"seed {seed}  {arm.name:14}"
    if reason or found is None:
        print(f"{head}  failed: {reason}", flush=True)
        return
    shown = [e for e in found["evaluations"] if e["temperature"]]
    each = (f"{e['max_turns']} turns {e['success']:.3f}" for e in shown)
    print(f"{head}  held-out at {', '.join(each)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
