"""Run by `misbehaving.py`: reads one address after the other, and prints what each took.

python readers.py READER URL CASE...
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from agentflow_graph.models.clients.served import models_at
from agentflow_graph.models.strings import NANO, chat_model
from rl.questions.hub import text_of
from tools.catalog.mcp_servers import Server
from tools.catalog.mcp_tools import list_tools
from tools.services.faults import RemoteFault
from tools.services.remote import Service
from tools.web.embeddings import Endpoint
from tools.web.fetch import Fetcher
from tools.web.gemini import Gemini
from tools.web.page import read_page
from tools.web.serper import Serper
from tools.web.tavily import Tavily
from tools.wiki.kiwix import Kiwix
from tools.wiki.mediawiki import MediaWiki
from tools.wiki.retrieval import Retrieval

QUICK = Service("Example", rate=1000.0, attempts=1, seconds=3.0)
KEY = SecretStr("planted-0123456789")
HERE = ["127.0.0.1"]


async def page(url: str) -> Any:
    return await Fetcher(service=QUICK, allowed_hosts=HERE).fetch(url)


async def kept_page(url: str) -> Any:
    """The second time from the cache, if anything was kept."""
    with TemporaryDirectory() as folder:
        fetcher = Fetcher(Path(folder), service=QUICK, allowed_hosts=HERE)
        try:
            await fetcher.fetch(url)
        except RemoteFault:
            return await fetcher.fetch(url)
        return await read_page(await fetcher.fetch(url))


def hub_file(url: str) -> str | None:
    from huggingface_hub import constants

    constants.ENDPOINT = url
    return text_of("owner/name", "config.json")


async def model_at(spec: str) -> Any:
    return (await chat_model(spec, 0.0, 16).ainvoke("x")).text


READERS: dict[str, Callable[[str], Awaitable[Any]]] = {
    "page": page,
    "kept-page": kept_page,
    "tavily": lambda url: Tavily(KEY, url=url, service=QUICK).search("x", 3),
    "serper": lambda url: Serper(KEY, url=url, service=QUICK).search("x", 3),
    "gemini": lambda url: Gemini(KEY, url=url, service=QUICK).search("x", 3),
    "mediawiki": lambda url: MediaWiki("a@b.example", url=url, service=QUICK).search("x", 3),
    "kiwix": lambda url: Kiwix(url, "book", service=QUICK).search("museum", 3),
    "retrieval": lambda url: Retrieval(f"{url}/retrieve", service=QUICK).search("x", 3),
    "mcp": lambda url: list_tools(Server(name="maps", url=f"{url}/mcp")),
    "models": lambda url: asyncio.to_thread(models_at, url),
    "openai": lambda url: model_at(f"vllm:m@{url}?retries=0"),
    "policy": lambda url: model_at(f"policy:{NANO}@{url}?retries=0"),
    "hub": lambda url: asyncio.to_thread(hub_file, url),
    "embeddings": lambda url: Endpoint("m", url).aembed_query("x"),
}


def peak() -> float:
    """Mebibytes this process has needed; getrusage would say those of whoever started it."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


class Ticks:
    """Measures how long the loop lets nobody else run, in processor time of its thread."""

    def __init__(self) -> None:
        self.held, self._last = 0.0, time.thread_time()

    async def run(self) -> None:
        while True:
            now = time.thread_time()
            self.held, self._last = max(self.held, now - self._last), now
            await asyncio.sleep(0)


async def seen(read: Callable[[str], Awaitable[Any]], url: str) -> dict[str, Any]:
    before, started, ticks = peak(), time.perf_counter(), Ticks()
    task = asyncio.create_task(ticks.run())
    try:
        said = f"ok: {await read(url)}"[:200]
    except Exception as fault:
        said = f"{type(fault).__name__}: {fault}"
    await asyncio.sleep(0)
    task.cancel()
    seconds = time.perf_counter() - started
    return {
        "said": said,
        "mebibytes": peak() - before,
        "held": ticks.held,
        "seconds": seconds,
    }


async def main(reader: str, url: str, cases: list[str]) -> None:
    read = READERS[reader]
    # Imports, and the first look-up of certificates, belong to no case.
    await seen(read, f"{url}/honest")
    print(json.dumps({case: await seen(read, f"{url}/{case}") for case in cases}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
