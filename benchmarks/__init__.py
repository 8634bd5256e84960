"""Tasks that measure an agent: questions, right answers, scorers and the runner; knows no trainer.

Each folder imports only what stands below it:

    commands   the verbs of `python -m benchmarks`
    costs      what the project's own code costs
    runner     runs, resumes and scores a benchmark
    report     what a finished run shows
    tasks      the benchmarks, one file each
    contamination  whether a question was known before
    items      what a benchmark asks, and the files and the hub it comes from
    scoring    whether an answer is right; the trainer's rewards are the same functions
    worlds     the generated worlds by name, for whoever runs or trains in any of them
    almanac    generated worlds with questions in levels; they need no download
"""

import os
import signal
import sys

AGENTFLOW = True
"""Marks this package as ours: `benchmarks` is a common name, and another one may shadow it."""


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
