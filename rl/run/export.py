"""What an exported planner says of itself: the settings that it was trained under."""

from __future__ import annotations

import json
from pathlib import Path

from agentflow_graph.models.strings import trained_under
from rl.settings.config import Config


def describe_planner(config: Config, folder: Path, steps: int) -> None:
    """Write `<folder>/agentflow.json` for the planner of a run after `steps` training steps."""
    trained = trained_under(Path(config.model.path))
    context = config.context()
    trained |= {
        "layout": context.layout,
        "passages": context.passages or trained.get("passages", 3),
        "memory_tokens": context.memory_tokens,
        "recipe": "flow-grpo",
        "seed": config.seed,
        "steps": steps,
    }
    (folder / "agentflow.json").write_text(json.dumps(trained, indent=2) + "\n")
