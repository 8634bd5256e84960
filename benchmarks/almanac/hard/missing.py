"""What is missing to go on: a page that nobody has looked up yet, or a fact that none tells."""

from __future__ import annotations


class Missing(LookupError):
    """No page is at hand; `query` finds it."""

    def __init__(self, query: str) -> None:
        super().__init__(f"no page for {query!r}: look it up")
        self.query = query


class Untold(LookupError):
    """The page is there and does not tell."""
