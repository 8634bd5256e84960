"""The command that is told after Ctrl-C finds what the run imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from launched import environment

SCRIPT = """
from importlib import import_module
from pathlib import Path
from rl.settings.errors import resume_command
import_module("my_rewards")
print(resume_command(Path("runs/a b")))
"""


def test_a_scripts_own_folder_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "script.py").write_text(SCRIPT)
    (own / "my_rewards.py").write_text("")
    told = {}
    for folder, script in ((tmp_path, "own/script.py"), (own, "script.py")):
        words = [sys.executable, script]
        done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True)
        told[folder] = done.stdout.strip() or done.stderr
    command = "python -m rl.train --resume 'runs/a b'"
    assert told == {tmp_path: f"PYTHONPATH=own {command}", own: command}
