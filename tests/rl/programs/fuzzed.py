"""Malformed planner replies through the compiled graph and the trainer's own record of it.

Run as a program, because an audit hook stays for the life of a process. After a warm-up it hears of
every process, file written, socket, import and compiled text. Prints what it heard.
`python fuzzed.py N SEED` goes on until N replies were refused; some of the broken ones are plans.
"""

from __future__ import annotations

import asyncio
import collections
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool

from agentflow_graph.context import Context
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models.policy import Completion, PolicyModel, PolicyTokenizer, Sampling
from agentflow_graph.models.strings import NANO
from agentflow_graph.record import Record
from rl.reward.task import Task
from rl.rollout import Trajectory, rollout, run_name
from rl.run.record import rows

sys.path.append(str(Path(__file__).parents[2] / "support"))

from mutations import malformed

TASK = Task("t", "What is the population of Old Harbor?", ("4821",))
CONTEXTS = [
    Context(layout=layout, max_turns=4, repairs=repairs, memory_tokens=384)
    for layout in ("terse", "static_first", "paper")
    for repairs in (0, 1)
]
NEVER = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.symlink",
    "os.chmod",
    "socket.connect",
    "socket.bind",
    "ctypes.dlopen",
    "import",
)
usual: set[bytes] = set()
"""What LangChain compiles: annotations, at each call of a tool. Each `exec` of text compiles it."""
called: list[tuple[str, str]] = []
heard: list[str] = []
listening = False


def hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "compile":
        source = arguments[0] if isinstance(arguments[0], bytes) else repr(arguments[0]).encode()
        if not listening:
            usual.add(source)
        elif source not in usual:
            heard.append(f"compile {source!r:.200}")
    written = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if listening and (written or event in NEVER):
        heard.append(f"{event} {arguments!r:.200}")


@tool
async def python_coder(program: str) -> str:
    """Compute."""
    called.append(("python_coder", program))
    return "42"


@tool
async def wikipedia_search(query: str) -> str:
    """Look up."""
    called.append(("wikipedia_search", query))
    raise RuntimeError("nothing found")


@tool
async def base_generator(question: str) -> str:
    """Write."""
    called.append(("base_generator", question))
    return question


class Replies:
    """A policy client that says the next malformed reply."""

    def __init__(self, texts: Iterator[str], tokenizer: PolicyTokenizer) -> None:
        self.texts, self.tokenizer, self.given = texts, tokenizer, 0

    def next(self) -> str:
        self.given += 1
        return next(self.texts)

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        text = self.next().encode(errors="replace").decode()
        ids = [*self.tokenizer.encode(text), self.tokenizer.eos_id]
        return Completion(ids, [-1.0] * len(ids), "stop")


class Speaker(BaseChatModel):
    """A chat model that says the next reply as it is, half characters too; made trainable."""

    replies: Any

    @property
    def _llm_type(self) -> str:
        return "speaker"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError("asked in coroutines only")

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        ids = {"prompt_ids": [1], "token_ids": [2], "logprobs": [-1.0], "policy_version": 0}
        message = AIMessage(self.replies.next(), response_metadata=ids)
        return ChatResult(generations=[ChatGeneration(message=message)])


def check(run: Trajectory, counts: collections.Counter[str]) -> None:
    """Every turn is a typed record; what was called is what the turn says, as text."""
    assert not run.failure, run.failure
    assert run.reward in (0.0, 1.0)
    made = []
    for turn in run.state["turns"]:
        counts["replies"] += len(turn["planner"])
        (call,) = turn["calls"]
        counts["planned" if not turn["error"] else "refused"] += 1
        assert bool(turn["error"]) != bool(turn.get("tool")), turn
        assert call["status"] in ("ok", "error", "timeout", "unavailable")
        if not turn["error"]:
            made.append((turn["tool"], turn["context"]))
    assert called == made, "a tool got something else than the plan's own text"
    called.clear()


async def every(
    agents: list[Agent], replies: Replies, n: int, record: Record
) -> collections.Counter[str]:
    """Runs until `n` replies were refused."""
    counts: collections.Counter[str] = collections.Counter()
    rewards: list[Any] = []
    while counts["replies"] - counts["planned"] < n:
        runs = len(rewards)
        kept = record.begin(run_name("", TASK, runs, 0))
        context = CONTEXTS[runs % len(CONTEXTS)]
        run = await rollout(agents[runs % 7 == 0], TASK, context, deadline=300, run=kept)
        check(run, counts)
        record.write(run.outcome_event("", runs))
        rewards.append(run.reward)
    assert counts["replies"] == replies.given, "a reply left no trace"
    found = rows(record.folder)
    assert [row["reward"] for row in found] == rewards
    calls = [call for row in found for turn in row["state"]["turns"] for call in turn["planner"]]
    assert len(calls) == replies.given, "a reply left no record"
    assert all(isinstance(call["text"], str) and call["token_ids"] for call in calls)
    return counts + collections.Counter(runs=len(rewards))


async def main(n: int, seed: int) -> None:
    global listening
    tokenizer = PolicyTokenizer.load(NANO)
    replies = Replies(malformed(seed + 1), tokenizer)
    planner = PolicyModel(client=replies, tokenizer=tokenizer)
    tools = [python_coder, wikipedia_search, base_generator]
    agents = [build_graph({"planner": one}, tools) for one in (planner, Speaker(replies=replies))]
    sys.addaudithook(hear)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        warm, record = (Record(home / name, shared=home) for name in ("warm", "record"))
        await every(agents, replies, 200, warm)  # imports and caches
        record.write({"event": "note", "run": ""})  # makes its folder and its file
        replies.texts, replies.given, listening = malformed(seed), 0, True
        counts = await every(agents, replies, n, record)
        found = list(heard)
        heard.clear()
        compile("1", "<control>", "eval")
        with tempfile.TemporaryFile("w"):
            pass
        listening = False
    print(json.dumps({**counts, "heard": found, "control": len(heard)}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
