"""Names that changed and still work, with a warning. docs/releasing.md has the rule."""

from typing import NamedTuple


class Former(NamedTuple):
    """A name of an option, a setting, a function, a key."""

    name: str
    now: str
    since: str
    """Version that renamed it."""
    gone: str
    """Version that will not know it."""

    def __str__(self) -> str:
        return f"{self.name} is called {self.now} since {self.since} and gone in {self.gone}"


MAX_COST = Former("--max-cost", "--max-money", since="0.2.0", gone="0.4.0")
FORMER = (MAX_COST,)
