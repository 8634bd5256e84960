"""The examples of the documents, read by pyright as an editor's user would have them read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import javascript
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.integration
def test_pyright_finds_nothing_in_the_examples(tmp_path: Path) -> None:
    try:
        folder = javascript.installed(Path(__file__).with_name("pyright"))
    except javascript.Missing as why:
        pytest.skip(f"pyright cannot be had: {why}")
    subprocess.run([sys.executable, ROOT / "scripts" / "snippets.py", tmp_path], check=True)
    (tmp_path / "wrong.py").write_text(
        "from agentflow_graph import Context\n\nmost: str = Context().max_turns\n"
    )
    program = str(folder / "node_modules" / "pyright" / "index.js")
    done = subprocess.run(
        ["node", program, "--outputjson", "--pythonpath", sys.executable, tmp_path],
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] >= 3
    said = [(Path(one["file"]).name, one["message"]) for one in found["generalDiagnostics"]]
    assert [file for file, _ in said] == ["wrong.py"], said
    assert '"int" is not assignable to "str"' in said[0][1].replace("declared type ", "")
