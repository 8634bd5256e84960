"""The backends of `wikipedia_search` by name, made from its settings.

backend = make_backend(ToolSettings(backend="kiwix", url="http://127.0.0.1:8080"))
"""

from __future__ import annotations

from dataclasses import replace

from tools.catalog.settings import SettingsError, ToolSettings
from tools.services.cache import Cache, default_folder
from tools.wiki import kiwix, mediawiki, retrieval
from tools.wiki.cached_backend import CachedBackend
from tools.wiki.corpus import default_corpus
from tools.wiki.kiwix import Kiwix
from tools.wiki.mediawiki import MediaWiki
from tools.wiki.passage import CheckedBackend
from tools.wiki.retrieval import Retrieval

SERVICES = {"mediawiki": mediawiki.SERVICE, "kiwix": kiwix.SERVICE, "retrieval": retrieval.SERVICE}
BACKENDS = ("corpus", *SERVICES)


def make_backend(settings: ToolSettings) -> CheckedBackend:
    """The backend that the settings name; `corpus` if they name none.

    Answers of `mediawiki` are kept for a day in the user's cache folder unless `cache` says
    otherwise; those of the local servers only if it names a folder.

    Raises:
        SettingsError: no backend has this name.
    """
    name = settings.backend or "corpus"
    if name == "corpus":
        return default_corpus(settings.corpus)
    if name not in BACKENDS:
        raise SettingsError(
            f"wikipedia_search has no backend {name!r}; known: {', '.join(BACKENDS)}"
        )
    folder = settings.folder(default_folder() if name == "mediawiki" else None)
    tag = f"wikipedia {name} {settings.language} {settings.url} {settings.book}"
    return CachedBackend(_remote(name, settings), tag, Cache(folder), settings.cache_hours or 24.0)


def _remote(name: str, settings: ToolSettings) -> CheckedBackend:
    service = replace(SERVICES[name], **settings.limits)
    match name:
        case "mediawiki":
            language = settings.language or "en"
            return MediaWiki(settings.contact, language, settings.url, service=service)
        case "kiwix":
            return Kiwix(settings.url, settings.book, service=service)
        case _:
            return Retrieval(settings.url, service=service)
