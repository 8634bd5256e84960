"""Mermaid's pictures as SVG, drawn while the site is built: a reader needs no script for them.

mermaidx runs the real mermaid.js in the process.
"""

import re

import mermaidx
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Mermaid(SphinxDirective):
    """A fenced block of the language "mermaid"."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw it. What mermaid does not understand breaks the build off, with its words."""
        try:
            drawn = mermaidx.render("\n".join(self.content), theme="neutral").svg()
        except RuntimeError as error:
            raise self.error(str(error)) from error
        picture = fitted(drawn, f"mermaid-{self.env.new_serialno('mermaid')}")
        return [nodes.raw("", f'<div class="mermaid">{picture}</div>', format="html")]


def fitted(svg: str, identifier: str) -> str:
    """The picture with an identifier of its own, and on a small screen wide enough to be read."""
    named = svg.replace("my-svg", identifier)
    return re.sub(r"max-width: ([\d.]+px);", r"\g<0> min-width: min(40rem, \1);", named, count=1)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True}
