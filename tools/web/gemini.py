"""Google Search through Gemini, which searches, reads, answers and cites (library google-genai).

    answer = await Gemini().search("harbor museum opening hours", top_k=5)
    answer.text, answer.sources         # "It opens at nine.[1]", [Hit(...)]

This is what AgentFlow's Google Search does ("Grounding with Google Search", ai.google.dev). The
addresses of sources are redirects of Google's; they are shown as they are. web_search can read the
page, because its client follows redirects safely.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from importlib import import_module
from typing import Any

from pydantic import SecretStr

from tools.outcomes.extras import lacking
from tools.outcomes.threads import in_thread
from tools.services.faults import RemoteFault
from tools.services.remote import Service
from tools.web.citations import Support, cite
from tools.web.hits import Hit, SearchResult
from tools.web.keys import key_from

MODEL = "gemini-2.5-flash"
VERSION = "v1beta"
"""Where Google documents grounding; the library's default, and an environment variable, vary."""
VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
REMEDY = "set GEMINI_API_KEY to a key from aistudio.google.com"


class Gemini:
    """Grounded answers of a Gemini model.

    Args:
        key: None for GEMINI_API_KEY, else GOOGLE_API_KEY.
        model: a model that can search.
        url: another address of the service.
        service: rate, attempts and seconds.
    """

    name = "gemini"

    def __init__(
        self,
        key: SecretStr | None = None,
        *,
        model: str = "",
        url: str = "",
        service: Service | None = None,
    ) -> None:
        """Nothing is sent yet."""
        self._key = key or key_from(*VARIABLES)
        self._model, self._url = model or MODEL, url
        given = service or Service("Gemini", rate=2.0, seconds=60.0)
        self._service = replace(given, key=self._key, remedy=REMEDY)

    @property
    def model(self) -> str:
        """The model asked; part of what a kept answer depends on."""
        return self._model

    @property
    def charged(self) -> str:
        """Who is paid for a search: a price by the call goes by the model."""
        return self._model

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing."""
        if gap := lacking("google", "google.genai"):
            return f"it {gap}"
        return "" if self._key is not None else f"Gemini has no key: {REMEDY}"

    async def search(self, query: str, top_k: int) -> SearchResult:
        """The model's answer with its citations; `top_k` is of no use to it.

        Raises:
            RemoteFault: Gemini gave no answer, even after retries.
        """
        genai = await in_thread(import_module, "google.genai")
        async with self._service.client() as connection:
            reply = await self._service.call(lambda: self._asked(genai, connection, query))
        if not reply.candidates:
            block = reply.prompt_feedback and reply.prompt_feedback.block_reason
            why = f" ({block.value})" if block else ""
            raise RemoteFault(f"Gemini refuses to answer{why}: ask in other words", "error")
        return read_candidate(reply.candidates[0])

    async def _asked(self, genai: Any, connection: Any, query: str) -> Any:
        types = genai.types
        options = types.HttpOptions(
            base_url=self._url or None,
            api_version=VERSION,
            httpx_async_client=connection,
            timeout=int(1000 * self._service.seconds),
        )
        key = "" if self._key is None else self._key.get_secret_value()
        client = genai.Client(api_key=key, vertexai=False, http_options=options)
        search = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
        try:
            return await client.aio.models.generate_content(
                model=self._model, contents=query, config=search
            )
        except (ValueError, AttributeError, TypeError) as fault:
            # No JSON, or JSON of another shape.
            raise self._service.garbage("something that is no reply of a model") from fault
        finally:
            client.close()


def read_candidate(candidate: Any) -> SearchResult:
    """Text and sources of a candidate; the model's thoughts are left out."""
    parts = (candidate.content and candidate.content.parts) or []
    metadata = candidate.grounding_metadata
    chunks = (metadata and metadata.grounding_chunks) or []
    webs = [chunk.web if chunk else None for chunk in chunks]
    # Sources without an address cannot be shown: the others are numbered again.
    numbers = {old: new for new, old in enumerate(n for n, web in enumerate(webs) if web)}
    supports = _supports((metadata and metadata.grounding_supports) or [], numbers)
    texts = [
        cite(part.text, supports[index])
        for index, part in enumerate(parts)
        if part.text and not part.thought
    ]
    sources = [Hit(web.title or web.domain or "", web.uri or "") for web in webs if web]
    return SearchResult("".join(texts).strip(), sources)


def _supports(given: list[Any], numbers: dict[int, int]) -> dict[int, list[Support]]:
    placed: dict[int, list[Support]] = defaultdict(list)
    for support in given:
        segment = support.segment
        if segment is None or segment.end_index is None:
            continue
        sources = [numbers[n] for n in support.grounding_chunk_indices or [] if n in numbers]
        placed[segment.part_index or 0].append((segment.end_index, sources))
    return placed
