"""A Python that lacks what the agent imports: most often the one outside of `.venv`."""

import sys
from collections.abc import Sequence


def tell(error: ModuleNotFoundError, own: Sequence[str], command: bool) -> None:
    """Say what to do about a package that is missing; nothing where it is one of ours.

    Args:
        error: of the import.
        own: our packages, in which a missing module is a fault of ours.
        command: whether a command of ours is run: it ends here, with exit code 2.

    Raises:
        ModuleNotFoundError: with the remedy, for a program that imports us.
    """
    if (error.name or "").partition(".")[0] in ("", "tools", *own):
        return
    told = (
        f"{sys.executable} has no {error.name}: `source .venv/bin/activate` in the tree after "
        "`make setup`, or `pip install` agentflow-graph there"
    )
    if command:
        sys.stderr.write(f"error: {told}\n")
        sys.exit(2)
    raise ModuleNotFoundError(told, name=error.name) from error
