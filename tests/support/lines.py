"""Reading JSONL in tests."""

from __future__ import annotations

import json
from pathlib import Path


def read_jsonl(path: Path) -> list[dict[str, str]]:
    # Not splitlines(): it also splits at characters such as U+2028, which JSON leaves as they are.
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]
