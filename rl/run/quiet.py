"""Third parties' output goes to a file, ours to the terminal.

Ray, DeepSpeed, vLLM, OpenRLHF and their children write to file descriptors 1 and 2 in every way
there is; so the descriptors themselves are pointed at the run's `log.txt`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from agentflow_graph.errors.outside import guarded


@contextmanager
def noise_to(path: Path) -> Iterator[TextIO]:
    """Point stdout and stderr at `path`; yields the terminal to those who still want it."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    terminal, errors = os.dup(1), os.dup(2)
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        with os.fdopen(os.dup(terminal), "w", buffering=1) as screen:
            yield guarded(screen)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(terminal, 1)
        os.dup2(errors, 2)
        for descriptor in (log, terminal, errors):
            os.close(descriptor)


def without_gpu() -> None:
    """Tell DeepSpeed that it works on CPU; it would guess so, and say it on the terminal."""
    os.environ.setdefault("DS_ACCELERATOR", "cpu")
