"""A page that opens offline: styles and plots lie inside it, scripts are forbidden.

    render(Path("report.html.jinja"), {"name": "..."})

Text of a model, a tool or a question is data: the templates escape all that is no `Markup`, and all
of it is shown without secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from agentflow_graph.errors.outside import shown

HOUSE = Path(__file__).parent
"""Holds `page.html.jinja`, which every page extends."""


def render(
    template: Path, content: Mapping[str, Any], undefined: type[Undefined] = StrictUndefined
) -> str:
    """The page; `undefined` says what becomes of names that `content` lacks."""
    environment = Environment(
        loader=FileSystemLoader([template.parent, HOUSE]),
        autoescape=True,
        undefined=undefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(content)


def _shown(value: Any) -> Any:
    """What stands in the page for a value; `Markup` is ours."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
