"""Every field of a run's configuration as a table: docs/settings.md.

python -m rl settings           # prints it
python -m rl settings --write   # into docs/settings.md
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from agentflow_graph.context import Context
from agentflow_graph.errors.outside import guard_output
from rl.settings.changes import may_change
from rl.settings.config import Config
from rl.settings.yaml_file import section_by_name

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
IN_TRAINING = {"agent.repairs": "0", "agent.max_seconds": "rollout.deadline"}
"""Defaults of the graph's settings that a training has otherwise (`Config.context`)."""
TITLE = """# Settings of training

Made by `python -m rl settings --write` from `rl/settings/`; a test holds it to the code. Each field
can be set in a YAML file and as `name=value` behind a command. The last column says whether
`--resume RUN name=value` may change it; of a model at an address, the address alone.

| field | type | default | meaning | resume |
|---|---|---|---|---|
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl settings", description="Every setting of training, as a table."
    )
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} of docs/")
    if parser.parse_args(arguments).write:
        PAGE.write_text(page())
    else:
        print(page(), end="")
    return 0


def page() -> str:
    """The whole of docs/settings.md."""
    rows = [*_rows(Config, ""), *_rows(Context, "agent.")]
    return TITLE + "".join(f"| `{n}` | {' | '.join(map(_plain, r))} |\n" for n, *r in rows)


def _plain(text: str) -> str:
    """Text of ours as a cell: what would end the cell or begin a tag is escaped."""
    return text.replace("|", "\\|").replace("<", "\\<")


def _rows(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str, str]]:
    for name, field in section.model_fields.items():
        whole, kind = f"{prefix}{name}", field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{whole}.")
        elif inner := section_by_name(kind):
            yield from _rows(inner, f"{whole}.NAME.")
        elif whole not in ("agent", "agent.planner"):  # the planner is the policy
            default = IN_TRAINING.get(whole) or _default(field)
            yield whole, _kind(field), default, _meaning(field), may_change(whole)


def _kind(field: FieldInfo) -> str:
    """The type for a reader, with its bounds."""
    signs = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    bounds = [
        f"{sign} {value:g}"
        for bound in field.metadata
        for name, sign in signs.items()
        if (value := getattr(bound, name, None)) is not None
    ]
    return " ".join([_named(field.annotation), ", ".join(bounds)]).strip()


def _named(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    if isinstance(kind, UnionType):
        return " or ".join(map(_named, get_args(kind)))
    if get_origin(kind) is not None:
        return f"{get_origin(kind).__name__} of {_named(get_args(kind)[0])}"
    return {str: "text", bool: "true, false", Path: "path", type(None): "none"}.get(
        kind, getattr(kind, "__name__", str(kind))
    )


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "must be given"
    return str(list(value) if isinstance(value, tuple) else value) if value != "" else "empty"


def _meaning(field: FieldInfo) -> str:
    assert field.description, "every setting says what it means"
    return field.description


if __name__ == "__main__":
    sys.exit(main())
