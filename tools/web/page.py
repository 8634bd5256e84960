"""The text of a document: what a reader came for, without menus, banners and scripts.

    page = extract_page(document)
    page.title, page.text

HTML goes through trafilatura (Barbaresi 2021), which finds the main text and keeps headings,
lists and tables as Markdown. Where it finds none, as on very short or oddly nested pages, all
visible text is taken. Everything else that may be fetched is text already.
"""

from __future__ import annotations

import codecs
import logging
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tools.services.faults import RemoteFault
from tools.web.fetch import Document
from tools.web.hits import one_line

LONGEST = 1_000_000
"""Bytes of HTML that are looked at; a megabyte takes a second, at worst five."""

_HTML = ("text/html", "application/xhtml+xml")
_HIDDEN = ("script", "style", "noscript", "template", "nav", "footer", "title")


@dataclass(frozen=True)
class Page:
    """The readable part of a document; `title` may be empty."""

    url: str
    title: str
    text: str


def extract_page(document: Document) -> Page:
    """The page in `document`. Costs CPU time: call it in a thread.

    Raises:
        RemoteFault: there is no text.
    """
    if document.media in _HTML:
        title, text = _of_html(document)
    else:
        title, text = "", decode(document)
    if not text.strip():
        raise RemoteFault(
            f"{document.url} holds no text (its content may need a browser): choose another page",
            "error",
        )
    return Page(document.url, title, text.strip())


def decode(document: Document) -> str:
    """The body as text: in the charset it names, else UTF-8; what does not fit is replaced."""
    try:
        codec = codecs.lookup(document.charset or "utf-8-sig")
    except LookupError:
        codec = codecs.lookup("utf-8-sig")
    # Python also calls rot13 and zlib codecs; those give no text, or more than was sent.
    name = codec.name if codec._is_text_encoding else "utf-8"
    return document.body.decode(name, "replace")


def _of_html(document: Document) -> tuple[str, str]:
    # Without a charset in the header the page itself may name one, which the parsers look for.
    whole: str | bytes = decode(document) if document.charset else document.body
    html = whole[:LONGEST]
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
