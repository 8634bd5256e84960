"""Fakes that the tests of the graph share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from devserver import dev_server, write_graphs
from javascript import Missing, installed, run
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from langgraph_sdk import get_sync_client

TOKENS = UsageMetadata(input_tokens=100, output_tokens=10, total_tokens=110)


class Scripted(BaseChatModel):
    """Gives its replies in turn, the last one for ever; an exception is raised, a number slept."""

    replies: Sequence[Any]
    seen: list[list[BaseMessage]] = []
    asked_with: list[dict[str, Any]] = []

    @property
    def _llm_type(self) -> str:
        return "scripted"

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **how: Any
    ) -> ChatResult:
        self.seen.append(messages)
        self.asked_with.append(how)
        reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, float):
            await asyncio.sleep(reply)
            reply = "late"
        message = AIMessage(reply, usage_metadata=TOKENS)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages: list[BaseMessage], *_: Any, **how: Any) -> ChatResult:
        raise AssertionError("the graph is async")


@pytest.fixture
def scripted() -> Callable[..., Scripted]:
    """A model from its replies."""

    def make(*replies: Any) -> Scripted:
        return Scripted(replies=replies, seen=[], asked_with=[])

    return make


def written(context: str, tool: str = "look_up", sub_goal: str = "find the facts") -> str:
    return f"Justification: so\nContext: {context}\nSub-Goal: {sub_goal}\nTool Name: {tool}"


@pytest.fixture
def plan() -> Callable[..., str]:
    """A planner's well-formed reply."""
    return written


@pytest.fixture
def look_up() -> BaseTool:
    """A tool that knows Old Harbor and nothing else."""

    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        return "Old Harbor has population 4821" if query == "Old Harbor" else f"no {query}"

    return look_up


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the LangGraph server that tests share."""
    folder = tmp_path_factory.mktemp("studio")
    write_graphs(folder)
    return folder


@pytest.fixture(scope="session")
def url(home: Path) -> Iterator[str]:
    """The address of that server."""
    with dev_server(home) as url:
        yield url


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[Any]:
    """The Python SDK on that server."""
    with get_sync_client(url=url, api_key=None) as client:
        yield client


@pytest.fixture(scope="session")
def javascript_runs() -> Callable[..., str]:
    """Runs JavaScript with the SDK and gives what it printed; skips where that cannot be had."""
    try:
        folder = installed(Path(__file__).parent / "programs" / "sdk")
    except Missing as why:
        pytest.skip(str(why))
    return lambda program, *arguments: run(folder, program, *arguments)
