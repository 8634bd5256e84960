"""Each look before a run: what is right passes, what is wrong is named with its remedy."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import NANO
from rl.preflight.agent import agent
from rl.preflight.planner import Planner, made_from_nothing, planner
from rl.preflight.questions import questions
from rl.settings.config import Config, load
from rl.train import check
from tools.outcomes.finding import Finding

CONFIGS = Path(__file__).parents[3] / "rl" / "configs"


def nano(*overrides: str) -> Config:
    return load(CONFIGS / "nano.yaml", ["model.warm_start=false", *overrides])


def states(findings: Iterator[Finding]) -> dict[str, tuple[str, str]]:
    found = list(findings)
    assert all(bool(one.remedy) == (one.state != "ok") for one in found)
    return {one.part: (one.state, one.text) for one in found}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NANO, tmp_path / "planner"))


# ------------------------------------------------------------------- planner


def test_the_planner_that_ships_is_complete() -> None:
    known = Planner()
    found = states(planner(nano(f"model.path={NANO}"), known))
    assert {state for state, _ in found.values()} == {"ok"}
    assert list(found) == ["planner", "weights", "tokenizer", "window"]
    assert known.shape and known.tokenizer and known.folder == NANO
    weights = json.loads((NANO / "config.json").read_text())
    assert (known.shape.hidden, known.shape.vocabulary) == (64, weights["vocab_size"])


@pytest.mark.parametrize(
    ("remove", "part", "fragment"),
    [
        ("model.safetensors", "weights", "lacks 1 of 1 files"),
        ("tokenizer/tokenizer.json", "planner", "no tokenizer.json"),
        ("config.json", "planner", "no model folder"),
    ],
)
def test_a_folder_that_lacks_a_file(copied: Path, remove: str, part: str, fragment: str) -> None:
    (copied / remove).unlink()
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))[part]
    assert state == "failed"
    assert fragment in text


def test_a_download_that_broke_off_shows(copied: Path) -> None:
    parts = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (copied / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    (copied / "model-1.safetensors").write_bytes(b"x")
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))["weights"]
    assert state == "failed"
    assert "lacks 1 of 2 files of weights: model-2.safetensors" in text


def test_a_tokenizer_without_template_and_a_config_of_no_language_model(copied: Path) -> None:
    settings = copied / "tokenizer" / "tokenizer_config.json"
    settings.write_text(json.dumps({"eos_token": "<|im_end|>"}))
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))["planner"]
    assert (state, "chat template" in text) == ("failed", True)
    (copied / "config.json").write_text('{"model_type": "no-such-thing"}')
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))["planner"]
    assert (state, "no causal language model" in text) == ("failed", True)
    (copied / "config.json").write_text("{")
    assert states(planner(nano(f"model.path={copied}"), Planner()))["planner"][0] == "failed"


def test_a_window_beyond_the_models_positions() -> None:
    config = nano(f"model.path={NANO}", "rollout.window=2048")
    state, text = states(planner(config, Planner()))["window"]
    assert state == "failed"
    assert "rollout.window=2,048" in text and "1,024" in text


# ------------------------------------------------------------ agent and data


def test_the_nano_planners_tools_and_room() -> None:
    config, known = nano(f"model.path={NANO}"), Planner()
    list(planner(config, known))
    list(questions(config, known))
    found = states(agent(config, known))
    assert found["tool wikipedia_search"][0] == "ok"
    state, text = found["tool base_generator"]
    assert (state, "no model" in text) == ("warning", True)
    assert found["room"][0] == "ok"
    known.question = "long " * 40
    assert states(agent(config, known))["room"][0] == "warning"
    known.question = "long " * 400
    assert states(agent(config, known))["room"][0] == "failed"


def test_a_tool_that_does_not_exist() -> None:
    config = nano(f"model.path={NANO}", "agent.tools=pythn_coder")
    state, text = states(agent(config, Planner()))["tools"]
    assert state == "failed"
    assert "did you mean 'python_coder'" in text


def files(tmp_path: Path, train: list[dict[str, Any]], held: list[dict[str, Any]]) -> Config:
    for name, rows in (("train", train), ("held", held)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return nano(f"data.train={tmp_path}/train.jsonl", f"data.heldout={tmp_path}/held.jsonl")


def test_a_long_first_question_ends_in_a_mark(tmp_path: Path) -> None:
    config = files(tmp_path, asked("long " * 40), asked("c"))
    text = states(questions(config, Planner()))["data.train"][1]
    assert re.search(r"first: '(long )+\S*…' -> '(long )+\S*…'", text), text


def test_a_folder_of_questions_is_called_a_folder(tmp_path: Path) -> None:
    config = nano(f"data.train={tmp_path}", "data.heldout=almanac")
    state, text = states(questions(config, Planner()))["data.train"]
    assert (state, f"{tmp_path} is a folder" in text) == ("failed", True)


def asked(*names: str) -> list[dict[str, Any]]:
    return [{"question": f"{name}?", "answer": name} for name in names]


def test_questions_that_are_right(tmp_path: Path) -> None:
    known = Planner()
    found = states(questions(files(tmp_path, asked("a", "bbb"), asked("c")), known))
    assert found["data.train"][0] == found["data.heldout"][0] == "ok"
    assert "2 questions, scorers: exact 2" in found["data.train"][1]
    assert "640 questions in 40 steps: 320.00 passes" in str(
        list(questions(files(tmp_path, asked("a", "bbb"), asked("c")), known))
    )
    assert known.question == "bbb?"


@pytest.mark.parametrize(
    ("train", "held", "part", "state", "fragment"),
    [
        (asked("a", "b", "a"), asked("c"), "data.train", "warning", "1 rows ask what another"),
        (asked("a", "b"), asked("b"), "data", "failed", "1 questions are in both files"),
        (asked("a", ""), asked("c"), "data.train", "failed", "1 of 2 rows"),
        ([], asked("c"), "data.train", "failed", "has no questions"),
    ],
)
def test_questions_that_are_wrong(
    tmp_path: Path,
    train: list[dict[str, Any]],
    held: list[dict[str, Any]],
    part: str,
    state: str,
    fragment: str,
) -> None:
    found = list(questions(files(tmp_path, train, held), Planner()))
    assert [f for f in found if (f.part, f.state) == (part, state) and fragment in f.text], found


@pytest.mark.parametrize(
    ("path", "state", "fragment"),
    [
        ("run/modle", "warning", "did you mean {}/run/model"),
        ("rnu/model", "warning", "did you mean {}/run/model"),
        ("nano0", "warning", "did you mean nano"),
        ("elsewhere", "warning", "no planner {}/elsewhere: the warm start makes one from nothing"),
        ("run", "failed", "{}/run is there and is no planner"),
        ("run/file", "failed", "is there and is no planner"),
    ],
)
def test_a_planner_that_would_be_made_from_nothing(
    tmp_path: Path, path: str, state: str, fragment: str
) -> None:
    shutil.copytree(NANO, tmp_path / "run" / "model")
    (tmp_path / "run" / "file").write_text("x")
    config = nano(f"model.path={tmp_path / path}", "model.warm_start=true")
    found = states(planner(config, Planner()))["planner"]
    assert found[0] == state
    assert fragment.format(tmp_path) in found[1]
    if state == "failed":
        with pytest.raises(SettingError, match="is no planner"):
            check(config)


def test_the_usual_place_of_a_warm_start_goes_without_a_warning() -> None:
    usual = [load(CONFIGS / f"{name}.yaml") for name in ("nano", "hard-nano")]
    assert {made_from_nothing(config).state for config in usual} == {"ok"}
