"""Training: Flow-GRPO (arXiv 2510.05592) in the live graph; nothing else of ours knows it."""

import os
import signal
import sys

AGENTFLOW = True


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)


_is_command = sys.argv[:1] == ["-m"] and any(
    f"{w}.".startswith(f"{__name__}.") for w in sys.orig_argv
)
if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # A command takes seconds to load; Ctrl-C is to end that without a traceback. The command itself
    # gives the signal back: `tools.outcomes.interrupts`.
    signal.signal(signal.SIGINT, _leave)
