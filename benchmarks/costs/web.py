"""What the caches of the web tools save: `python -m benchmarks.costs.web` prints a table and JSON.

A server on this machine answers every request after 50 ms, as a near service would. For a search
(Tavily's client, the keyed table) and for reading a page of 4,000 words (the HTTP cache, then
extraction and BM25): milliseconds of a first call, of the same call again, their ratio, and the
requests that eight equal calls at once made.

Wall time is `time.perf_counter`; the median of some rounds counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from agentflow_graph.errors.outside import guard_output
from tools.services.cache import Cache
from tools.services.remote import Service
from tools.web.fetch import Fetcher
from tools.web.tavily import Tavily
from tools.web_search import WebSearch

DELAY = 0.05
AT_ONCE = 8
TARGET_SEARCH, TARGET_PAGE = 0.2, 0.5
FOUND = {"results": [{"title": "Museum", "url": "https://example.org/", "content": "Open daily."}]}
WORDS = " ".join(f"Sentence {number} is about ships and their sails." for number in range(500))
PAGE = (
    f"<html><title>Museum</title><article><p>{WORDS}</p><p>It opens at nine.</p></article></html>"
)


class Near(BaseHTTPRequestHandler):
    """Answers searches and pages after `DELAY` seconds, and counts them."""

    requests = 0

    def do_GET(self) -> None:
        """A page."""
        self._answer("text/html", PAGE.encode())

    def do_POST(self) -> None:
        """A search."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer("application/json", json.dumps(FOUND).encode())

    def _answer(self, media: str, body: bytes) -> None:
        Near.requests += 1
        time.sleep(DELAY)
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the table is the output."""


@contextmanager
def serving() -> Iterator[str]:
    """Address of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Near)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def tool(url: str, folder: Path) -> WebSearch:
    """A web_search of its own, as every rollout has one, over a shared cache."""
    return WebSearch(
        backend=Tavily(SecretStr("no key"), url=url, service=Service("Tavily", rate=1000.0)),
        fetcher=Fetcher(folder, service=Service("", rate=1000.0), allowed_hosts=["127.0.0.1"]),
        cache=Cache(folder),
    )


async def time_call(one: WebSearch, arguments: dict[str, str]) -> float:
    """Milliseconds of one call, which must succeed."""
    begun = time.perf_counter()
    _, result = await one._arun(**arguments)
    if result["status"] != "ok":
        raise RuntimeError(f"{arguments} gave {result}")
    return 1000 * (time.perf_counter() - begun)


async def compare(url: str, folder: Path, rounds: int, page: bool) -> dict[str, float]:
    """Median milliseconds of a miss and of a hit, and requests of eight calls at once."""
    misses, hits = [], []
    for number in range(rounds):
        one = tool(url, folder)
        arguments = {"query": f"museum {number}"} | ({"url": f"{url}/{number}"} if page else {})
        misses.append(await time_call(one, arguments))
        hits.append(await time_call(one, arguments))
    before = Near.requests
    arguments = {"query": "at once"} | ({"url": f"{url}/once"} if page else {})
    await asyncio.gather(*(time_call(tool(url, folder), arguments) for _ in range(AT_ONCE)))
    miss, hit = statistics.median(misses), statistics.median(hits)
    requests = float(Near.requests - before)
    return {"miss_ms": miss, "hit_ms": hit, "hit_over_miss": hit / miss, "requests_of_8": requests}


async def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Figures of searching and of reading."""
    with serving() as url, TemporaryDirectory() as folder:
        # Imports, and the first connection of each client, belong to no round.
        for page in (False, True):
            await compare(url, Path(folder) / "warm", 1, page)
        search = await compare(url, Path(folder) / "search", rounds, page=False)
        return {
            "search": search,
            "page": await compare(url, Path(folder) / "p", rounds, page=True),
        }


def main() -> None:
    """Measure and print."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs.web")
    parser.add_argument("--rounds", type=int, default=15)
    found = asyncio.run(measure(parser.parse_args().rounds))
    for name, target in (("search", TARGET_SEARCH), ("page", TARGET_PAGE)):
        one = found[name]
        print(
            f"{name:6}  miss {one['miss_ms']:6.1f} ms   hit {one['hit_ms']:6.1f} ms   "
            f"ratio {one['hit_over_miss']:.3f} (at most {target})   "
            f"requests of {AT_ONCE} at once: {one['requests_of_8']:.0f}"
        )
    rounded = {
        name: {key: round(value, 4) for key, value in one.items()} for name, one in found.items()
    }
    print(json.dumps(rounded))


if __name__ == "__main__":
    main()
