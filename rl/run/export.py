"""Export: a planner complete with its tokenizer and origin; and, to be published, with a card.

    python -m rl export runs/real --out planner [--best]

Leaves in the folder

    model.safetensors, config.json, tokenizer files, agentflow.json    the planner
    README.md            a model card: what it is, what it was measured at, how to use it
    recipe.yaml          the settings of the training, to be run again
    source.json          where the weights it began from came from, if that is known
    SHA256SUMS           of every file; `sha256sum -c SHA256SUMS` checks them

Nothing is uploaded: `hf upload OWNER/NAME planner` does that.

Exit codes: 0 done, 2 the run is not finished or the folder exists.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.record.artifacts import interpreting, read_as, write_whole
from rl.run.folder import making, records
from rl.settings.arguments import check_new
from rl.settings.config import Config, load
from rl.settings.errors import exit_code
from rl.settings.measures import HELDOUT
from rl.settings.paths import relative

SUMS = "SHA256SUMS"
OURS = "MIT"
"""Licence of weights that began from nothing here."""
ORIGIN = "source.json"
"""Where the weights came from that a planner began from."""


class Summary(BaseModel):
    """What the card tells of `summary.json`."""

    seed: int
    model_calls: int
    train_seconds: float
    trainer: str
    rollout_engine: str
    failed_rollouts: int


class Origin(BaseModel):
    """What the card tells of `source.json`."""

    model_config = ConfigDict(extra="allow")

    model: str = ""
    licence: str = OURS


TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl export", description="Make a planner's folder ready to be published."
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--out", type=Path, required=True, help="folder that is made")
    parser.add_argument("--best", action="store_true", help="the best planner, not the last one")
    chosen = parser.parse_args(arguments)
    return exit_code(lambda: publish(chosen.run, chosen.out, chosen.best))


def publish(run: Path, out: Path, best: bool = False) -> None:
    """Make `out` of the planner of `run`.

    Raises:
        SettingError: the run is not finished, has no such planner, or `out` exists.
    """
    check_new(out)
    model = run / ("best" if best else "model")
    for needed in (run / "summary.json", model / "config.json"):
        if not needed.exists():
            raise SettingError(f"run {run} has no {needed.relative_to(run)}; finish it first")
    with interpreting(run, "take the run's own files back"):
        told = recipe(run), "\n".join(card(run, model)) + "\n"
    with making(out) as fresh:
        shutil.copytree(model, fresh, dirs_exist_ok=True)
        for name, text in zip(("recipe.yaml", "README.md"), told, strict=True):
            write_whole(fresh / name, text.encode())
        write_whole(fresh / SUMS, "".join(sums(fresh)).encode())
    print(f"{out} is complete; its card: {out / 'README.md'}")


def recipe(run: Path) -> str:
    """The settings of a run, without the places on the machine where it ran."""
    settings = json.loads(load(run / "config.yaml").model_dump_json())
    settings["run"] = "runs/again"
    settings["model"]["path"] = "runs/start"
    for one in settings["evaluation"]["sets"].values():
        one["questions"] = _here(one["questions"])
    for section in ("data", "agent"):
        settings[section] = {name: _here(value) for name, value in settings[section].items()}
    return yaml.safe_dump(settings, sort_keys=False)


def _here(value: Any) -> Any:
    """A path as one in the current folder would write it; of one elsewhere the name alone."""
    if not isinstance(value, str) or not value.startswith("/"):
        return value
    near = relative(value)
    return Path(near).name if near.startswith("/") else near


def card(run: Path, model: Path) -> Iterator[str]:
    """The lines of the model card."""
    summary = read_as(Summary, run / "summary.json", "finish the run first").model_dump()
    trained, origin = trained_under(model), _origin(model)
    name = origin.get("model", "a planner made from nothing")
    yield from ("---", f"license: {origin.get('licence', OURS).lower()}", "language: en")
    yield "pipeline_tag: text-generation"
    if "model" in origin:
        yield f"base_model: {name}"
    yield from (
        "tags: [agentflow-graph, planner, flow-grpo]",
        "---",
        "",
        f"# Planner {run.resolve().name}",
    )
    yield (
        "\nThe planner of an agent graph with four modules (planner, executor, verifier, generator)"
        ", trained in that graph with Flow-GRPO (arXiv 2510.05592). It answers in the planner's "
        "format and knows the world it was trained in, not more.\n"
    )
    yield from _measured(run, summary)
    yield from ("## Use", "", "```bash", "python -m agentflow_graph --set planner=local:DIR \\")
    yield from ('    "Who is the mayor of the town where Olen Hale lives?"', "```", "")
    known = "; `source.json` has its checksums" if origin else ""
    yield from ("## Recipe", "", f"* begun from: {name}{known}")
    if start := trained.get("start"):
        yield f"* start: {', '.join(f'{key} {value}' for key, value in start.items())}"
    yield (
        f"* training: `python -m rl.train --config recipe.yaml run=... model.path=...`, seed "
        f"{summary['seed']}, {trained.get('steps')} steps, {summary['model_calls']:,} model calls, "
        f"{summary['train_seconds']:,.0f} s"
    )
    yield (
        f"* versions: agentflow-graph {version('agentflow-graph')}, {summary['trainer']}, "
        f"{summary['rollout_engine']}"
    )


def _measured(run: Path, summary: dict[str, Any]) -> Iterator[str]:
    yield from ("## Measured", "", "Success on held-out questions, 95 % interval (Wilson).", "")
    yield from ("| step | temperature | questions | success | interval |", "|---|---|---|---|---|")
    for entry in records(run / "metrics.jsonl"):
        if entry["kind"] == "evaluation":
            low, high = entry["interval"]
            on = f" on {entry['set']}" if entry.get("set", HELDOUT) != HELDOUT else ""
            yield (
                f"| {entry['step']}{on} | {entry['temperature']} | {entry['n']} | "
                f"{entry['success']:.3f} | {low:.3f} to {high:.3f} |"
            )
    yield f"\nRuns that failed in training: {summary['failed_rollouts']}.\n"


def _origin(model: Path) -> dict[str, Any]:
    file = model / ORIGIN
    if not file.exists():
        return {}
    return read_as(Origin, file, "take the planner's own file back").model_dump(exclude_unset=True)


def sums(folder: Path) -> Iterator[str]:
    """The lines of `SHA256SUMS`, as `sha256sum` writes them."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield f"{digest}  {path.relative_to(folder)}\n"


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
    write_whole(folder / "agentflow.json", (json.dumps(record, indent=2) + "\n").encode())


def describe_planner(config: Config, folder: Path, steps: int) -> None:
    """Write `<folder>/agentflow.json` for the planner of a run after `steps` training steps."""
    begun = Path(config.model.path)
    trained = trained_under(begun)
    if "recipe" in trained and "start" not in trained:
        told = ("recipe", "seed", "format_steps", "sft")
        trained["start"] = {name: trained.pop(name) for name in told if name in trained}
    context = config.context()
    if context.tools != "default":  # it has met others: what it knows is no longer told
        trained.pop("tools", None)
    trained |= {
        "layout": context.layout,
        "passages": context.passages or trained.get("passages", 3),
        "memory_tokens": context.memory_tokens,
        "recipe": "flow-grpo",
        "seed": config.seed,
        "steps": steps,
    }
    _write(begun, folder, trained)


if __name__ == "__main__":
    sys.exit(main())
