"""Train a planner: `python -m rl.train --config rl/configs/nano.yaml [key=value ...]`.

A run that was killed goes on with `python -m rl.train --resume RUN`: from its last checkpoint and
its journal, asking the model only for what had not been answered.

Starts Ray, vLLM, the DeepSpeed policy and reference and the graph workers; leaves a run folder:

    config.yaml  metrics.jsonl  summary.json  report.html
    data/  journal/  rollouts/  checkpoints/  tensorboard/  model/

Exit codes: 0 done, 1 training failed, 2 the configuration is wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from agentflow_graph.crew import load_tools
from agentflow_graph.errors import AgentFlowError, SettingError
from rl import data
from rl.config import Config, load
from rl.export import describe_planner
from rl.folder import claim, move_in, write_whole
from rl.journal import Journal
from rl.metrics import Recorder, best
from rl.quiet import noise_to

HUB_NAME = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")


class TrainingFailed(AgentFlowError):
    """Training broke off; what was recorded until then stays in the run folder."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m rl.train",
        description="Train a planner with Flow-GRPO in the live graph.",
        epilog="Every field of rl/config.py can be set as section.key=value.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", type=Path, help="a new run")
    which.add_argument("--resume", type=Path, metavar="RUN", help="folder of a run to go on with")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    chosen = parser.parse_args(arguments)
    if chosen.resume and chosen.overrides:
        parser.error("--resume takes the settings of the run; key=value is for new runs")
    if chosen.resume:
        return exit_code(lambda: resume(chosen.resume))
    return exit_code(lambda: run(load(chosen.config, chosen.overrides)))


def exit_code(work: Callable[[], object]) -> int:
    """Do `work` and say in one line what went wrong; returns 0, 1, 2 or 130."""
    try:
        work()
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except TrainingFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was recorded stays in the run folder", file=sys.stderr)
        return 130
    return 0


def run(config: Config) -> dict[str, Any]:
    """Train as `config` says; returns the summary that is also written to the run folder.

    Raises:
        SettingError: something is wrong that shows before anything is started.
        TrainingFailed: it broke off later; `log.txt` of the run folder has the traceback.
    """
    prepare(config)
    with claim(config.run):
        return _train(config)


def resume(folder: Path) -> dict[str, Any]:
    """Go on with the run in `folder`, with its own configuration; returns its summary.

    Raises:
        SettingError: there is no such run, another trainer is at work in it, or what it needs is
            gone.
        TrainingFailed: see `run`.
    """
    if not (folder / "config.yaml").exists():
        raise SettingError(
            f"{folder} has no config.yaml: no training began there; start it with --config"
        )
    config = load(folder / "config.yaml", [f"run={folder}"])
    check(config)
    with claim(folder):
        return _train(config)


def _train(config: Config) -> dict[str, Any]:
    warm = make_planner(config)
    recorder = Recorder(config.run, config.steps)
    recorder.say(f"starting Ray, {config.engine.count} vLLM engine(s), policy and reference")
    with noise_to(config.run / "log.txt") as screen:
        recorder.screen = screen
        from rl.adapter.launch import train

        try:
            train(config, recorder)
        except Exception as error:
            raise _failed(config.run, error) from error
    recorder.screen = sys.stdout
    finish(config, recorder.done)
    summary = summarise(config, recorder) | {"warm_start_seconds": warm}
    write_whole(config.run / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    from rl.report import write_report

    write_report(config.run)
    recorder.say(f"done; open {config.run / 'report.html'}")
    return summary


def _failed(run: Path, error: Exception) -> TrainingFailed:
    log = run / "log.txt"
    with suppress(OSError), log.open("a") as file:  # the disk may be what is full
        traceback.print_exception(error, file=file)
    reason = f"{type(error).__name__}: {error}"
    return TrainingFailed(
        f"training broke off: {reason}\nSee {log}; go on with `python -m rl.train --resume {run}`"
    )


def prepare(config: Config) -> None:
    """Check what can be checked and make the run folder.

    Raises:
        SettingError: naming the value and the remedy.
    """
    if (config.run / "config.yaml").exists():
        raise SettingError(
            f"run={config.run} holds a run; go on with it by `python -m rl.train --resume "
            f"{config.run}`, or choose another folder"
        )
    if config.run.exists() and any(config.run.iterdir()):
        raise SettingError(f"run={config.run} is not empty; choose another folder or remove it")
    check(config)
    data.write(config)
    record = yaml.safe_dump(json.loads(config.model_dump_json()), sort_keys=False)
    write_whole(config.run / "config.yaml", record.encode())  # last: from here it can be resumed


def check(config: Config) -> None:
    """Check what a new run and a resumed one need.

    Raises:
        SettingError: naming the value and the remedy.
    """
    model, name = Path(config.model.path), config.model.path
    missing = not (model / "config.json").exists()
    on_hub = HUB_NAME.fullmatch(name) and not model.exists()
    if missing and not config.model.warm_start and not on_hub:
        raise SettingError(
            f"model.path={name!r} is neither a folder with config.json nor the name of a model on "
            "the hub; make a nano planner with `python -m rl.warmstart --out DIR`"
        )
    load_tools(config.context(), config.context().passages or 3)


def make_planner(config: Config) -> float:
    """Warm-start the nano planner if the run wants one; returns the seconds that took."""
    begun = time.time()
    path = Path(config.model.path)
    if config.model.warm_start and not (path / "config.json").exists():
        # In a process of its own: its threads and its copy of torch go with it.
        fresh = path.with_name(f"{path.name}.partial")
        command = [sys.executable, "-m", "rl.warmstart", "--out", str(fresh)]
        subprocess.run([*command, "--seed", str(config.seed)], check=True)
        move_in(fresh, path)
    return round(time.time() - begun, 1)


def finish(config: Config, steps: int) -> None:
    """Complete the exported planner, and remove what nobody reads."""
    describe_planner(config, config.run / "model", steps)
    unused = config.run / "checkpoints" / "_critic"
    if unused.exists():
        shutil.rmtree(unused)


def summarise(config: Config, recorder: Recorder) -> dict[str, Any]:
    """The run in a dozen numbers."""
    steps = recorder.training
    sent, answered = Journal(recorder.folder / "journal").calls()
    sampled = [e for e in recorder.evaluations if e["temperature"]]
    greedy = [e for e in recorder.evaluations if not e["temperature"]]
    before, after = sampled[0], sampled[-1]
    reached = [e for e in sampled if e["success"] >= 0.9]
    return {
        "heldout_n": after["n"],
        "heldout_temperature": after["temperature"],
        "heldout_before": before["success"],
        "heldout_before_interval": before["interval"],
        "heldout_after": after["success"],
        "heldout_after_interval": after["interval"],
        "heldout_greedy": [e["success"] for e in (greedy[:1] + greedy[-1:])],
        "levels_after": after["levels"],
        "heldout_best": best(sampled)["success"],
        "best_step": best(sampled)["step"],
        "best_model": "best" if config.evaluation.best else None,
        "train_seconds": round(time.time() - recorder.begun, 1),
        "seconds_to_090": reached[0]["wall"] if reached else None,
        "steps": recorder.done,
        "stopped_early": recorder.stopped_early,
        "seed": config.seed,
        "rollout_engine": recorder.engine,
        "trainer": f"openrlhf {version('openrlhf')}",
        "policy_versions_seen": len({v for e in steps for v in e["policy_versions"]}),
        "model_calls": sent,
        "model_calls_lost": sent - answered,
        "failed_rollouts": sum(entry["failed"] for entry in steps),
        "failures": dict(sum((Counter(e["failures"]) for e in steps), Counter()).most_common(5)),
    }


if __name__ == "__main__":
    sys.exit(main())
