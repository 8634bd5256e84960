"""What the viewer costs: `python -m benchmarks.costs.viewer` prints seconds and a line of JSON.

A record of `--runs` runs, as a training leaves them, is written to a folder that is thrown away.

* First indexing, alone and with nobody asking.
* Opening, once indexed: from starting the command to holding the page and its first list.
* A run: the slowest of `--looks` that are spread over the record, asked over HTTP.
* Weight: the page's own files with the first list, and the heaviest of those runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.terminal.viewer.answers import page_files
from agentflow_graph.terminal.viewer.index.following import Follower
from agentflow_graph.terminal.viewer.index.store import Index

STEP, TURNS, TOKENS = 64, 3, 24
"""Runs of a step, turns of a run, tokens of a reply."""
RUNS = 20_000
TARGET_OPEN, TARGET_RUN, TARGET_WEIGHT = 2.0, 0.3, 500_000
LEVELS = ("one_hop", "two_hops", "arithmetic")
Event = dict[str, Any]


def write_runs(folder: Path, runs: int) -> int:
    """Write a training's record; returns its size in bytes."""
    size = 0
    for step in range(-(-runs // STEP)):
        part = f"train-{step + 1:05d}"
        (folder / "record" / part).mkdir(parents=True)
        events = [{"event": "opened", "format": 1, "versions": {}, "time": float(step)}]
        for number in range(min(STEP, runs - step * STEP)):
            events += events_of(f"{part}/q{number // 8}/{number % 8}/0", part, number)
        data = b"".join(map(line, events))
        size += (folder / "record" / part / "a.jsonl").write_bytes(data)
    return size


def line(event: Event) -> bytes:
    """An event as it stands in a record."""
    text = orjson.dumps(event)
    return b"%08x %b\n" % (zlib.crc32(text), text)


def events_of(name: str, part: str, number: int) -> Iterator[Event]:
    """The events of one run."""
    question = f"What is the population of the town where person {number} of {part} lives?"
    about = {"run": name}
    begun = {
        "question": question,
        "settings": {"max_turns": TURNS},
        "resources": "",
        "versions": {},
    }
    yield {"event": "begun", **about, **begun, "time": 1.8e9}
    for turn in range(1, TURNS + 1):
        yield from _turn(about, question, turn)
    yield {"event": "ended", **about, "state": _state(question)}
    yield {
        "event": "finished",
        **about,
        "batch": part,
        "task": name.split("/")[1],
        "number": number % 8,
        "level": LEVELS[number % len(LEVELS)],
        "golds": ["4821"],
        "scorer": "exact",
        "reward": float(number % 3 > 0),
        "failure": "",
        "fault": "",
        "grade": None,
        "seconds": 1.5,
        "attempts": 1,
    }


def _turn(about: Event, question: str, turn: int) -> Iterator[Event]:
    call = ["planner", turn, 0, "0123456789abcdef"]
    messages = [{"role": "human", "content": f"{question}\n" + "What was found so far. " * 20}]
    yield {"event": "asked", **about, "call": call, "request": {"model": "m", "messages": messages}}
    answer = {
        "text": "Context: Old Harbor\nSub-Goal: find the facts\nTool Name: wikipedia_search",
        "finish_reason": "stop",
        "input_tokens": 120,
        "output_tokens": TOKENS,
        "seconds": 0.5,
        "prompt_ids": list(range(1000, 1120)),
        "token_ids": list(range(2000, 2000 + TOKENS)),
        "logprobs": [-0.0123456789 * place for place in range(TOKENS)],
        "policy_version": 3,
    }
    yield {"event": "answered", **about, "call": call, "answer": answer}
    tool = ["wikipedia_search", turn, 0, "0123456789abcdef"]
    request = {"tool": "wikipedia_search", "arguments": {"query": "Old Harbor"}}
    yield {"event": "asked", **about, "call": tool, "request": request}
    found = {"status": "ok", "result": "Old Harbor: a town. " * 20, "seconds": 0.1}
    yield {"event": "answered", **about, "call": tool, "answer": found}
    verdict = {"turn": turn, "complete": turn == TURNS, "reason": "so it is", "stopped_by": ""}
    yield {"event": "verdict", **about, **verdict, "seconds": 0.5 * turn}


def _state(question: str) -> Event:
    call = {"tool": "wikipedia_search", "arguments": {"query": "Old Harbor"}, "status": "ok"}
    turns = [
        {"index": turn, "sub_goal": "find the facts", "tool": "wikipedia_search"}
        | {"calls": [{**call, "result": "Old Harbor: a town. " * 20, "seconds": 0.1}]}
        for turn in range(1, TURNS + 1)
    ]
    usage = {"planner": {"calls": TURNS, "input_tokens": 360, "output_tokens": 72, "seconds": 1.5}}
    about = {"question": question, "answer": "4821", "stopped_by": "verifier", "error": ""}
    return {**about, "turns": turns, "usage": usage, "seconds": 1.5}


def first_indexing(root: Path, cache: Path) -> dict[str, float]:
    """Seconds until a folder that was never seen is indexed, and those of the processor in it."""
    follower, begun = Follower(Index.of(root, cache)), time.process_time()
    follower.look()
    spent = time.process_time() - begun
    follower.stop()
    return {"first_seconds": follower.progress.seconds, "first_cpu_seconds": spent}


class Viewer:
    """The command, and what is asked of it."""

    def __init__(self, root: Path, cache: Path) -> None:
        command = [sys.executable, "-m", "agentflow_graph", "view", str(root), "--port", "0"]
        own = {**os.environ, "AGENTFLOW_CACHE": str(cache)}
        self._process = subprocess.Popen(
            [*command, "--no-browser"], env=own, stdout=subprocess.PIPE, text=True
        )
        told = self._process.stdout.readline() if self._process.stdout else ""
        found = re.match(r"(http://[^/]+)/#token=(\S+)", told)
        if not found:
            raise RuntimeError(f"the viewer printed {told!r}")
        self._address, self._token = found.groups()

    def ask(self, path: str, **query: str | int) -> tuple[Any, int, float]:
        """What it answers, its bytes and the seconds it took."""
        request = urllib.request.Request(
            f"{self._address}/data/{path}?{urlencode(query)}",
            headers={"Authorization": f"Bearer {self._token}"},
        )
        begun = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        return json.loads(body), len(body), time.perf_counter() - begun

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate()


def measure(runs: int, looks: int) -> dict[str, float]:
    """Everything."""
    with tempfile.TemporaryDirectory() as scratch:
        root, cache = Path(scratch, "run").resolve(), Path(scratch, "cache")
        size = write_runs(root, runs)
        print(f"{runs:,} runs written, {size / 1e6:,.0f} MB", flush=True)
        found = {"runs": runs, "bytes": size, **first_indexing(root, cache)}
        found["index_bytes"] = sum(path.stat().st_size for path in cache.rglob("*.sqlite"))
        begun = time.perf_counter()
        viewer = Viewer(root, cache)
        try:
            about = viewer.ask("about")[1]
            listed, rows, _ = viewer.ask("runs")
            found["open_seconds"] = time.perf_counter() - begun
            if listed["count"] != runs:
                raise RuntimeError(f"{listed['count']} of {runs} runs are listed")
            found |= _looks(viewer, runs, looks)
        finally:
            viewer.stop()
        own = sum(len(body) for path, (_, body) in page_files().items() if path != "/")
        return found | {"weight": float(own + about + rows)}


def _looks(viewer: Viewer, runs: int, looks: int) -> dict[str, float]:
    slowest = heaviest = filtered = 0.0
    for look in range(looks):
        step, number = divmod(look * max(1, runs // looks), STEP)
        name = f"train-{step + 1:05d}/q{number // 8}/{number % 8}/0"
        _, size, seconds = viewer.ask("run", name=name)
        slowest, heaviest = max(slowest, seconds), max(heaviest, float(size))
    for query in ({"text": "person 63 of"}, {"status": "wrong", "order": "slow"}, {"page": 900}):
        filtered = max(filtered, viewer.ask("runs", **query)[2])
    steps = viewer.ask("batches")[2]
    told = {"run_seconds": slowest, "run_bytes": heaviest}
    return {**told, "filter_seconds": filtered, "steps_seconds": steps}


def main() -> None:
    """Measure and print."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs.viewer")
    parser.add_argument("--runs", type=int, default=RUNS, help="of the record")
    parser.add_argument("--looks", type=int, default=50, help="runs that are looked at")
    args = parser.parse_args()
    found = measure(args.runs, args.looks)
    indexed = found["index_bytes"] / 1e6
    spent = found["first_cpu_seconds"]
    print(f"first indexing  {found['first_seconds']:.1f} s, {spent:.1f} s of it CPU")
    print(f"index           {indexed:.0f} MB")
    print(f"opening         {found['open_seconds']:.2f} s, at most {TARGET_OPEN}")
    print(f"slowest run     {found['run_seconds']:.3f} s, at most {TARGET_RUN}")
    print(f"slowest filter  {found['filter_seconds']:.3f} s   steps {found['steps_seconds']:.3f} s")
    print(f"page weight     {found['weight'] / 1000:.0f} kB, at most {TARGET_WEIGHT / 1000:.0f} kB")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
