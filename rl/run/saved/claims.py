"""What a ledger claims, held to itself and to the files of its run; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import interpreting, read_object
from rl.run.record import heldout_batch, train_batch
from rl.run.saved.ledger import FORMAT, NAME, REMEDY, Line, chained, file_digest, lines_of
from rl.settings.config import Config
from rl.settings.errors import Differs
from rl.settings.measures import HELDOUT


def claims(config: Config) -> list[Line]:
    """The lines of a finished deterministic run's ledger; the chain of all of them is whole.

    Raises:
        SettingError: the run cannot be verified.
        Differs: a line, or a file that the run was made from, was changed.
    """
    run = config.run
    if not config.deterministic:
        raise SettingError(
            f"{run} was trained with deterministic=false: its last bits hang on what else was in a "
            "batch. Train with deterministic=true to have a run that can be verified"
        )
    if config.record.keep:
        raise SettingError(
            f"{run} keeps the last {config.record.keep} steps of its record (record.keep); only a "
            "run with the whole of it can be verified. Train with record.keep=0"
        )
    if not (run / "summary.json").exists():
        raise SettingError(f"{run} has not ended; `python -m rl train --resume {run}` first")
    summary = read_object(run / "summary.json", "put the run's own file back")
    lines = lines_of(run)
    if not lines:
        raise SettingError(
            f"{run} has no {NAME}: a version before ledgers made it, or it was begun by one; "
            "train it again to have one"
        )
    if lines[0].get("format") != FORMAT:
        raise SettingError(
            f"{run / NAME} has format {lines[0].get('format')!r}, this version reads {FORMAT}; "
            "verify it with the version that made it"
        )
    with interpreting(run / NAME, REMEDY):
        _hold_chain(lines)
        _hold_settings(run, lines)
        _hold_end(lines, summary)
        _hold_files(run, lines[0]["files"])
    return lines


def _hold_chain(lines: list[Line]) -> None:
    before = ""
    for line in lines:
        if line["chain"] != chained(before, line):
            raise Differs(f"{told(line)}: its line in {NAME} was changed, or the one before it")
        before = line["chain"]


def _hold_end(lines: list[Line], summary: Mapping[str, Any]) -> None:
    steps = [line["step"] for line in lines if line["kind"] == "step"]
    if steps != list(range(1, summary["steps"] + 1)):
        raise Differs(
            f"{NAME} is cut: it has steps {steps[:1]} to {steps[-1:]}, the run has "
            f"{summary['steps']}"
        )
    if lines[-1]["chain"] != summary["ledger"]:
        raise Differs(
            f"summary.json names {summary['ledger']!r} as the end of {NAME}, which is "
            f"{lines[-1]['chain']!r}"
        )


def _hold_settings(run: Path, lines: list[Line]) -> None:
    for line in lines:
        if line["kind"] == "reopened":
            raise SettingError(
                f"{run} went on with other settings or more questions after step {line['step']}; "
                "only a run of one configuration from its first step to its last can be verified"
            )


def _hold_files(run: Path, files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        if file_digest(run / name) != digest:
            raise Differs(f"{name} is not what the run began with: its SHA-256 is another")


def told(line: Line) -> str:
    """Which part of a run a line is of, for a person."""
    if line["kind"] == "begun":
        return "beginning"
    if line["kind"] == "evaluation":
        on = f" on {line['set']}" if "set" in line else ""
        return f"step {line['step']}, evaluation{on} at temperature {line['temperature']:g}"
    return f"step {line['step']}"


def batch_of(line: Line) -> str:
    """The batch of the record that a line is of."""
    step = line["step"]
    if line["kind"] == "step":
        return train_batch(step)
    return heldout_batch(step, line["temperature"], line.get("set", HELDOUT))


def missing(run: Path, lines: list[Line]) -> Iterator[str]:
    """The batches that are not on record."""
    for line in lines[1:]:
        if not (run / "record" / batch_of(line)).is_dir():
            yield batch_of(line)
