"""The text of a document: what a reader came for, without menus, banners and scripts.

    page = await read_page(document)
    page.title, page.text

HTML goes through trafilatura (Barbaresi 2021), which finds the main text and keeps headings,
lists and tables as Markdown. Where it finds none, as on very short or oddly nested pages, all
visible text is taken. Everything else that may be fetched is text already. All of it happens in a
worker, within `SECONDS`: a page can be written to take hours.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tools.services.encoding import text_codec
from tools.services.faults import RemoteFault
from tools.services.worker import Lost, apart
from tools.web.hits import one_line

if TYPE_CHECKING:
    # The worker needs no client.
    from tools.web.fetch import Document

SECONDS = 10.0
"""Processor time of reading one page."""
LONGEST = 1_000_000
"""Bytes of HTML that are looked at, and characters of text that are kept of a page."""

_HTML = ("text/html", "application/xhtml+xml")
_HIDDEN = ("script", "style", "noscript", "template", "nav", "footer", "title")


@dataclass(frozen=True)
class Page:
    """The readable part of a document; `title` may be empty."""

    url: str
    title: str
    text: str


async def read_page(document: Document) -> Page:
    """The page in `document`.

    Raises:
        RemoteFault: there is no text, or it takes too long to find.
    """
    parts = document.media, document.charset, document.body
    try:
        title, text = await apart(extract, *parts, seconds=SECONDS, prepare=_trafilatura)
    except Lost as fault:
        said = f"{document.url} cannot be read ({fault}): choose another page"
        raise RemoteFault(said, "error") from fault
    if not text:
        raise RemoteFault(
            f"{document.url} holds no text (its content may need a browser): choose another page",
            "error",
        )
    return Page(document.url, title, text)


def extract(media: str, charset: str, body: bytes) -> tuple[str, str]:
    """Title and text of a body; both may be empty. It can take for ever: call `read_page`."""
    title, text = "", ""
    if media in _HTML:
        title, text = _of_html(charset, body)
    else:
        text = decode(charset, body)
    return title, text.strip()[:LONGEST]


def decode(charset: str, body: bytes) -> str:
    """A body as text: in the charset it names, else UTF-8; what does not fit is replaced."""
    return body.decode(text_codec(charset) or "utf-8-sig", "replace")


def _of_html(charset: str, body: bytes) -> tuple[str, str]:
    # Without a charset in the header the page itself may name one, which the parsers look for.
    html: str | bytes = decode(charset, body)[:LONGEST] if charset else body[:LONGEST]
    library = _trafilatura()
    tree = library.load_html(html)
    if tree is None:
        return _visible(html)
    title = one_line(str(tree.findtext(".//title") or ""))
    main = library.extract(
        tree, output_format="markdown", include_comments=False, include_tables=True
    )
    return (title, main) if main else _visible(html)


def _trafilatura() -> Any:
    # It calls every page without a main text an error; whether that is one is decided here.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return import_module("trafilatura")


def _visible(html: str | bytes) -> tuple[str, str]:
    soup = import_module("bs4").BeautifulSoup(html, "lxml")
    title = one_line(soup.title.get_text(" ")) if soup.title else ""
    for element in soup(_HIDDEN):
        element.decompose()
    return title, str(soup.get_text("\n", strip=True))
