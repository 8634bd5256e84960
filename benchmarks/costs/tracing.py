"""What tracing costs: processor time of runs with spans, over the same runs without.

    python -m benchmarks.costs.tracing

The nano planner answers one question again and again, in processes of their own, in turns with and
without AGENTFLOW_OTEL; spans go to a server of this machine, and its time is not counted. Sending
what was gathered is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.record.tracer import SWITCH

_RUNS = """
import asyncio, json, sys, time
from agentflow_graph import graph
from opentelemetry import trace

async def main(runs):
    question = {"question": "What is the population of Old Harbor?"}
    await graph.ainvoke(question)
    begun = time.process_time()
    for _ in range(runs):
        await graph.ainvoke(question)
    provider = trace.get_tracer_provider()
    if hasattr(provider, "force_flush"):
        provider.force_flush()
    print(json.dumps((time.process_time() - begun) / runs))

asyncio.run(main(int(sys.argv[1])))
"""


class _Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def _collector() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _seconds(runs: int, **environment: str) -> float:
    kept = {name: value for name, value in os.environ.items() if name != SWITCH}
    done = subprocess.run(
        [sys.executable, "-c", _RUNS, str(runs)],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(json.loads(done.stdout))


def main() -> None:
    """Print milliseconds of processor time a run, and their ratio."""
    guard_output()
    parser = argparse.ArgumentParser(description="What tracing costs.")
    parser.add_argument("--runs", type=int, default=200, help="of the graph in one process")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    plain, traced = [], []
    with _collector() as url:
        on = {SWITCH: "1", "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        for _ in range(options.rounds):
            plain.append(_seconds(options.runs))
            traced.append(_seconds(options.runs, **on))
    ratio = median(after / before for before, after in zip(plain, traced, strict=True))
    print(f"without spans  {median(plain) * 1000:6.2f} ms of processor time a run")
    print(f"with spans     {median(traced) * 1000:6.2f} ms, {ratio:.2f} times (median of pairs)")


if __name__ == "__main__":
    main()
