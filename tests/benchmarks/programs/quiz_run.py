"""A run of the quiz that a test breaks off: `quiz_run.py FOLDER CALLS JUDGED ITEMS [BYTES]`.

Starts, or resumes if there is a run in FOLDER. BYTES is the most that any file may have from then
on, as on a disk that is full. Every twentieth item fails when it is asked for the first time.
"""

import resource
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from quizzes import QUIZ, noting_judge, quiz_agent, quiz_benchmark, quiz_items, quiz_request

from agentflow_graph.errors import SettingError
from benchmarks.commands.outcome import finish
from benchmarks.runner.run import resume, start
from benchmarks.runner.store.folder import Folder
from tools.outcomes.interrupts import end, ended


def away_at_first(number: int, before: int) -> bool:
    return number % 20 == 7 and before == 0


async def counted(work: Coroutine[Any, Any, int]) -> int:
    missing = await work
    print(missing, "missing")
    return missing


def main() -> int:
    path, calls, judged = (Path(word) for word in sys.argv[1:4])
    n, *most = map(int, sys.argv[4:])
    agent = quiz_agent(calls, delay=0.1, fails=away_at_first)
    judge, benchmarks, folder = noting_judge(judged), {QUIZ: quiz_benchmark()}, Folder(path)
    if folder.request_file.exists():
        work = resume(folder, benchmarks, agent, judge)
    else:
        request = quiz_request(n, judge=judge.name)
        work = start(folder, request, quiz_items(n), benchmarks, agent, judge)
    if most:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most[0], most[0]))
    try:
        return finish(folder, counted(work))
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    end(ended(main))
