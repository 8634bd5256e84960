"""Command-line arguments: what they take, and what is said of anything else."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from agentflow_graph.errors import SettingError, model_inside
from rl.settings.paths import closed

NANO = Path(__file__).parents[1] / "configs" / "nano.yaml"
"""The configuration of a training that stands where none is named."""


def positive(text: str) -> int:
    """A whole number from 1; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def numbers(text: str) -> list[int]:
    """Whole numbers from 1, each once, as in `1,2,5`; raises ArgumentTypeError."""
    return list(dict.fromkeys(positive(part.strip()) for part in text.split(",")))


def planner_parser(prog: str, description: str) -> ArgumentParser:
    """A parser with what every command takes that lets a planner, or its teacher, play."""
    parser = ArgumentParser(prog=prog, description=description)
    parser.add_argument("--planner", type=Path, required=True, help="its folder")
    parser.add_argument("--out", type=Path, required=True, help="file that is made")
    parser.add_argument("--config", type=Path, default=NANO, help="of a training; nano.yaml")
    parser.add_argument("--teacher", action="store_true", help="the almanac's oracle answers")
    parser.add_argument(
        "--data",
        default="",
        metavar="FILE",
        help="the questions: JSONL or parquet, each with any scoring rule, or a generated world",
    )
    parser.add_argument("--seed", type=int, default=7, help="of the sampling")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="a setting of rl.train")
    return parser


def check_planner(folder: Path) -> None:
    """Raise SettingError where a folder holds no planner."""
    if not (folder / "config.json").exists():
        told = f"planner {folder} has no config.json{model_inside(folder)}"
        raise SettingError(f"{told}; name a planner's folder")


def check_new(out: Path) -> None:
    """Raise SettingError where what is to be made exists already."""
    if out.exists():
        raise SettingError(f"out={out} exists; choose another or remove it")
    check_place(out.parent)


def check_place(folder: Path) -> None:
    """Raise SettingError where a folder cannot be made or written: before minutes are spent."""
    if fault := closed(folder):
        raise SettingError(f"out={fault}; choose another folder")


def check_replaced(out: Path) -> None:
    """Raise SettingError where a new planner would take the place of anything but a planner."""
    check_place(out)
    if out.exists() and any(out.iterdir()) and not (out / "config.json").exists():
        raise SettingError(
            f"out={out} holds something else than a planner; choose another folder or remove it"
        )
