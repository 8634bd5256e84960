"""Our tools out of their settings; each is imported when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from tools.base import FlowTool
from tools.catalog.settings import Settings, SettingsError, ToolSettings
from tools.sandbox.protocol import Sandbox

if TYPE_CHECKING:
    from tools.services.remote import Service

Resolve = Callable[[str], BaseChatModel]
"""Makes the model that a setting names."""

KEYLESS = "tavily-keyless"
OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Maker:
    """Makes tools of ours by name; the fields but `settings` are arguments of `catalog.load`."""

    settings: Settings
    resolve: Resolve
    model: BaseChatModel | None = None
    top_k: int = 3
    corpus: str | Path | None = None
    sandbox: Sandbox | None = None

    def make(self, name: str, own: ToolSettings | None = None) -> FlowTool:
        """The tool called `name`, as its settings say, or as `own` says.

        Raises:
            KeyError: none of ours is.
            ValueError: a setting cannot be used.
        """
        makers = {
            "base_generator": self._base_generator,
            "python_coder": self._python_coder,
            "wikipedia_search": self._wikipedia_search,
            "web_search": self._web_search,
            "google_search": self._google_search,
        }
        own = self.settings.of(name) if own is None else own
        tool = makers[name](own)
        # The sandbox ends a program itself, counting from its start and not from its place in line.
        tool.timeout = 0.0 if name == "python_coder" else own.timeout
        return tool

    def _base_generator(self, own: ToolSettings) -> FlowTool:
        from tools.base_generator import BaseGenerator

        return BaseGenerator(model=self.model or self._own_model(own))

    def _python_coder(self, own: ToolSettings) -> FlowTool:
        from tools.python_coder import PythonCoder
        from tools.sandbox import choose
        from tools.sandbox.protocol import Limits

        sandbox = self.sandbox or choose.get_sandbox(own.backend or "auto")
        usual = Limits()
        wall = own.timeout or usual.wall
        limits = replace(usual, wall=wall, cpu=usual.cpu * wall / usual.wall)
        return PythonCoder(sandbox=sandbox, limits=limits, model=self._own_model(own))

    def _wikipedia_search(self, own: ToolSettings) -> FlowTool:
        from tools.catalog import wiki_backend
        from tools.wiki.corpus import Corpus, default_corpus
        from tools.wikipedia_search import WikipediaSearch

        named = self.corpus
        backend = wiki_backend.make_backend(own) if named is None else default_corpus(named)
        # A service may come back; a file that is not there was misspelt.
        if isinstance(backend, Corpus) and (why := backend.missing()):
            raise SettingsError(f"wikipedia_search: {why}")
        return WikipediaSearch(backend=backend, top_k=self.top_k)

    def _web_search(self, own: ToolSettings) -> FlowTool:
        from tools.services.cache import Cache, default_folder
        from tools.web.fetch import Fetcher
        from tools.web.tavily import Tavily
        from tools.web_search import WebSearch

        if own.backend not in ("", "tavily", KEYLESS):
            raise SettingsError(
                f"web_search has no backend {own.backend!r}; known: tavily, {KEYLESS}"
            )
        folder = own.folder(default_folder())
        kept: dict[str, Any] = {"ttl": own.cache_hours * 3600} if own.cache_hours else {}
        return WebSearch(
            backend=Tavily(
                keyless=own.backend == KEYLESS, url=own.url, service=_service("Tavily", own)
            ),
            fetcher=Fetcher(folder, **kept),
            cache=Cache(folder),
            embeddings=_embeddings(own.embeddings) if own.embeddings else None,
            model=self._own_model(own),
            **kept,
        )

    def _google_search(self, own: ToolSettings) -> FlowTool:
        from tools.google_search import GoogleSearch, engine
        from tools.services.cache import Cache, default_folder
        from tools.web.gemini import Gemini
        from tools.web.serper import Serper

        match own.backend or "gemini":
            case "gemini":
                service = _service("Gemini", own, rate=2.0, seconds=60.0)
                backend: Any = Gemini(model=own.model, url=own.url, service=service)
            case "serper":
                backend = Serper(service=_service("Serper", own))
            case other:
                backend = engine(other)
        kept: dict[str, Any] = {"ttl": own.cache_hours * 3600} if own.cache_hours else {}
        return GoogleSearch(backend=backend, cache=Cache(own.folder(default_folder())), **kept)

    def _own_model(self, own: ToolSettings) -> BaseChatModel | None:
        return self.resolve(own.model) if own.model else None


def _service(name: str, own: ToolSettings, rate: float = 5.0, seconds: float = 20.0) -> Service:
    from tools.services.remote import Service

    return replace(Service(name, rate=rate, seconds=seconds), **own.limits)


def _embeddings(spec: str) -> Embeddings:
    """`MODEL@URL`, with EMBEDDINGS_API_KEY if it is set; without a URL OpenAI's, with its key."""
    from tools.web.embeddings import Endpoint
    from tools.web.keys import key_from

    model, _, url = spec.partition("@")
    if url:
        return Endpoint(model, url, key_from("EMBEDDINGS_API_KEY"))
    return Endpoint(model, OPENAI, key_from("OPENAI_API_KEY"))


def init_chat_model(spec: str) -> BaseChatModel:
    """LangChain's model of that name.

    Raises:
        SettingsError: there is none, or its package or key is missing.
    """
    from langchain.chat_models import init_chat_model as init

    try:
        model: BaseChatModel = init(spec)
    except Exception as fault:  # providers raise classes of their own for a missing key
        raise SettingsError(
            f"model {spec!r} cannot be built ({type(fault).__name__}): write PROVIDER:MODEL, "
            "install its langchain package and set its key"
        ) from fault
    return model
