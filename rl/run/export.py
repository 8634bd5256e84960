"""What an exported planner says of itself: the settings that it was trained under."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from agentflow_graph.models.strings import trained_under
from rl.settings.config import Config

ORIGIN = "source.json"
"""Where the weights came from that a planner began from."""

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def copy_tokenizer(planner: Path, out: Path) -> bool:
    """Put the tokenizer of `planner` into `out` as it is; returns whether there is one.

    transformers would change it in saving it (see `rl.planners.nano`), and so what it does to
    texts. One that has a folder of its own keeps it.
    """
    for name in TOKENIZER:
        (out / name).unlink(missing_ok=True)
        if (planner / name).exists():
            shutil.copy(planner / name, out / name)
    if (apart := planner / "tokenizer").exists():
        shutil.copytree(apart, out / "tokenizer", dirs_exist_ok=True)
    return apart.exists() or (out / TOKENIZER[0]).exists()


def complete(planner: Path, out: Path, record: dict[str, Any]) -> None:
    """Complete a folder of weights that were trained from those in `planner`.

    `record` goes into `agentflow.json`, over what the former planner said of itself.
    """
    copy_tokenizer(planner, out)
    _write(planner, out, trained_under(planner) | record)


def _write(begun: Path, folder: Path, record: dict[str, Any]) -> None:
    if (begun / ORIGIN).exists():
        shutil.copy(begun / ORIGIN, folder / ORIGIN)
    (folder / "agentflow.json").write_text(json.dumps(record, indent=2) + "\n")


def describe_planner(config: Config, folder: Path, steps: int) -> None:
    """Write `<folder>/agentflow.json` for the planner of a run after `steps` training steps."""
    begun = Path(config.model.path)
    trained = trained_under(begun)
    if "recipe" in trained and "start" not in trained:
        told = ("recipe", "seed", "format_steps", "sft")
        trained["start"] = {name: trained.pop(name) for name in told if name in trained}
    context = config.context()
    trained |= {
        "layout": context.layout,
        "passages": context.passages or trained.get("passages", 3),
        "memory_tokens": context.memory_tokens,
        "recipe": "flow-grpo",
        "seed": config.seed,
        "steps": steps,
    }
    _write(begun, folder, trained)
