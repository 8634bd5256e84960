"""A search tool with faults, named to a run as `faulty_search:search`."""

import asyncio
import zlib

from langchain_core.tools import BaseTool
from langchain_core.tools import tool as as_tool

from tools.catalog.catalog import load

_real = load(["wikipedia_search"], top_k=1)[0]


@as_tool
async def wikipedia_search(query: str) -> str:
    """Search the almanac; some names hang for ever, some raise."""
    fault = zlib.crc32(query.encode()) % 6
    if fault == 0:
        await asyncio.sleep(3600)
    if fault == 1:
        raise RuntimeError("injected fault of the tool")
    return str(await _real.ainvoke({"query": query}))


search: BaseTool = wikipedia_search
