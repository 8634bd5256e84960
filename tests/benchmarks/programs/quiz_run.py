"""A run of the quiz that a test kills: `python quiz_run.py FOLDER CALLS JUDGED ITEMS`.

Starts, or resumes if there is a run in FOLDER. Prints `begun` once items are under way.
"""

import asyncio
import sys
from pathlib import Path

from quizzes import QUIZ, NotingJudge, quiz_agent, quiz_benchmark, quiz_items, quiz_request

from benchmarks.folder import Folder
from benchmarks.run import resume, start


def away_at_first(number: int, before: int) -> bool:
    return number % 20 == 7 and before == 0


def main() -> None:
    folder, calls, judged = (Path(word) for word in sys.argv[1:4])
    n = int(sys.argv[4])
    agent = quiz_agent(calls, delay=0.1, fails=away_at_first)
    judge, benchmarks = NotingJudge(judged), {QUIZ: quiz_benchmark()}
    if Folder(folder).request_file.exists():
        work = resume(Folder(folder), benchmarks, agent, judge)
    else:
        request = quiz_request(n, judge=judge.name)
        work = start(Folder(folder), request, quiz_items(n), benchmarks, agent, judge)
    print(asyncio.run(work), "missing")


if __name__ == "__main__":
    main()
