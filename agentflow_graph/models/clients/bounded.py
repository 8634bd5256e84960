"""A bound on what a server of models may send; without one, a small body can fill the memory.

client = httpx.AsyncClient(**bounded("the server"))
"""

from typing import Any

import httpx

from agentflow_graph.errors.outside import opened

LARGEST = 20_000_000
"""Bytes of one answer, or of one stream of pieces, as it travels and decompressed."""


def bounded(name: str) -> dict[str, Any]:
    """Arguments of an asynchronous client whose answers end after `LARGEST` bytes.

    The client is httpx's or, as OpenAI's is by now, its successor's. It raises a `RemoteFault` that
    calls the server `name`.
    """
    bounds = opened("tools.services.bounds")
    bound = bounds.Bound(LARGEST, name)

    async def apply(response: Any) -> None:
        if isinstance(response, httpx.Response):
            bound.apply(response)
        else:
            opened("tools.services.successor").apply(bound, response)

    return {
        "headers": {"Accept-Encoding": bounds.ACCEPTED},
        "event_hooks": {"response": [apply]},
    }
