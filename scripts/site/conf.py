"""The documentation site: Sphinx's settings. `make site` builds it into build/site.

The pages are README.md, docs/*.md and their like, read where they lie; a link from one to another,
or to a file beside them, works there and here. Nothing is fetched, neither while the site is built
nor while it is read. Sphinx with MyST and Furo, because they take pages from anywhere in the tree
and count every link and anchor that leads nowhere as a warning; MkDocs is no longer kept, and its
successor Zensical wants one folder of pages.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

project = "agentflow-graph"
author = "The agentflow-graph authors"
extensions = ["myst_parser", "pages", "mermaid"]

root_doc = "README"
source_suffix = {".md": "markdown"}
include_patterns = ["*.md", "docs/*.md", "examples/README.md"]
# Folders that Sphinx need not even walk through: .venv alone has 100,000 files.
exclude_patterns = [
    path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("docs", "examples")
]

# The anchors of headings are those that GitHub makes.
myst_heading_anchors = 6
myst_enable_extensions = ["html_image"]
myst_fence_as_directive = ["mermaid"]
# Indented blocks are commands for the most part; fenced ones say what they are.
highlight_language = "none"
smartquotes = False

html_theme = "furo"
html_title = "agentflow-graph"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options: dict[str, object] = {"top_of_page_buttons": []}
templates_path = [str(HERE / "templates")]
