"""The files beside the weights, from one planner's folder to the next."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from agentflow_graph.models.strings import trained_under

FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "source.json")


def complete(planner: Path, out: Path, record: dict[str, Any]) -> None:
    """Complete a folder of weights that were trained from those in `planner`.

    The tokenizer is copied: transformers would change it in saving it (see `rl.planners.nano`).
    `record` goes into `agentflow.json`, over what the former planner said of itself.
    """
    for part in FILES:
        if (planner / part).exists():
            shutil.copy(planner / part, out / part)
    if (planner / "tokenizer").exists():
        shutil.copytree(planner / "tokenizer", out / "tokenizer")
    text = json.dumps(trained_under(planner) | record, indent=2)
    (out / "agentflow.json").write_text(text + "\n")
