"""Answers of mathematics."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from benchmarks.rules.answer import Score, exact


def maths(golds: Sequence[str], reply: str) -> Score:
    """1.0 if the answer is mathematically equal to one of `golds`. Blocks; see `maths_async`."""
    return exact(golds, reply)


async def maths_async(golds: Sequence[str], reply: str) -> Score:
    """`maths` without holding up the event loop."""
    return await asyncio.to_thread(maths, golds, reply)
