"""A backend that caches: eight rollouts of a question that search alike search once.

backend = CachedBackend(MediaWiki("you@example.org"), "mediawiki en", Cache(folder), hours=24)
"""

from __future__ import annotations

from dataclasses import asdict

from tools.services.cache import Cache
from tools.wiki.passage import CheckedBackend, Passage


class CachedBackend:
    """`backend` behind `cache`; `name` must tell backends apart that answer differently.

    `hours`: how long an answer is used. What fails is not kept.
    """

    def __init__(self, backend: CheckedBackend, name: str, cache: Cache, hours: float) -> None:
        self._backend, self._name, self._cache, self._hours = backend, name, cache, hours

    def missing(self) -> str:
        """What keeps the backend from searching."""
        return self._backend.missing()

    async def search(self, query: str, top_k: int) -> list[Passage]:
        """What the backend found, now or earlier; errors are the backend's."""
        arguments = {"query": query, "top_k": top_k}

        async def ask() -> list[dict[str, str]]:
            return [asdict(passage) for passage in await self._backend.search(query, top_k)]

        found = await self._cache.once(self._name, arguments, ask, ttl=self._hours * 3600)
        return [Passage(**one) for one in found]
