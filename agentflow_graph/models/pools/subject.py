"""What the calls made now are about: those about one question go to one server of a pool.

    with asking_about("What is 6*7?"):
        await model.ainvoke(messages)

Prompts of one question begin alike, so the server that answered one has the beginning of the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """A question, as routing knows it."""

    question: str
    place: int | None = None
    """Among the questions that are asked side by side, if whoever asks knows. Processes that do not
    see each other's calls then spread them evenly all the same."""


SUBJECT: ContextVar[Subject | None] = ContextVar("SUBJECT", default=None)


@contextmanager
def asking_about(question: str, place: int | None = None) -> Iterator[None]:
    """Calls inside are about `question`; what was said outside already stands."""
    if SUBJECT.get():
        yield
        return
    token = SUBJECT.set(Subject(question, place))
    try:
        yield
    finally:
        SUBJECT.reset(token)
