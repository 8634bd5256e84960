"""What a process of the cluster logged last before it died, of which its parent says no more.

vLLM starts an engine's core as a child, and of one that failed its parent says "see root cause
above"; above is a file of Ray's, which goes with the session.
"""

from __future__ import annotations

import re
from pathlib import Path

from ray._private import worker

SAID = re.compile(r"\(\w+ pid=\d+\) (?:ERROR [^\]]*\] )?((?:\w+\.)*\w*(?:Error|Exception): .+)")
"""A traceback's last line, as vLLM prints it for a process of its own."""
TAIL = 1 << 20
"""Bytes at the end of a log that are searched."""


def root_cause() -> str:
    """The last exception that a child of one of Ray's workers logged; empty if none did."""
    node = getattr(worker, "_global_node", None)
    logs = Path(node.get_logs_dir_path()).glob("worker-*") if node else ()
    newest = sorted(logs, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest:
        if said := last_said(path.read_bytes()[-TAIL:].decode(errors="replace")):
            return said
    return ""


def last_said(log: str) -> str:
    """The last exception of a child in a log; one that only points to another is passed over."""
    found = [text.strip() for text in SAID.findall(log)]
    return next((text for text in reversed(found) if "root cause" not in text), "")
