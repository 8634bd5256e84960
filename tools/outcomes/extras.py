"""What an installation lacks, and which of the package's extras brings it."""

from __future__ import annotations

from importlib.util import find_spec

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


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False
