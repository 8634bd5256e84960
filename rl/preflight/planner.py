"""The planner to be trained: found, complete, with a tokenizer, and wide enough."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.strings import NANO
from agentflow_graph.record.artifacts import read_as, read_object
from rl.preflight.gguf_file import read
from rl.preflight.gguf_model import config_of, split_of
from rl.preflight.shape import Shape, shape_of
from rl.questions import hub
from rl.settings.config import Config
from rl.settings.weights import SHORT_NAMES, home_of, wants_door
from tools.outcomes.finding import Finding, failure, ok, warning

WARM_START = "warmstart"
"""How the name of a planner ends that a warm start is to make, as in what ships."""
NAMES = ("nano", *SHORT_NAMES)
MEND = "mend the folder, or name another one in model.path"


class Index(BaseModel):
    """What is read of the index of weights in several files."""

    weight_map: dict[str, str]


@dataclass
class Planner:
    """What is known of the planner and what it will be asked; checks tell one another by it."""

    folder: Path | None = None
    """Where it lies on this machine."""
    tokenizer: PolicyTokenizer | None = None
    shape: Shape | None = None
    question: str = "What?"
    """The longest of the first training questions."""


def planner(config: Config, known: Planner) -> Iterator[Finding]:
    """Findings about `model.path`; notes in `known` what it finds out."""
    name, path = config.model.path, Path(config.model.path)
    home = home_of(config.run)
    if (path / "config.json").exists():
        known.folder = path
    elif name in SHORT_NAMES and (home / name / "config.json").exists():
        known.folder = home / name
    elif wants_door(name):
        yield from _to_be_made(config, known, home)
        return
    elif config.model.warm_start:
        found = made_from_nothing(config)
        yield found
        if found.state == "failed":
            return
        known.folder = NANO
        yield from _window(config, _shape(known, read_object(NANO / "config.json", MEND)))
        return
    elif path.exists() or not hub.NAME.fullmatch(name):
        remedy = "name a folder with config.json, OWNER/NAME on the hub, smollm2 or a .gguf file"
        yield failure("planner", f"{name} is no model folder", remedy)
        return
    else:
        known.folder = hub.cached_folder(name)
    try:
        yield from _at_hand(config, known) if known.folder else _remote(config, known)
    except (SettingError, OSError, ValueError, KeyError, TypeError) as error:
        remedy = MEND
        if not known.folder:
            remedy = f"`hf download {name}` where the network allows, then name its folder"
        yield failure("planner", f"{name}: {error}", remedy)


def made_from_nothing(config: Config) -> Finding:
    """What to say of `model.path` where the warm start makes the planner.

    Only a place that is called so goes without a warning: any other may be a planner's misspelt.
    """
    path = Path(config.model.path)
    near = _planners_near(path)
    guess = f" (did you mean {near[0]}?)" if near else ""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        remedy = f"name a planner's folder in model.path{guess}, or one that is not there yet"
        return failure("planner", f"{path} is there and is no planner: no config.json", remedy)
    text = f"{path} is made by the warm start, in a minute or two"
    if path.name.endswith(WARM_START):
        return ok("planner", text)
    text = f"there is no planner {path}{guess}: the warm start makes one from nothing there"
    remedy = "leave it so, or name a planner that is there in model.path; "
    return warning("planner", text, f"{remedy}model.warm_start=false refuses one that is not")


def _planners_near(path: Path) -> list[str]:
    """Planners that `path` may have meant: inside it, or called nearly so."""
    beside = [each.parent for each in path.parent.glob("*/config.json")]
    below = [each.parent for each in path.parent.parent.glob(f"*/{path.name}/config.json")]
    names = [*map(str, (*beside, *below)), *NAMES]
    inside = [str(path / "model")] if (path / "model" / "config.json").exists() else []
    return inside + [
        str(found)
        for given in (str(path), path.name)
        for found in get_close_matches(given, names, n=1, cutoff=0.8)
    ]


def _at_hand(config: Config, known: Planner) -> Iterator[Finding]:
    assert known.folder
    shape = _shape(known, read_object(known.folder / "config.json", MEND))
    yield ok("planner", f"{known.folder}: {shape.architecture}, {shape.billions} parameters")
    yield _weights(known.folder)
    known.tokenizer = PolicyTokenizer.load(known.folder)
    length = len(known.tokenizer.render([HumanMessage("Which town is larger?")]))
    yield ok("tokenizer", f"with chat template; a short question is {length} tokens")
    yield from _window(config, shape)


def _to_be_made(config: Config, known: Planner, home: Path) -> Iterator[Finding]:
    """What the start will fetch or convert (`rl/planners/weights`); nothing of it is done here."""
    name = config.model.path
    try:
        if name in SHORT_NAMES:
            shape = _shape(known, SHORT_NAMES[name].config)
            text = f"{name}: {shape.architecture}, {shape.billions} parameters; not fetched yet"
            remedy = f"the start does it; before: `python -m rl weights {name} --out {home / name}`"
            yield warning("planner", text, remedy)
        else:
            file = read(Path(name))
            shape = _shape(known, config_of(file))
            split_of(file)
            file.text("tokenizer.chat_template")
            size = f"{4 * shape.parameters / 1e9:.2f} GB in {home}"
            text = f"{name}: {shape.architecture}, {shape.billions} parameters"
            yield ok("planner", f"{text}; the start converts it once, {size}")
        yield ok("tokenizer", "with chat template")
        yield from _window(config, shape)
    except SettingError as error:
        yield failure("planner", str(error), "name another file, folder or model in model.path")


def _remote(config: Config, known: Planner) -> Iterator[Finding]:
    name = config.model.path
    record = hub.text_of(name, "config.json")
    if record is None:
        yield failure("planner", f"the hub has no {name}/config.json", "correct model.path")
        return
    shape = _shape(known, json.loads(record))
    size = 2 * shape.parameters / 1e9
    yield warning(
        "planner",
        f"{name} on the hub: {shape.architecture}, {shape.billions} parameters; not downloaded",
        f"the start downloads about {size:.0f} GB; `hf download {name}` does it before",
    )
    settings = json.loads(hub.text_of(name, "tokenizer_config.json") or "{}")
    if settings.get("chat_template") or hub.text_of(name, "chat_template.jinja"):
        yield ok("tokenizer", "with chat template")
    else:
        yield failure("tokenizer", "no chat template", "train an instruct model, which has one")
    yield from _window(config, shape)


def _shape(known: Planner, record: Mapping[str, Any]) -> Shape:
    known.shape = shape_of(record)
    return known.shape


def _weights(folder: Path) -> Finding:
    """All files of the weights: one that is missing shows only when minutes are spent."""
    index = folder / "model.safetensors.index.json"
    parts = {"model.safetensors"}
    if index.exists():
        parts = set(read_as(Index, index, MEND).weight_map.values())
    missing = sorted(part for part in parts if not (folder / part).exists())
    if missing:
        text = f"{folder} lacks {len(missing)} of {len(parts)} files of weights: {missing[0]}"
        return failure("weights", text, "download or export the model again")
    size = sum((folder / part).stat().st_size for part in parts)
    return ok("weights", f"{len(parts)} file(s), {size / 2**20:,.1f} MiB")


def _window(config: Config, shape: Shape) -> Iterator[Finding]:
    asked = config.rollout.window
    if asked <= shape.window:
        yield ok("window", f"rollout.window={asked:,} of the model's {shape.window:,} tokens")
        return
    yield failure(
        "window",
        f"rollout.window={asked:,} is beyond the model's {shape.window:,} tokens",
        f"set rollout.window={shape.window} or less, or train a model with a longer window",
    )
