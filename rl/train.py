"""Train a planner: `python -m rl.train --config rl/configs/nano.yaml [key=value ...]`.

With `--dry-run` it only checks everything and says what a step will cost (`rl/plan.py`).
Starts Ray, vLLM, the DeepSpeed policy and reference and the graph workers; leaves a run folder:

    config.yaml  metrics.jsonl  summary.json  report.html
    data/  rollouts/  checkpoints/  tensorboard/  model/

Exit codes: 0 done, 1 training failed, 2 the configuration is wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from agentflow_graph.crew import load_tools
from agentflow_graph.errors import AgentFlowError, SettingError
from rl import data, hub
from rl.config import Config, load
from rl.export import describe_planner
from rl.metrics import Recorder, best
from rl.quiet import noise_to
from rl.reward import reward_of


class TrainingFailed(AgentFlowError):
    """Training broke off; what was recorded until then stays in the run folder."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m rl.train",
        description="Train a planner with Flow-GRPO in the live graph.",
        epilog="Every field of rl/sections.py can be set as section.key=value.",
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dry-run", action="store_true", help="check and plan; start nothing")
    parser.add_argument("--json", action="store_true", help="the dry run for a program")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    chosen = parser.parse_intermixed_args(arguments)
    if chosen.json and not chosen.dry_run:
        parser.error("--json goes with --dry-run")
    if chosen.dry_run:
        from rl.plan import dry_run

        return exit_code(lambda: dry_run(load(chosen.config, chosen.overrides), chosen.json))
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
    config = at_hand(config)
    prepare(config)
    warm = make_planner(config)
    recorder = Recorder(config.run, config.steps)
    recorder.say(f"starting Ray, {config.engine.count} vLLM engine(s), policy and reference")
    with noise_to(config.run / "log.txt") as screen:
        recorder.screen = screen
        from rl.adapter.launch import train

        try:
            train(config, recorder)
        except Exception as error:
            log = config.run / "log.txt"
            with log.open("a") as file:
                traceback.print_exc(file=file)
            reason = f"{type(error).__name__}: {error}"
            raise TrainingFailed(f"training broke off: {reason}\nSee {log}") from error
    recorder.screen = sys.stdout
    finish(config, recorder.done)
    summary = summarise(config, recorder) | {"warm_start_seconds": warm}
    (config.run / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    from rl.report import write_report

    write_report(config.run)
    recorder.say(f"done; open {config.run / 'report.html'}")
    return summary


def prepare(config: Config) -> None:
    """Check what can be checked and make the run folder.

    Raises:
        SettingError: naming the value and the remedy.
    """
    if config.run.exists() and any(config.run.iterdir()):
        raise SettingError(f"run={config.run} is not empty; choose another folder or remove it")
    missing = not (Path(config.model.path) / "config.json").exists()
    if missing and not config.model.warm_start:
        raise SettingError(
            f"model.path={config.model.path!r} is neither a folder with config.json nor the name "
            "of a model on the hub; make a nano planner with `python -m rl.warmstart --out DIR`"
        )
    load_tools(config.context(), config.context().passages or 3)
    reward_of(config.reward)
    data.write(config)
    record = yaml.safe_dump(json.loads(config.model_dump_json()), sort_keys=False)
    (config.run / "config.yaml").write_text(record)


def make_planner(config: Config) -> float:
    """Warm-start the nano planner if the run wants one; returns the seconds that took."""
    begun = time.time()
    path = Path(config.model.path)
    if config.model.warm_start and not (path / "config.json").exists():
        # In a process of its own: its threads and its copy of torch go with it.
        command = [sys.executable, "-m", "rl.warmstart", "--out", str(path)]
        subprocess.run([*command, "--seed", str(config.seed)], check=True)
    return round(time.time() - begun, 1)


def at_hand(config: Config) -> Config:
    """The configuration with the planner's folder for its name on the hub, downloaded if need be.

    Graph workers read the tokenizer's own files, so a name alone is not enough for them.

    Raises:
        SettingError: it cannot be downloaded.
    """
    name = config.model.path
    if Path(name).exists() or config.model.warm_start or not hub.NAME.fullmatch(name):
        return config
    folder = str(hub.fetched(name))
    return config.model_copy(update={"model": config.model.model_copy(update={"path": folder})})


def finish(config: Config, steps: int) -> None:
    """Complete the exported planner, and remove what nobody reads."""
    describe_planner(config, config.run / "model", steps)
    unused = config.run / "checkpoints" / "_critic"
    if unused.exists():
        shutil.rmtree(unused)


def summarise(config: Config, recorder: Recorder) -> dict[str, Any]:
    """The run in a dozen numbers."""
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
        "policy_versions_seen": len(recorder.versions),
        "failed_rollouts": recorder.failed,
        "failures": dict(recorder.failures.most_common(5)),
    }


if __name__ == "__main__":
    sys.exit(main())
