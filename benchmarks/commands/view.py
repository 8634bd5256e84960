"""`view`: inspect's viewer on the logs of a run, for this machine alone."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.commands.options import SCORING, at_least_zero, port

HOST = "127.0.0.1"
"""The viewer has no password: nobody else's machine may reach it."""


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("view", help="look at a run in inspect's viewer")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument("--port", type=port, default=7575, metavar="N", help="default: 7575")
    parser.add_argument("--scoring", type=at_least_zero, metavar="N", help=SCORING)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from benchmarks.runner.preflight.checks import needs_inspect
    from benchmarks.runner.retelling import retell, told_in
    from benchmarks.runner.store.folder import Folder
    from benchmarks.runner.store.session import scoring_of

    needs_inspect()
    folder = Folder(args.run)
    number, _ = scoring_of(folder.path, args.scoring)
    if told_in(folder) != number:
        asyncio.run(retell(folder, number))
    print(f"http://{HOST}:{args.port}   (Ctrl-C ends it)", flush=True)
    words = ["view", "start", "--log-dir", str(folder.logs)]
    where = ["--host", HOST, "--port", str(args.port)]
    own = {**os.environ, "XDG_DATA_HOME": str(folder.state.absolute())}
    # It replaces this process, so that ending one ends the other.
    os.execve(sys.executable, [sys.executable, "-m", "inspect_ai", *words, *where], own)
