"""Files that tools are given, as text; whatever is wrong with one becomes a reason in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Unreadable(ValueError):
    """A file holds no text; the message is the reason alone, for the reader to add its remedy."""


def text_of(path: Path) -> str:
    """The content of a UTF-8 file; raises Unreadable, also for a folder, a pipe or a device."""
    try:
        if path.exists() and not path.is_file():
            raise Unreadable("it is a folder" if path.is_dir() else "it is a pipe or a device")
        return path.read_bytes().decode()
    except UnicodeDecodeError as fault:
        raise Unreadable(f"no UTF-8 text: byte {fault.start}") from None
    except OSError as fault:
        raise Unreadable(fault.strerror or type(fault).__name__) from fault
    except ValueError as fault:  # a name with a NUL in it
        raise fault if isinstance(fault, Unreadable) else Unreadable(str(fault)) from None


def json_of(text: str) -> Any:
    """The value that JSON stands for; raises ValueError, also for one nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
