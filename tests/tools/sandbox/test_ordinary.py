"""Ordinary programs, as people and models write them, run to their end."""

from __future__ import annotations

import pytest

from tools.sandbox.protocol import Limits
from tools.sandbox.warm import WarmSandbox

PROGRAMS = {
    "long number": ("import math", "print(len(str(math.factorial(2000))))", "5736"),
    "long number, read": ("print(int('9' * 5000) % 10)", "9"),
    "asyncio": (
        "import asyncio",
        "async def main():",
        "    await asyncio.sleep(0)",
        "    print('ran')",
        "asyncio.run(main())",
        "ran",
    ),
    "asyncio with a thread": (
        "import asyncio, time",
        "print(asyncio.run(asyncio.to_thread(time.sleep, 0)))",
        "None",
    ),
    "asyncio, many": (
        "import asyncio",
        "async def one(n): return n * n",
        "async def main(): return sum(await asyncio.gather(*map(one, range(5))))",
        "print(asyncio.run(main()))",
        "30",
    ),
    "a thread that nobody joined": (
        "from threading import Timer",
        "Timer(0.2, lambda: print('late')).start()",
        "late",
    ),
    "a pool that nobody closed": (
        "from concurrent.futures import ThreadPoolExecutor",
        "ThreadPoolExecutor().submit(print, 'pool')",
        "pool",
    ),
    "at exit": ("import atexit", "atexit.register(print, 'bye')", "bye"),
    "a thread beside an error": (
        "import threading",
        "threading.Thread(target=print, args=('t',)).start()",
        "1 / 0",
        "t",
    ),
    "temporary file": (
        "import tempfile",
        "with tempfile.TemporaryFile() as file: print(file.write(b'abc'))",
        "3",
    ),
    "temporary folder": (
        "import tempfile, os",
        "with tempfile.TemporaryDirectory() as folder: open(folder + '/a', 'w').close()",
        "print(os.path.exists(folder))",
        "False",
    ),
    "sqlite": (
        "import sqlite3",
        "with sqlite3.connect('data') as c:",
        "    c.execute('create table t (a)')",
        "    c.execute('insert into t values (7)')",
        "print(c.execute('select a from t').fetchone())",
        "(7,)",
    ),
    "copy a file": (
        "import shutil",
        "open('a', 'w').write('x')",
        "shutil.copyfile('a', 'b')",
        "print(open('b').read())",
        "x",
    ),
    "alarm": (
        "import signal, time",
        "signal.signal(signal.SIGALRM, lambda *_: print('rang'))",
        "signal.setitimer(signal.ITIMER_REAL, 0.1)",
        "time.sleep(1)",
        "rang",
    ),
    "much of the library": (
        "import csv, datetime, decimal, fractions, heapq, itertools, json, random, re, secrets",
        "import statistics, string, unicodedata, urllib.parse, uuid, zlib, zoneinfo",
        "print(uuid.uuid4().version, zoneinfo.ZoneInfo('Europe/Berlin').key)",
        "4 Europe/Berlin",
    ),
    "numpy": ("import numpy", "print(numpy.linalg.eigvals(numpy.eye(2)).sum())", "2.0"),
    "numpy files": (
        "import numpy",
        "numpy.save('a.npy', numpy.arange(3))",
        "print(numpy.load('a.npy').sum())",
        "3",
    ),
    "sympy": (
        "from sympy import Symbol, integrate",
        "x = Symbol('x')",
        "print(integrate(x**2, x))",
        "x**3/3",
    ),
    "recursion": (
        "import sys",
        "sys.setrecursionlimit(10_000)",
        "def depth(n): return n and 1 + depth(n - 1)",
        "print(depth(5_000))",
        "5000",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
async def test_ordinary_programs_run(sandbox: WarmSandbox, name: str) -> None:
    *lines, printed = PROGRAMS[name]
    execution = await sandbox.run("\n".join(lines), Limits())
    assert execution.stdout == f"{printed}\n", execution


async def test_a_number_too_long_to_print_in_time_is_stopped(sandbox: WarmSandbox) -> None:
    execution = await sandbox.run("print(10 ** 10 ** 7)", Limits(wall=1.0))
    assert execution.status in ("timeout", "output_limit")


async def test_a_thread_that_never_ends_is_stopped(sandbox: WarmSandbox) -> None:
    code = "import threading as t, time\nprint(1)\nt.Thread(target=time.sleep, args=(60,)).start()"
    execution = await sandbox.run(code, Limits(wall=0.5))
    assert (execution.status, execution.stdout) == ("timeout", "1\n")
