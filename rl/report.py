"""Write a training run's report again: `python -m rl report RUN`.

Exit codes: 0 done, 1 it cannot be written, 2 the folder has no metrics.jsonl or a damaged file, 130
interrupted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agentflow_graph.errors.outside import guard_output
from rl.run.report import write_report
from rl.settings.errors import exit_code


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser("python -m rl report", description="Write report.html again.")
    parser.add_argument("run", type=Path, help="folder of the run")
    run: Path = parser.parse_args(arguments).run
    return exit_code(lambda: print(write_report(run)), interrupted="the former page stands")


if __name__ == "__main__":
    sys.exit(main())
