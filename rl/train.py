"""Train a planner: `python -m rl.train --config rl/configs/nano.yaml [key=value ...]`.

A run that was killed goes on with `python -m rl.train --resume RUN`: from its last checkpoint and
its record, asking the model only for what had not been answered. With `--dry-run` a new run is
only checked, and what a step will cost is said (`rl/preflight/plan.py`).

Starts Ray, vLLM, the DeepSpeed policy and reference and the graph workers; leaves a run folder:

    config.yaml  seal.json  metrics.jsonl  ledger.jsonl  summary.json  report.html
    data/  record/  checkpoints/  tensorboard/  model/

Exit codes: 0 done, 1 training failed, 2 the configuration is wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output, hidden_in, shown
from agentflow_graph.nodes.parts.toolset import load_tools
from agentflow_graph.record.artifacts import read_object, write_whole
from rl.planners.chosen import at_hand, make_planner
from rl.preflight.agent import hold_to_tools
from rl.preflight.planner import made_from_nothing
from rl.preflight.price.cost import money
from rl.preflight.reference import reference
from rl.questions import data
from rl.reward import reward_of
from rl.run.export import describe_planner
from rl.run.folder import claim, hold_to_planner, place_of_run
from rl.run.metrics import Recorder
from rl.run.quiet import noise_to, without_gpu
from rl.run.record import TrainingRecord, refuse_old
from rl.run.saved.checkpoints import hold_to_saved
from rl.run.saved.ledger import head
from rl.run.saved.parts import tidied
from rl.run.saved.reopened import go_on
from rl.run.saved.seal import NAME, hold_to_seal, write_sealed
from rl.run.summary import summarise
from rl.settings.config import Config, load
from rl.settings.errors import TrainingFailed, brief, exit_code, going_on, resume_command
from rl.settings.yaml_file import dumped
from tools.outcomes.interrupts import tell_instead


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl.train",
        description="Train a planner with Flow-GRPO in the live graph.",
        epilog="docs/settings.md has every field that can be set as section.key=value.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", type=Path, help="a new run")
    which.add_argument("--resume", type=Path, metavar="RUN", help="folder of a run to go on with")
    trust = "take over a run that somebody else saved, or another machine"
    parser.add_argument("--trust", action="store_true", help=f"with --resume: {trust}")
    parser.add_argument("--dry-run", action="store_true", help="check and plan; start nothing")
    parser.add_argument("--probe", action="store_true", help="with --dry-run: time the servers")
    parser.add_argument("--json", action="store_true", help="the dry run for a program")
    parser.add_argument("--checkpoint", default="", metavar="NAME", help="with --resume: an older")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    chosen = parser.parse_intermixed_args(arguments)
    if chosen.resume and chosen.dry_run:
        parser.error("--dry-run is for new runs")
    if chosen.resume:
        given = chosen.trust, chosen.overrides, chosen.checkpoint
        return exit_code(lambda: resume(chosen.resume, *given))
    if chosen.trust or chosen.checkpoint:
        parser.error(f"{'--trust' if chosen.trust else '--checkpoint'} goes with --resume")
    if (chosen.json or chosen.probe) and not chosen.dry_run:
        parser.error(f"{'--json' if chosen.json else '--probe'} goes with --dry-run")
    if chosen.dry_run:
        # Imported inside, for what is not installed is said there.
        plan = partial(import_module, "rl.preflight.plan")
        how = chosen.json, chosen.probe
        return exit_code(lambda: plan().dry_run(load(chosen.config, chosen.overrides), *how))
    return exit_code(lambda: run(load(chosen.config, chosen.overrides)))


def run(config: Config) -> dict[str, Any]:
    """Train as `config` says; returns the summary that is also written to the run folder.

    Raises:
        SettingError: something is wrong that shows before anything is started.
        TrainingFailed: it broke off later; `log.txt` of the run folder has the traceback.
    """
    config = at_hand(config)
    prepare(config)
    with claim(config.run):
        return _train(config)


def resume(
    folder: Path, trusted: bool = False, overrides: Sequence[str] = (), checkpoint: str = ""
) -> dict[str, Any]:
    """Go on with the run in `folder`, with its own configuration; returns its summary.

    `overrides` change what a resume may (`rl/settings/changes.py`), and can give a run that is done
    more steps. `checkpoint` names one to go on from instead of the latest.

    A run that this user did not save on this machine must be `trusted`: its configuration can name
    functions to import, tools and models.

    Raises:
        SettingError: there is no such run, another trainer is at work in it, what it needs is
            gone, or it is not as this user saved it.
        TrainingFailed: see `run`.
    """
    if not (folder / "config.yaml").exists():
        raise SettingError(
            f"{folder} has no config.yaml: no training began there; start it with --config"
        )
    refuse_old(folder)
    if (folder / "summary.json").exists() and not overrides and not checkpoint:
        return _ended(folder)
    config = load(folder / "config.yaml", [f"run={folder}"])
    remedy = f"if the change is yours, remove {folder / NAME} and add --trust"
    hold_to_seal(folder, ["config.yaml"], trusted, remedy)
    wanted = load(folder / "config.yaml", [*overrides, f"run={folder}"])
    check(wanted)
    with claim(folder):
        if overrides or checkpoint:
            go_on(config, wanted, trusted, checkpoint)
            config = wanted
        hold_to_saved(folder, trusted)
        return _train(config)


def _train(config: Config) -> dict[str, Any]:
    if config.engine.device == "cpu":
        without_gpu()
    again = f"go on with `{resume_command(config.run)}`"
    tell_instead(f"interrupted; what was recorded stays in the run folder; {again}")
    warm = make_planner(config)
    hold_to_planner(config.run, Path(config.model.path))
    if config.model.reference:
        hold_to_planner(config.run, Path(config.model.reference), "reference")
    recorder = Recorder(config.run, config.steps, config.evaluation.every, config.evaluation)
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
    told = {"warm_start_seconds": warm, "ledger": head(config.run)}
    summary = summarise(config, recorder) | told
    write_whole(
        config.run / "summary.json", (json.dumps(hidden_in(summary), indent=2) + "\n").encode()
    )
    from rl.run.report import write_report

    page = write_report(config.run)
    recorder.say(f"done; open {page}")
    return summary


def _ended(run: Path) -> dict[str, Any]:
    """The summary of a run that has nothing left to do; a kill may have cost it its report."""
    from rl.run.report import write_report

    print(f"{run} is done; open {write_report(run)}")
    return read_object(run / "summary.json", "remove it: the run then goes on to its end")


def _failed(run: Path, error: Exception) -> TrainingFailed:
    log = run / "log.txt"
    with suppress(OSError), log.open("a") as file:  # the disk may be what is full
        file.write(shown("".join(traceback.format_exception(error))))
    return TrainingFailed(f"training broke off: {brief(error)}\nSee {log}; {going_on(error, run)}")


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
    if (place := place_of_run(config.run)).state == "failed":
        raise SettingError(f"run={place.text}; {place.remedy}")
    check(config)
    data.write(config)
    write_sealed(config.run / "config.yaml", dumped(config))  # last: from here it can be resumed


def check(config: Config) -> None:
    """Check what a new run and a resumed one need.

    Raises:
        SettingError: naming the value and the remedy.
    """
    missing = not (Path(config.model.path) / "config.json").exists()
    if missing and not config.model.warm_start:
        raise SettingError(
            f"model.path={config.model.path!r} is neither a folder with config.json nor the name "
            "of a model on the hub; make a nano planner with `python -m rl warmstart --out DIR`, "
            "or fetch a language model with `python -m rl weights smollm2 --out DIR`"
        )
    if missing and (made := made_from_nothing(config)).state == "failed":
        raise SettingError(f"{made.text}; {made.remedy}")
    # It needs psutil, which a plain installation has not.
    from rl.preflight.machine import tracking

    for finding in (*reference(config), *tracking(config)):
        if finding.state == "failed":
            raise SettingError(f"{finding.text}; {finding.remedy}")
    tools = load_tools(config.context(), config.context().passages or 3)
    if (found := money(config, tools)).state == "failed":
        raise SettingError(f"{found.text}; {found.remedy}")
    hold_to_tools(config, tools)
    reward_of(config.reward)


def finish(config: Config, steps: int) -> None:
    """Complete the exported planner, and remove what nobody reads."""
    describe_planner(config, config.run / "model", steps)
    tidied(config.run, TrainingRecord(config.run / "record"), steps + 1, config.record.keep)
    unused = config.run / "checkpoints" / "_critic"
    if unused.exists():
        shutil.rmtree(unused)


if __name__ == "__main__":
    sys.exit(main())
