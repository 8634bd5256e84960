"""Write a training run's report again: `python -m rl.report RUN`.

Exit codes: 0 done, 2 the folder has no metrics.jsonl.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output
from rl.run.report import write_report


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser("python -m rl.report", description="Write report.html again.")
    parser.add_argument("run", type=Path, help="folder of the run")
    try:
        print(write_report(parser.parse_args(arguments).run))
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
