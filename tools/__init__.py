"""LangChain tools that an AgentFlow planner can pick; knows nothing of graphs or training.

    from tools.catalog.catalog import load
    coder, = load(["python_coder"])
    text = await coder.ainvoke({"code": "4738 * 37"})      # "175306"

Importing this package costs nothing; each tool loads what it needs on its first call. From top to
bottom: `catalog`, the tools in a file each, `web`, `wiki`, `sandbox`, `services`, `base`,
`outcomes`.
"""

import os
import signal
import sys

AGENTFLOW = True
"""Tells this package from any other that is called `tools` and stands earlier on the path."""


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
