"""Write the almanac's documents and questions as files.

python -m benchmarks.almanac --out DIR [--seed 0] [--train N] [--heldout N]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from agentflow_graph.errors.outside import guard_output
from benchmarks.almanac.jsonl import export


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; `arguments` defaults to the process's own."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.almanac",
        description="Write corpus.jsonl, train.jsonl and heldout.jsonl of a generated world.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=0, help="of the world and the questions")
    parser.add_argument("--train", type=_count, default=2000, help="number of training questions")
    parser.add_argument("--heldout", type=_count, default=500, help="number of held-out questions")
    chosen = parser.parse_args(arguments)
    for path in export(chosen.out, chosen.seed, chosen.train, chosen.heldout):
        print(path)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of questions, use 0 or more")
    return int(text)


if __name__ == "__main__":
    main()
