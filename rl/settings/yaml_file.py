"""A YAML file and `key=value` pairs as a pydantic model; faults are named by key, value and remedy.

config = read(Config, Path("rl/configs/nano.yaml"), ["steps=20", "rollout.group_size=4"])

`base: other.yaml` takes over what a file in the same folder says, section by section.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.record.artifacts import read_bytes

M = TypeVar("M", bound=BaseModel)

LONGEST = 200
"""Characters of a value that a message shows."""
ELSEWHERE = {
    "rollout.batch": "rollout.questions",
    "rollout.batch_size": "rollout.questions",
    "rollout.n": "rollout.group_size",
    "rollout.n_samples_per_prompt": "rollout.group_size",
    "rollout.max_new_tokens": "rollout.reply_tokens",
    "train.batch_size": "optimizer.batch_rows",
    "train.micro_batch_size": "optimizer.micro_batch",
    "algorithm.kl_coef": "algorithm.kl",
    "algorithm.beta": "algorithm.kl",
    "data.max_len": "rollout.window",
    "trainer.total_epochs": "steps",
    "train.max_epochs": "optimizer.epochs",
    "actor.ppo_epochs": "optimizer.epochs",
    "actor.policy_loss_type": "algorithm.ratio",
    "algorithm.importance_sampling_level": "algorithm.ratio",
    "algorithm.scale_rewards": "algorithm.advantage",
    "algorithm.norm_adv_by_std_in_grpo": "algorithm.advantage",
    "algorithm.adv_estimator": "algorithm.advantage",
    "algorithm.loss_type": "algorithm.weighting",
    "algorithm.loss_agg_mode": "algorithm.weighting",
    "algorithm.clip_ratio_c": "algorithm.dual_clip",
    "algorithm.mask_truncated_completions": "algorithm.overlong",
}
"""Names of other trainers whose meaning no likeness of letters would find."""
REMEDY = "mend it, or take rl/configs/nano.yaml for a pattern"
RENAMED = {
    "rollout.group": "rollout.group_size",
    "rollout.ahead": "rollout.max_steps_ahead",
    "rollout.max_tokens": "rollout.reply_tokens",
    "optimizer.rows": "optimizer.batch_rows",
    "model.checkpointing": "model.gradient_checkpointing",
    "engine.kind=inline": "engine.kind=sync",
}
"""Old names of fields and values: refused, naming the new one, also where a run is resumed."""


def read(model: type[M], path: Path, overrides: Sequence[str] = ()) -> M:
    """A YAML file as `model`, after `section.key=value` pairs, whose values are YAML too.

    Raises:
        SettingError: the file, a key or a value is wrong; one line per fault.
    """
    record = _loaded(path)
    for pair in overrides:
        _override(record, pair)
    try:
        return model.model_validate(record)
    except ValidationError as error:
        raise SettingError(
            "\n".join(_explained(model, fault) for fault in error.errors())
        ) from None
    except RecursionError:
        raise SettingError(f"config {path} is nested too deep; {REMEDY}") from None


def dumped(model: BaseModel) -> bytes:
    """A model as the YAML that `read` takes."""
    text: str = yaml.safe_dump(json.loads(model.model_dump_json()), sort_keys=False)
    return text.encode()


def mapping(path: Path) -> dict[str, Any]:
    """A YAML file of names and values; an empty one has none.

    Raises:
        SettingError: it cannot be read, or holds something else.
    """
    record = parsed(read_bytes(path, REMEDY), f"config {path}") or {}
    if not isinstance(record, dict):
        raise SettingError(
            f"config {path} is not a mapping of names to values but a {type(record).__name__}; "
            f"{REMEDY}"
        )
    return record


def parsed(text: bytes | str, what: str) -> Any:
    """A value of YAML; raises SettingError, with `what` it was, showing nothing of it."""
    try:
        return yaml.safe_load(text)
    except RecursionError:
        raise SettingError(f"{what} is nested too deep; {REMEDY}") from None
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingError(f"{what} is not YAML: {error.problem}{where}; {REMEDY}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
        told = " ".join(str(error).split())[:120]
        raise SettingError(f"{what} is not YAML: {told}; {REMEDY}") from None


def _loaded(path: Path) -> dict[str, Any]:
    record = mapping(path)
    base = record.pop("base", None)
    if base is None:
        return record
    if base == path.name or not isinstance(base, str) or Path(base).name != base:
        raise SettingError(f"config {path}: base={base!r} is not another file in its folder")
    return _merged(_loaded(path.with_name(base)), record)


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in own.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else value
    return merged


def _override(record: dict[str, Any], pair: str) -> None:
    key, equals, value = pair.partition("=")
    if not equals:
        raise SettingError(f"{pair!r} is not of the form section.key=value")
    *sections, name = key.split(".")
    for section in sections:
        record = record.setdefault(section, {})
        if not isinstance(record, dict):
            raise SettingError(f"{key!r}: {section!r} is a value, not a section")
    record[name] = parsed(value, f"the value of {pair!r}")


def _explained(model: type[BaseModel], fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    for old in (where, f"{where}={fault['input']}"):
        if old in RENAMED:
            remedy = "rename it where you set it, or in config.yaml of the run to resume"
            return f"{old} is now called {RENAMED[old]}; {remedy}"
    if fault["type"] == "extra_forbidden":
        path = [*fault["loc"], *_inside(fault["input"])]
        return f"unknown key {'.'.join(map(str, path))!r}{_nearest(model, path)}"
    value = "" if fault["type"] == "missing" else f"={_shown(fault['input'])}"
    shown = f"{where}{value}: " if where else ""
    return f"{shown}{fault['msg'].removeprefix('Value error, ')}"


def _shown(value: Any) -> str:
    """A value of a section; of a whole section only what it is."""
    if isinstance(value, dict | list | tuple) and len(value) > 3:
        return f"a {type(value).__name__} of {len(value)}"
    try:
        return repr(value)[:LONGEST]
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        return f"a {type(value).__name__} too long to show"


def _inside(value: Any) -> list[str]:
    """The name in a section of one field, which an unknown section of a command line is."""
    return list(map(str, value)) if isinstance(value, dict) and len(value) == 1 else []


def section_by_name(kind: Any) -> type[BaseModel] | None:
    """The section of a field that holds such by name, as `dict[str, EvaluationSet]`; else None."""
    inner = get_args(kind)[1:] if get_origin(kind) is dict else ()
    return next((one for one in inner if issubclass(one, BaseModel)), None)


def _nearest(model: type[BaseModel], path: Sequence[Any]) -> str:
    """What may have been meant: a field of the section, one of another, or what there is."""
    own = _fields(model)
    *sections, name = _with_names(list(map(str, path)), own)
    if sections and sections[0] not in own and (told := closest(sections[0], model.model_fields)):
        return told
    here = [known for known in own if known.split(".")[:-1] == sections]
    if told := closest(name, [known.rpartition(".")[2] for known in here]):
        return told
    if meant := ELSEWHERE.get(".".join(map(str, path))):
        return f" (did you mean {meant!r}: {own[meant]}?)"
    last = {known.rpartition(".")[2]: known for known in own}
    near = [last[each] for each in get_close_matches(name, last, n=2, cutoff=0.5)]
    if near:
        return f" (did you mean {' or '.join(map(repr, near))}?)"
    there = [known.rpartition(".")[2] for known in here] or list(model.model_fields)
    return f": there are {', '.join(there)}"


def _fields(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Every field by its dotted name, with its description; sections too."""
    found = {}
    for name, field in model.model_fields.items():
        found[f"{prefix}{name}"] = field.description or ""
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= _fields(field.annotation, f"{prefix}{name}.")
        elif inner := section_by_name(field.annotation):
            found |= _fields(inner, f"{prefix}{name}.NAME.")
    return found


def _with_names(path: list[str], own: Mapping[str, str]) -> list[str]:
    """A path as fields are called: NAME where somebody gave a section its name."""
    named = [*path]
    for at in range(1, len(path) - 1):
        if any(each.startswith(".".join([*named[:at], "NAME", ""])) for each in own):
            named[at] = "NAME"
    return named
