"""The text of each token that a planner sampled, by the tokenizer that lies in the record."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.models.tokens.tokenizer import tokenizer_of
from agentflow_graph.record.reading import RecordedRun
from agentflow_graph.terminal.viewer.index.fields import text

LARGEST = 64 * 2**20
"""Bytes of a tokenizer's file that is still read."""
_DIGEST = re.compile(r"[0-9a-f]{16,128}")


def pieces(root: Path, run: RecordedRun, ids: list[int], reply: str) -> list[str] | None:
    """The text of each token; None where the folder has no tokenizer for them.

    Where a secret was hidden from the reply, its tokens would tell it: they are not given.
    """
    tokenizer = _tokenizer(root, text(run.resources, "tokenizer"))
    if tokenizer is None or "[hidden]" in reply:
        return None
    stream = DecodeStream(skip_special_tokens=False)
    # A token may be a part of a character: its text then comes with the last part.
    told = [stream.step(tokenizer, one) or "" for one in ids]
    whole = "".join(told)
    return told if hidden_in(whole) == whole else None


def _tokenizer(root: Path, digest: str) -> Tokenizer | None:
    if not _DIGEST.fullmatch(digest):
        return None
    name = f"{digest}.tokenizer"
    for folder in (root, root / "record"):
        path = folder / name
        if path.is_file() and path.resolve().is_relative_to(root):
            return _loaded(path, path.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=4)
def _loaded(path: Path, _changed: int) -> Tokenizer | None:
    if path.stat().st_size > LARGEST:
        return None
    try:
        return tokenizer_of(path, "take the record's own file back")
    except SettingError:
        return None
