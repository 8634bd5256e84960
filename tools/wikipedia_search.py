"""`wikipedia_search`: look up people, places and things in an encyclopedia.

    text = await WikipediaSearch(backend=Corpus("articles.jsonl")).ainvoke({"query": "Mira Voss"})
    text = await WikipediaSearch(backend=MediaWiki(contact="you@example.org")).ainvoke(...)

One passage reads `Title: text`; several are numbered lines, `[1] Title: text (url)`.
Concept: the Wikipedia Search of AgentFlow (arXiv 2510.05592, section 4).
"""

from __future__ import annotations

from typing import Any, ClassVar

from langchain_core.tools import ArgsSchema
from pydantic import BaseModel, Field

from tools.base import Example, FlowTool, failed_calls
from tools.outcomes.result import ToolResult, error, ok, unavailable
from tools.services.faults import RemoteFault
from tools.wiki.corpus import default_corpus
from tools.wiki.passage import Backend, BackendError, CheckedBackend, Passage

NO_MATCH = "no article matches"
"""How a search that worked and found nothing begins."""


class Search(BaseModel):
    """Arguments of `wikipedia_search`."""

    query: str = Field(description="The name or title to look up, or a few telling words")


class WikipediaSearch(FlowTool):
    """Gives the `top_k` best passages of `backend` (default: a corpus on disk)."""

    name: str = "wikipedia_search"
    description: str = (
        "Looks up an encyclopedia and returns the passages that match best, each with its title."
    )
    args_schema: ArgsSchema | None = Search
    # `Any`: pydantic can check no Protocol.
    backend: Any = Field(default_factory=default_corpus, exclude=True)
    top_k: int = Field(default=3, ge=1, le=20)

    when_to_use: ClassVar[str] = "facts about people, places and things; look up one name at a time"
    bounds: ClassVar[str] = (
        "matches words, not meaning: it answers no question and computes nothing"
    )
    examples: ClassVar[tuple[Example, ...]] = (
        ('{"query": "Mira Voss"}', "Mira Voss: a painter from the town of Old Harbor."),
        (
            '{"query": "Old Harbor"}',
            "Old Harbor: a town with mayor Luis Osman and population 4821.",
        ),
    )

    async def answer(self, query: str) -> ToolResult:
        """Search, and put the passages into lines."""
        backend: Backend = self.backend
        try:
            passages = await backend.search(query, self.top_k)
        except BackendError as fault:
            return unavailable(f"wikipedia_search cannot search: {fault}")
        except RemoteFault as fault:
            return fault.result()
        failed = failed_calls()
        if passages and failed is not None and passages[0].fails > failed:
            return error("the search broke off before it was done; make it again")
        if not passages:
            return error(f"{NO_MATCH} '{query}'; search for a name or a title")
        return ok(format_passages(passages))

    async def missing(self) -> str:
        """What keeps the backend from searching, if it can tell, with the remedy."""
        return self.backend.missing() if isinstance(self.backend, CheckedBackend) else ""


def format_passages(passages: list[Passage]) -> str:
    """Passages as the planner reads them."""
    if len(passages) == 1:
        return f"{passages[0].title}: {passages[0].text}"
    return "\n".join(_line(number, passage) for number, passage in enumerate(passages, 1))


def _line(number: int, passage: Passage) -> str:
    source = f" ({passage.url})" if passage.url else ""
    return f"[{number}] {passage.title}: {passage.text}{source}"
