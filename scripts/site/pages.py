"""What the site adds to the pages: the order in which a person reads them, and a front door."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

CONTENTS = Path(__file__).parent / "contents.md"


def add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """README.md is the root of the site, and on GitHub has no use for a list of all pages."""
    if page == app.config.root_doc:
        source[0] += f"\n\n{CONTENTS.read_text('utf-8')}"


def front_door(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page called index.html, as servers and people expect, that leads to README.html."""
    yield "index", {"root": f"{app.config.root_doc}.html"}, "index.html.jinja"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", add_contents)
    app.connect("html-collect-pages", front_door)
    return {"parallel_read_safe": True}
