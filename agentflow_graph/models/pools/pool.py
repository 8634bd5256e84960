"""Which of several equal servers a call goes to, and which are set aside. It asks nobody itself.

    pool = Pool(["http://a:8000", "http://b:8000"])
    for attempt in pool.attempts(is_away):
        with attempt as number:                  # a server that fails is set aside, the next tried
            return await clients[number].ask(...)

Calls about one question go to one server, found by hash (rendezvous hashing) or by the question's
place: so its cached prefixes serve them all. A server that has much more to do than the others is
passed by ("Consistent Hashing with Bounded Loads", arXiv 1608.01350). What has no subject goes
where least is under way.
"""

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from types import TracebackType

from agentflow_graph.models.pools.subject import SUBJECT, Subject

SLACK = 1.25
"""A server may have so many times its share of the calls under way, ..."""
SPARE = 8
"""... and always so many calls: a few at once take no longer than one."""
FIRST, LONGEST = 1.0, 60.0
"""Seconds that a server is set aside at first, and at most; each time twice as long."""


@dataclass
class _Server:
    name: str
    under_way: int = 0
    heard: float = 0.0
    """When it last answered."""
    failures: int = 0
    """In a row."""
    until: float = 0.0
    """Set aside until then, where `away`."""
    away: bool = False
    silent: bool = False
    """Nobody was there when it was looked at."""
    looked_at: bool = False


class Pool:
    """The servers of one model, as this process sees them; any thread may use it.

    Args:
        names: of the servers; they differ.
        clock: seconds.
    """

    def __init__(self, names: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.names = tuple(names)
        self._servers = [_Server(name, heard=clock()) for name in names]
        self._clock, self._lock = clock, Lock()

    def attempts(self, is_away: Callable[[Exception], bool]) -> "Iterator[Attempt]":
        """The tries of one call: at each server once, until one of them does not fail.

        Args:
            is_away: whether an error is the server's. Another one, and that of the last server,
                is raised.
        """
        tried: list[int] = []
        while True:
            number = self.choose(SUBJECT.get(), tried)
            tried.append(number)
            yield Attempt(self, number, is_away, last=len(tried) == len(self.names))

    def choose(self, subject: Subject | None, tried: Container[int] = ()) -> int:
        """The number of the server that a call about `subject` goes to.

        Those set aside are asked only where there is no other: the last error then says why.
        """
        with self._lock:
            left = [number for number in range(len(self.names)) if number not in tried]
            there = [number for number in left if not self._servers[number].away] or left
            if subject is None:
                return min(there, key=self._load)
            total = sum(map(self._load, there)) + 1
            most = max(SPARE, SLACK * total / len(there))
            ranked = self._ranked(subject, there)
            free = (number for number in ranked if self._load(number) < most)
            return next(free, ranked[0])

    def _load(self, number: int) -> int:
        return self._servers[number].under_way

    def _ranked(self, subject: Subject, there: Sequence[int]) -> list[int]:
        """`there` in the order in which they are wanted: the same in every process."""
        if subject.place is None:
            return sorted(there, key=lambda number: _hash(self.names[number], subject.question))
        rounds, home = divmod(subject.place, len(self.names))
        others = [number for number in range(len(self.names)) if number != home]
        # The questions of one that is away go to all others in turn, not to its neighbour.
        turn = rounds % max(1, len(others))
        return [number for number in (home, *others[turn:], *others[:turn]) if number in there]

    def begun(self, number: int) -> None:
        """A call is under way."""
        with self._lock:
            server = self._servers[number]
            server.heard = server.heard if server.under_way else self._clock()
            server.under_way += 1

    def ended(self, number: int, answered: bool | None) -> None:
        """A call has ended.

        Args:
            number: of the server.
            answered: whether the server did; None: the call was given up, which says nothing.
        """
        with self._lock:
            server = self._servers[number]
            server.under_way -= 1
            if answered is None:
                return
            if answered:
                server.heard, server.failures = self._clock(), 0
                server.away = server.silent = False
            else:
                self._set_aside(server)

    def _set_aside(self, server: _Server) -> None:
        if not server.away:  # calls that fail together are one failure
            server.until = self._clock() + min(FIRST * 2**server.failures, LONGEST)
            server.failures += 1
            server.away = True

    def away(self, number: int) -> bool:
        """Whether a server is set aside."""
        return self._servers[number].away

    def silent(self, number: int) -> bool:
        """Whether nobody was there when it was last looked at, and it has not answered since."""
        return self._servers[number].silent

    def to_look_at(self, silent: float) -> list[int]:
        """The servers that somebody should look at now; `looked` must be called for each.

        Args:
            silent: seconds without an answer, while calls wait, after which one is looked at.
        """
        now, found = self._clock(), []
        with self._lock:
            for number, server in enumerate(self._servers):
                waits = server.under_way and now - server.heard > silent
                due = now >= server.until if server.away else waits
                if due and not server.looked_at:
                    server.looked_at = True
                    found.append(number)
        return found

    def looked(self, number: int, there: bool | None) -> None:
        """What a look at a server found; None: it was not looked at after all."""
        with self._lock:
            server = self._servers[number]
            server.looked_at = False
            if there is None:
                return
            server.away, server.silent = False, not there
            if there:
                server.heard = self._clock()
            else:
                self._set_aside(server)


def _hash(server: str, question: str) -> bytes:
    return blake2b(f"{server} {question}".encode(), digest_size=8).digest()


class Attempt:
    """One try of a call: a context that yields the server's number.

    It ends the loop's round with an error of the server, unless that was the last one to try, or
    `final` was set: an answer that has begun cannot be begun again elsewhere.
    """

    def __init__(
        self, pool: Pool, number: int, is_away: Callable[[Exception], bool], last: bool
    ) -> None:
        self._pool, self._number, self._is_away = pool, number, is_away
        self.final = last

    def __enter__(self) -> int:
        self._pool.begun(self._number)
        return self._number

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is not None and not isinstance(error, Exception):
            self._pool.ended(self._number, None)
            return False
        away = error is not None and self._is_away(error)
        self._pool.ended(self._number, not away)
        return away and not self.final
