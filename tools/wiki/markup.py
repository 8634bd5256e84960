"""Plain text out of an article's HTML, as Wikipedia's archives hold it.

strip_markup("<p>A <b>town</b>.</p><script>x</script>")     # "A town."
"""

from __future__ import annotations

from html.parser import HTMLParser

_BLOCKS = frozenset(
    ["address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "h1", "h2"]
    + ["h3", "h4", "h5", "h6", "li", "main", "ol", "p", "pre", "section", "table", "td", "th"]
    + ["tr", "ul"]
)
_DROPPED = frozenset(
    ["head", "nav", "footer", "script", "style", "template", "svg", "math", "noscript"]
)
_DROPPED_CLASSES = frozenset(
    ["reference", "mw-editsection", "navbox", "noprint", "reflist", "metadata", "catlinks"]
)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"]
    + ["track", "wbr"]
)


def strip_markup(html: str) -> str:
    """The text, one block a line, without scripts, navigation and footnote marks."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = ("".join(reader.pieces)).split("\n")
    return "\n".join(line for line in (" ".join(one.split()) for one in lines) if line)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._dropped: list[str] = []
        """Open elements from the outermost dropped one inwards."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        drop = tag in _DROPPED or not _DROPPED_CLASSES.isdisjoint(classes)
        if tag not in _VOID and (self._dropped or drop):
            self._dropped.append(tag)
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._dropped:
            while self._dropped.pop() != tag:
                pass
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            self.pieces.append(data)
