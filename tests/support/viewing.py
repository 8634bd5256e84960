"""Folders for the viewer, written by hand, and what it makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from agentflow_graph.record.events import Event, line_of
from agentflow_graph.terminal.viewer.access import new_token
from agentflow_graph.terminal.viewer.answers import Answers
from agentflow_graph.terminal.viewer.index.following import Follower
from agentflow_graph.terminal.viewer.index.store import Index
from agentflow_graph.terminal.viewer.pages.training import settings
from agentflow_graph.terminal.viewer.server import Server

DIGEST = "0123456789abcdef"


def run_events(name: str, question: str = "What is 6 * 7?", **more: Any) -> list[Event]:
    """A run of one turn; `more`: `reply`, `tool`, `arguments`, `result`, `answer`, `logprobs`."""
    told: Event = {"reply": "Tool Name: python_coder", "tool": "python_coder", "result": "42"}
    told |= {"answer": "42", "arguments": {"code": "6 * 7"}, **more}
    ask: Event = {
        "model": "m",
        "sampling": {},
        "messages": [{"role": "human", "content": question}],
    }
    reply: Event = {"text": told["reply"], "finish_reason": "stop", "input_tokens": 9}
    reply |= {"output_tokens": 4, "seconds": 0.5, "reasoning": "6 times 7, so"}
    if "token_ids" in more:
        reply |= {name: more[name] for name in ("token_ids", "logprobs")}
    call = {"tool": told["tool"], "arguments": told["arguments"]}
    found: Event = {"status": "ok", "result": told["result"], "seconds": 0.1}
    turn = {"index": 1, "sub_goal": "compute", "tool": told["tool"], "calls": [{**call, **found}]}
    state: Event = {
        "question": question,
        "answer": told["answer"],
        "stopped_by": "verifier",
        "error": "",
    }
    state |= {"turns": [turn], "seconds": 0.75, "outputs": {"direct": told["answer"]}}
    state |= {"usage": {"planner": {"calls": 1, "input_tokens": 9, "output_tokens": 4}}}
    begun: Event = {"settings": {"max_turns": 3}, "resources": DIGEST, "versions": {}, "time": 5.0}
    planner, tool = ["planner", 1, 0, DIGEST], [told["tool"], 1, 0, DIGEST]
    verdict = {"turn": 1, "complete": True, "reason": "it is there", "seconds": 0.7}
    events: list[Event] = [
        {"event": "begun", "question": question, **begun},
        {"event": "asked", "call": planner, "request": ask},
        {"event": "answered", "call": planner, "answer": reply},
        {"event": "asked", "call": tool, "request": call},
        {"event": "answered", "call": tool, "answer": found},
        {"event": "verdict", **verdict},
        {"event": "ended", "state": state},
    ]
    return [{"event": event["event"], "run": name, **event} for event in events]


def finished(name: str, reward: float | None, failure: str = "", **more: Any) -> Event:
    """What a trainer writes of a run, whose name tells batch, question and number."""
    part, task, number, _ = name.split("/")
    event: Event = {
        "event": "finished",
        "run": name,
        "batch": part,
        "task": task,
        "number": int(number),
    }
    event |= {"level": "one_hop", "golds": ["42"], "scorer": "exact", "reward": reward}
    return {**event, "failure": failure, "fault": "", "grade": None, "seconds": 1, **more}


def trial(item: str, number: int, value: float, scoring: int = 0) -> list[Event]:
    """What a benchmark writes of a trial and its mark."""
    about = {"run": f"quiz/{item}/{number}", "task": "quiz", "item": item, "trial": number}
    mark = {"value": value, "answer": "41", "rule": "exact", "by": "rule", "judge": ""}
    return [
        {"event": "trial", **about, "seconds": 2.0, "cost": 0.25, "error": ""},
        {"event": "scored", **about, "scoring": scoring, "f1": None, "reason": "", **mark},
    ]


def write(folder: Path, events: Sequence[Event], name: str = "a.jsonl", time: float = 1.0) -> Path:
    """A file of a record."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = {"event": "opened", "format": 1, "versions": {}, "time": time}
    path = folder / name
    path.write_bytes(b"".join(map(line_of, [opened, *events])))
    return path


class Seen:
    """A folder as the viewer sees it: `data(...)` is what the page would be told."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root.resolve()
        known = settings(self.root)
        self.index = Index.of(self.root, cache)
        self.follower = Follower(self.index, known["solved_at"])
        self.answers = Answers(self.root, self.index, self.follower, known)
        self.look()

    def look(self) -> None:
        """Read what is new."""
        self.follower.look()

    def data(self, name: str, /, **query: str | int) -> dict[str, Any]:
        """What the page would be told."""
        return self.answers.data(name, {key: str(value) for key, value in query.items()})

    def names(self, **query: str | int) -> list[str]:
        """The runs of a list."""
        return [run["name"] for run in self.data("runs", **query)["runs"]]

    @contextmanager
    def served(self, follows: bool = False) -> Iterator[tuple[str, str]]:
        """Address and token of a server for it, in this process."""
        token = new_token()
        server = Server(0, token, self.answers)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        if follows:
            self.follower.start()
        try:
            yield f"http://127.0.0.1:{server.port}", token
        finally:
            server.shutdown()
            server.server_close()
            self.follower.stop()
            thread.join()
