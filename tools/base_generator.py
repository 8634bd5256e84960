"""`base_generator`: ask a language model directly, for what needs no other tool.

    BaseGenerator(model=init_chat_model("openai:gpt-4o-mini")).invoke({"query": "Name a prime."})

Concept: the Base Generator of AgentFlow (arXiv 2510.05592, section 4).
"""

from __future__ import annotations

from typing import ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import ArgsSchema
from pydantic import BaseModel, Field

from tools.base import Example, FlowTool
from tools.outcomes.result import ToolResult, error, ok, unavailable

NO_MODEL = (
    "base_generator has no model: set one, by `model` in its settings or BaseGenerator(model=...)"
)


class Query(BaseModel):
    """Arguments of `base_generator`."""

    query: str = Field(description="What the model should answer, with everything it needs to know")


class BaseGenerator(FlowTool):
    """One call of a chat model of its own; without a model it answers `unavailable`.

    Errors of the model become a result of status `error`.
    """

    name: str = "base_generator"
    description: str = (
        "Asks a language model and returns its reply. It knows what models know, reasons step by "
        "step, summarises and rephrases; it cannot look anything up or run code."
    )
    args_schema: ArgsSchema | None = Query
    model: BaseChatModel | None = None

    when_to_use: ClassVar[str] = "common knowledge, reasoning, rewording; when no other tool fits"
    bounds: ClassVar[str] = (
        "may state wrong facts with confidence; give it all the context it needs"
    )
    examples: ClassVar[tuple[Example, ...]] = (
        ('{"query": "What is the plural of \\"index\\"?"}', "indices (or indexes)"),
        (
            '{"query": "Shorten to five words: The harbor was closed for the winter."}',
            "Harbor closed for the winter.",
        ),
    )

    async def answer(self, query: str) -> ToolResult:
        """One call of the model, its text back."""
        if self.model is None:
            return unavailable(NO_MODEL)
        reply = await self.model.ainvoke(query)
        text = reply.text.strip()
        if not text:
            return error("the model gave an empty reply; ask again in other words")
        return ok(text)

    async def missing(self) -> str:
        """Whether it has a model."""
        return NO_MODEL if self.model is None else ""
