"""Looking into installed packages: objects by path, signatures, sources."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rl.adapter.stack.cluster import unwrap_ray_actor


def named(path: str) -> Any:
    """The object `module:attribute.attribute`; Ray's actor classes are unwrapped on the way."""
    module, _, attributes = path.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
        found = unwrap_ray_actor(found) if hasattr(found, "__ray_metadata__") else found
    return found


def parameters(function: Callable[..., Any]) -> list[str]:
    """Names of the parameters, without self and without what Ray adds to an actor's methods."""
    names = inspect.signature(function).parameters
    return [name for name in names if name not in ("self", "_ray_trace_ctx")]


def body(path: str) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(named(path))))


def stock_cli() -> ast.Module:
    spec = find_spec("openrlhf.cli.train_ppo_ray")
    assert spec and spec.origin
    return ast.parse(Path(spec.origin).read_text())
