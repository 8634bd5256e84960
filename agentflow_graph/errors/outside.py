"""The door to the one function that text from outside passes: see `tools/outcomes/outside.py`.

It is opened when first needed. A package called `tools` that is not ours may stand before ours; the
agent says so, and even that message passes here.
"""

import importlib
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO, TypeVar

T = TypeVar("T")


def shown(text: str) -> str:
    """`text` as a person may see it: secrets are `[hidden]`, control characters written out."""
    return str(opened().shown(text))


def hidden_in(value: T) -> T:
    """Plain data without secrets; it keeps its control characters, for programs read it."""
    clean: T = opened().hidden_in(value)
    return clean


def hidden_json(data: bytes) -> bytes:
    """JSON without secrets; it stays JSON."""
    return bytes(opened().hidden_json(data))


def told(arguments: tuple[object, ...]) -> tuple[object, ...]:
    """The arguments of an exception of ours, as shown; what it comes from is made harmless."""
    return tuple(opened().told(arguments))


def holds_credentials(text: str) -> bool:
    """Whether an address in `text` has a user and a password, or a token, before its host."""
    return bool(opened("tools.outcomes.secrets").holds_credentials(text))


def keep_keys(part: Any) -> None:
    """The keys in a model or a tool of a program are secrets from now on."""
    opened().keep_keys(part)


def guard_output() -> None:
    """From here on, what this process writes to standard output and error is shown."""
    opened("tools.outcomes.terminal").guard_output()


def guarded(stream: TextIO) -> TextIO:
    """A stream to a person: what is written to it is shown."""
    found: TextIO = opened("tools.outcomes.terminal").Guarded(stream)
    return found


def unguarded(stream: TextIO) -> TextIO:
    """The stream itself, for a library that draws on it what holds no text from outside."""
    found: TextIO = opened("tools.outcomes.terminal").unguarded(stream)
    return found


@lru_cache
def opened(name: str = "tools.outcomes.outside") -> ModuleType:
    """Our module of that name, in `tools`."""
    import tools

    return importlib.import_module(name) if "AGENTFLOW" in vars(tools) else _beside(name)


def _beside(name: str) -> ModuleType:
    """Our module, while the names of `tools` stay those of the package that came first."""
    others = {each: module for each, module in sys.modules.items() if _is_tools(each)}
    for each in others:
        del sys.modules[each]
    sys.path.insert(0, str(Path(__file__).parents[2]))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)
        for each in [each for each in sys.modules if _is_tools(each)]:
            del sys.modules[each]
        sys.modules.update(others)


def _is_tools(name: str) -> bool:
    return name.partition(".")[0] == "tools"
