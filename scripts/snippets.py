"""Write the Python of documents as modules, so that type checkers read it: `make check` does.

    python scripts/snippets.py build/snippets && mypy build/snippets

The blocks of a document become one coroutine, in order: later ones use what earlier ones made.
"""

import re
import sys
import textwrap
from pathlib import Path

DOCUMENTS = ("README.md", "docs/apps.md")
HEAD = '''"""From {document}."""
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool


async def page(my_chat_model: BaseChatModel, my_tool: BaseTool) -> None:
    """What the document calls its reader's own are arguments."""
'''


def main(folder: Path) -> None:
    """Write a module for each document into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parents[1]
    for document in DOCUMENTS:
        text = (root / document).read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        body = textwrap.indent("\n".join(blocks), "    ")
        name = Path(document).stem.lower()
        (folder / f"{name}_blocks.py").write_text(HEAD.format(document=document) + body)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
