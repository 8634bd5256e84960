"""The command line of `python -m rl data`: build the paper's training set, look at any file.

    python -m rl data build --out DIR [--nq FILE ...] [--deepmath FILE ...] [--aime24 FILE ...]
    python -m rl data check FILE [--rows N]

Sources without a file are read from the Hugging Face hub. Exit codes: 0 done, or nothing is wrong
with the file; 1 the disk is full; 2 a source, a count, a row or a checksum is wrong; 130
interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pydantic import BaseModel

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.record.artifacts import read_as
from benchmarks.items.files import checksum
from rl.questions.build import AIME, DEEPMATH, NQ, SEED, build
from rl.questions.survey import Survey, list_counts
from rl.settings.errors import exit_code
from tools.outcomes.outside import shown


class Listed(BaseModel):
    """A file of questions, as a manifest tells it."""

    sha256: str


class Manifest(BaseModel):
    """What is read of `manifest.json`."""

    files: dict[str, Listed] = {}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    chosen = _parser().parse_args(arguments)
    found: list[int] = []

    def work() -> None:
        found.append(_build(chosen) if chosen.command == "build" else _check(chosen))

    code = exit_code(work, interrupted="nothing was written")
    return code or found[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rl data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("build", help="write train.jsonl, aime24.jsonl and manifest.json")
    make.add_argument("--out", type=Path, required=True)
    for source in (NQ, DEEPMATH, AIME):
        make.add_argument(
            f"--{source.name}", type=Path, nargs="+", default=[], help=f"files of {source.hub}"
        )
    make.add_argument("--any-count", action="store_true", help="take sources of other sizes")
    make.add_argument("--seed", type=int, default=SEED)
    check = commands.add_parser("check", help="count, show and verify a file of questions")
    check.add_argument("file", type=Path)
    check.add_argument("--rows", type=int, default=3, help="rows to show")
    return parser


def _build(chosen: argparse.Namespace) -> int:
    given = {source.name: vars(chosen)[source.name] for source in (NQ, DEEPMATH, AIME)}
    manifest = build(chosen.out, given, chosen.any_count, chosen.seed)
    for name, facts in manifest["files"].items():
        print(f"{chosen.out / name}: {facts['rows']:,} rows, sha256 {facts['sha256']}")
    print(f"{chosen.out / 'manifest.json'}")
    return 0


def _check(chosen: argparse.Namespace) -> int:
    survey = Survey.of(chosen.file, chosen.rows)
    print(f"{chosen.file}: {survey.rows:,} questions, {survey.answers:,} right answers")
    levels = shown(list_counts(survey.levels))
    print(f"scorers: {list_counts(survey.scorers)}\nlevels: {levels}")
    print(f"questions asked more than once: {survey.repeated:,} rows")
    for task in survey.first:
        print(shown(json.dumps(vars(task), ensure_ascii=False)[:300]))
    for fault in survey.faults:
        print(shown(f"fault: {fault}"))
    problem = _against_manifest(chosen.file)
    if problem is not None:
        print(problem or "checksum: as in manifest.json")
    print(f"{survey.wrong:,} rows cannot be used" if survey.wrong else "every row can be used")
    return 2 if survey.wrong or problem or not survey.rows else 0


def _against_manifest(path: Path) -> str | None:
    """Where the file differs from the manifest in its folder; None if that does not list it."""
    manifest = path.parent / "manifest.json"
    if not manifest.exists():
        return None
    known = read_as(Manifest, manifest, "build it again, or remove it").files
    if path.name not in known:
        return None
    found = checksum(path)
    wanted = known[path.name].sha256
    same = found == wanted
    return "" if same else f"fault: sha256 is {found}, manifest.json says {wanted}: build it again"


if __name__ == "__main__":
    sys.exit(main())
