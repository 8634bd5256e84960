"""docs/state.md names every key of the state, with its type and the nodes that write it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agentflow_graph import Context, Finished, build_graph, state

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "state.md").read_text(encoding="utf-8")
HEADS = {"State": "# The state", "Turn": "## A turn"}
PARTS = ("ModelCall", "ToolCall", "Proposal", "Verdict")


def table(record: str) -> list[list[str]]:
    """The rows of a record's table, cell by cell."""
    behind = PAGE.split(HEADS.get(record, f"`{record}`"), 1)[1]
    lines = re.search(r"\|---.*\n((?:\|.*\n)+)", behind)
    assert lines, record
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in lines[1].splitlines()]


def declared(record: str) -> dict[str, str]:
    """By key its type as the code writes it, without what only LangGraph reads."""
    tree = ast.parse(Path(state.__file__).read_text(encoding="utf-8"))
    (found,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == record]
    fields = [n for n in found.body if isinstance(n, ast.AnnAssign)]
    return {ast.unparse(one.target): _plain(one.annotation) for one in fields}


def _plain(kind: ast.expr) -> str:
    if isinstance(kind, ast.Subscript) and ast.unparse(kind.value) in ("Annotated", "NotRequired"):
        inner = kind.slice
        return ast.unparse(inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
    return ast.unparse(kind)


@pytest.mark.parametrize("record", ["State", "Turn", *PARTS])
def test_the_page_has_every_key_with_its_type(record: str) -> None:
    told = {row[0].strip("`"): row[1] for row in table(record)}
    assert told == declared(record)
    assert all(row[-1] for row in table(record))


def test_the_page_has_every_key_that_a_caller_finds() -> None:
    listed = PAGE.split("`Finished`", 1)[1].split("## A turn")[0]
    assert re.findall(r"`(\w+)`", listed) == list(Finished.__annotations__)


def writers(record: str) -> dict[str, set[str]]:
    return {row[0].strip("`"): set(re.findall(r"\w+", row[2])) for row in table(record)}


async def written(scripted: Any, plan: Any, look_up: Any) -> tuple[Any, Any]:
    """What each node writes: a run with analysis and approval, and four whose models fail."""
    down, verdict = RuntimeError("down"), '{"complete": true, "reason": "so"}'
    answer, arguments = "<answer>4821</answer>", '{"query": "Old Harbor"}'
    said = {"analysis": "easy", "planner": plan("Old Harbor"), "executor": arguments}
    said |= {"verifier": verdict, "generator": answer}
    keys: dict[str, set[str]] = defaultdict(set)
    of_turn: dict[str, set[str]] = defaultdict(set)
    steps: tuple[Any, ...]
    for failing in (None, "planner", "executor", "verifier", "generator"):
        models = {n: scripted(down if n == failing else reply) for n, reply in said.items()}
        agent = build_graph(models, [look_up])
        agent.checkpointer = InMemorySaver()
        config: Any = {"configurable": {"thread_id": "1"}}
        given: Any = {"question": "What is the population of Old Harbor?"}
        steps = (given, Command(resume="yes"))
        for step in steps:
            if step is not given and not (await agent.aget_state(config)).next:
                continue
            context = Context(approve="" if failing else "all") if step is given else None
            async for update in agent.astream(step, config, context=context, stream_mode="updates"):
                for node, values in update.items():
                    for key, value in (values or {}).items() if node != "__interrupt__" else ():
                        keys[key].add(node)
                        for turn in value if key == "turns" else ():
                            for name in turn:
                                of_turn[name].add(node)
    return keys, of_turn


async def test_the_page_says_who_writes_what(scripted, plan, look_up) -> None:
    keys, of_turn = await written(scripted, plan, look_up)
    begun = {key for key, nodes in keys.items() if "begin" in nodes}
    assert begun | {"messages"} == set(declared("State"))
    assert {key: nodes - {"begin"} for key, nodes in keys.items()} == writers("State")
    told = writers("Turn") | {"index": {"planner", "executor", "approval", "verifier"}}
    assert of_turn == told
