"""Made-up rows of every benchmark, in the original's form and in the data sets' own."""

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "benchmarks" / "fixtures"


def rows(source: str) -> dict[str, list[dict[str, Any]]]:
    """Rows by task; `source` is `original` or `official`. In both the first items are the same."""
    text = (FIXTURES / f"{source}.json").read_text(encoding="utf-8")
    found: dict[str, list[dict[str, Any]]] = json.loads(text)
    return found


def folder(path: Path, source: str) -> Path:
    """A data folder with these rows, as `--data` wants it."""
    for task, given in rows(source).items():
        write(path / (f"{task}/data.json" if source == "original" else f"{task}.json"), given)
    return path


def write(path: Path, given: list[dict[str, Any]]) -> Path:
    """One file of rows, by its ending: a JSON list, or one object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(map(json.dumps, given))
    path.write_text(lines if path.suffix == ".jsonl" else json.dumps(given), encoding="utf-8")
    return path
