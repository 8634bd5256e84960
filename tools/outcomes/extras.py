"""What an installation lacks, and which of the package's extras brings it."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

OURS = ("agentflow_graph", "agentflow_parts", "benchmarks", "rl", "tools")


def lacking(extra: str, *modules: str) -> str:
    """The first of `modules` that is not installed, with the remedy; empty if all are."""
    for module in modules:
        if not _installed(module):
            return remedy(module, extra)
    return ""


def explained(error: ModuleNotFoundError, extra: str) -> str:
    """What to do about an import that failed.

    Raises:
        ModuleNotFoundError: one of our own modules is missing, which no extra brings.
    """
    module = error.name or ""
    if module.partition(".")[0] in ("", *OURS):
        raise error
    return f"this {remedy(module, extra)}"


def remedy(module: str, extra: str) -> str:
    """What to say of a module that the extra brings."""
    return (
        f"needs {module}, which is not installed: run `make setup`, or "
        f"`pip install 'agentflow-graph[{extra}]'`"
    )


def unfound(path: str, error: Exception) -> str:
    """Why `package.module:name` could not be had, and what to do, for a person at a terminal.

    Args:
        path: as it was given.
        error: what the import raised, or KeyError or AttributeError for the name in the module.
    """
    module, _, name = path.partition(":")
    top = module.partition(".")[0]
    if isinstance(error, KeyError | AttributeError) and module in sys.modules:
        near = get_close_matches(name, vars(sys.modules[module]), n=1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        return f"{module} has no {name!r}{guess}; name package.module:attribute"
    if not (isinstance(error, ModuleNotFoundError) and error.name == top):
        return f"{type(error).__name__}: {error}; write package.module:attribute"
    here = Path.cwd()
    there = (here / f"{top}.py").is_file() or (here / top).is_dir()
    if there and here not in map(Path.resolve, map(Path, sys.path)):
        told = f"{top} lies in the current folder, which this command does not search"
        return f"{told}; put `PYTHONPATH=.` before it"
    told = f"no module {top} is where Python looks"
    return f"{told}; put `PYTHONPATH=FOLDER` before the command, with the folder that holds it"


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False
