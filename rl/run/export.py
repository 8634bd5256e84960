"""What an exported planner says of itself: the settings that it was trained under."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from agentflow_graph.models.strings import trained_under
from rl.settings.config import Config

ORIGIN = "source.json"
"""Where the weights came from that a planner began from."""


def describe_planner(config: Config, folder: Path, steps: int) -> None:
    """Write `<folder>/agentflow.json` for the planner of a run after `steps` training steps."""
    begun = Path(config.model.path)
    trained = trained_under(begun)
    if "recipe" in trained and "start" not in trained:
        told = ("recipe", "seed", "format_steps", "sft")
        trained["start"] = {name: trained.pop(name) for name in told if name in trained}
    if (begun / ORIGIN).exists():
        shutil.copy(begun / ORIGIN, folder / ORIGIN)
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
