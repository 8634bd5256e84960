"""Look at what was recorded: `python -m agentflow_graph view DIR [RUN] [--port N] [--no-browser]`.

DIR is a record, the folder of a training or of a benchmark. The page is served on this machine
alone, until Ctrl-C; nothing is written into DIR.

Exit codes: 0 ended by Ctrl-C, 2 there is no such folder, or it cannot be served.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
import webbrowser
from pathlib import Path
from urllib.parse import quote, urlencode

from agentflow_graph.errors import AgentFlowError, SettingError
from agentflow_graph.errors.outside import guard_output, opened
from agentflow_graph.terminal.verbs import program
from agentflow_graph.terminal.viewer.access import HOST, new_token
from agentflow_graph.terminal.viewer.answers import Answers
from agentflow_graph.terminal.viewer.index.following import Follower
from agentflow_graph.terminal.viewer.index.store import Index
from agentflow_graph.terminal.viewer.pages.reading import row_of
from agentflow_graph.terminal.viewer.pages.training import settings
from agentflow_graph.terminal.viewer.server import Server

PORT = 7576
TOLD = 5.0
"""Seconds between two lines about a first indexing."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    args = _parser().parse_args(arguments)
    try:
        code: int = opened("tools.outcomes.interrupts").ended(lambda: serve(args), told="")
    except AgentFlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} view",
        description="Look at a record, a training or a benchmark in a browser, on this machine.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="of a record or of a run")
    parser.add_argument("run", nargs="?", default="", metavar="RUN", help="open this run")
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="N", help=f"default: {PORT}; 0: any free one"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    return parser


def serve(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C.

    Raises:
        SettingError: the folder, the run, the cache folder or the port cannot be used.
    """
    root = _folder(args.folder)
    known = settings(root)
    index, token = Index.of(root), new_token()
    follower = Follower(index, known["solved_at"])
    server = Server(args.port, token, Answers(root, index, follower, known))
    follower.start()
    try:
        if args.run:
            _await(index, follower, args.run)
        address = _address(server.port, token, args.run)
        print(f"{address}\n(Ctrl-C ends it)", flush=True)
        threading.Thread(target=_tell, args=(follower,), daemon=True).start()
        if not args.no_browser:
            _open(address)
        server.serve_forever()
    except KeyboardInterrupt:
        print("ended", file=sys.stderr)
    finally:
        server.server_close()
        follower.stop()
    return 0


def _address(port: int, token: str, run: str) -> str:
    """The page's address; what stands behind its # is never sent over a wire."""
    place = quote(f"run?{urlencode({'name': run})}", safe="")
    return f"http://{HOST}:{port}/#token={token}" + (f"&to={place}" if run else "")


def _folder(path: Path) -> Path:
    if not path.is_dir():
        what = "is a file" if path.exists() else "is not there"
        raise SettingError(f"{path} {what}; give the folder of a record, a training or a benchmark")
    root = path.resolve()
    if not os.access(root, os.R_OK | os.X_OK):
        raise SettingError(f"{path} cannot be read; ask its owner, or copy it")
    return root


def _await(index: Index, follower: Follower, name: str) -> None:
    """Return once the run is in the index; raises SettingError if it is not in the folder."""
    while True:
        whole = follower.progress.whole or follower.progress.fault
        try:
            with index.reading() as db:
                row_of(db, name)
            return
        except SettingError:
            if whole:
                raise
        time.sleep(0.1)


def _tell(follower: Follower) -> None:
    """Say how far a first indexing is, and how long it took; nothing of one that is soon over."""
    progress, said = follower.progress, False
    time.sleep(TOLD)
    while not progress.whole and not progress.fault:
        said = True
        share = 100 * progress.done / max(1, progress.size)
        print(f"indexing: {share:.0f} % of {progress.size / 1e6:,.0f} MB", flush=True)
        time.sleep(TOLD)
    if said:
        print(progress.fault or f"indexed in {progress.seconds:.0f} s", flush=True)


def _open(address: str) -> None:
    """Open the address in a browser, if there is a screen.

    By a file that only its owner reads: every user of the machine sees a command's arguments.
    """
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    handle, name = tempfile.mkstemp(prefix="agentflow-view-", suffix=".html")
    with os.fdopen(handle, "w") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={address}">')
    webbrowser.open(Path(name).as_uri())
    remove = threading.Timer(30, Path(name).unlink, kwargs={"missing_ok": True})
    remove.daemon = True
    remove.start()
