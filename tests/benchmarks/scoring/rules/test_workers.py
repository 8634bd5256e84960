"""Workers that hang, die, raise or cannot start."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from benchmarks.scoring.rules.workers import Lost, Workers


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    # A spawned process can import what is in the standard library, but not this file.
    yield Workers(count=2, seconds=1.0, prepare=os.getpid)


def test_a_worker_is_kept(workers: Workers) -> None:
    assert workers.run(os.getpid) == workers.run(os.getpid) != os.getpid()


def test_a_hung_worker_is_replaced(workers: Workers) -> None:
    first = workers.run(os.getpid)
    with pytest.raises(Lost, match="no result within 1 s"):
        workers.run(time.sleep, 600)
    assert workers.run(os.getpid) != first
    with pytest.raises(ProcessLookupError):
        for _ in range(600):
            os.kill(first, 0)
            time.sleep(0.1)


def test_one_that_hangs_does_not_hold_up_the_others(workers: Workers) -> None:
    with ThreadPoolExecutor(4) as pool:
        hung = pool.submit(workers.run, time.sleep, 600)
        done = [pool.submit(workers.run, abs, -n) for n in range(20)]
        assert [each.result() for each in done] == list(range(20))
        assert isinstance(hung.exception(), Lost)


def test_a_job_that_kills_its_worker_is_given_up(workers: Workers) -> None:
    with pytest.raises(Lost, match="two workers died"):
        workers.run(os._exit, 1)
    assert workers.run(abs, -1) == 1


def test_a_worker_killed_from_outside_costs_no_result(workers: Workers) -> None:
    os.kill(workers.run(os.getpid), signal.SIGKILL)
    assert [workers.run(abs, -n) for n in range(3)] == [0, 1, 2]


def test_what_a_job_raises_is_raised(workers: Workers) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        workers.run(int, "x")
    with pytest.raises(MemoryError):  # more than a worker may have
        workers.run(bytes, 2**40)
    assert workers.run(abs, -1) == 1


def test_a_worker_that_cannot_start_is_no_fault_of_the_job() -> None:
    workers = Workers(count=1, seconds=1.0, prepare=partial(open, "/no/such/file"))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a worker process did not start"):
            workers.run(abs, -1)
