"""Types of command-line arguments: what they take, and what they say of anything else."""

from __future__ import annotations

from argparse import ArgumentTypeError


def positive(text: str) -> int:
    """A whole number from 1; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def numbers(text: str) -> list[int]:
    """Whole numbers from 1, each once, as in `1,2,5`; raises ArgumentTypeError."""
    return list(dict.fromkeys(positive(part.strip()) for part in text.split(",")))
