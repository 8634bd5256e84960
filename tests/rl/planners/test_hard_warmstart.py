"""The warm start of the hard world: its own tokenizer, its babbler, its oracle's traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import Sampling
from benchmarks.almanac.hard import HardWorld
from benchmarks.worlds import HARD
from rl.planners import nano
from rl.planners.babble import transcripts
from rl.planners.play import Table
from rl.planners.warmstart import STARTS, example
from rl.questions import data
from rl.settings.config import Config, load

# The sandbox proves at its start that nothing in it reaches a listening socket of ours.
pytestmark = pytest.mark.enable_socket

CONFIG = Path(data.__file__).parents[1] / "configs" / "hard-nano.yaml"
START = STARTS[HARD.name]
DOCUMENTS = [f"{each['title']}: {each['text']}" for each in START.documents()]


def hard(*overrides: str) -> Config:
    return load(CONFIG, overrides)


def test_its_tokenizer_holds_its_words_and_its_turns_fit_the_window() -> None:
    asked = [question.text for question in HARD.questions("train", 2_000, seed=3)]
    settings = {"layout": "terse", "passages": 1, "max_turns": 8, **HARD.settings}
    turns = transcripts(asked[:36], 3, settings, 1, HARD.name)
    told = [f"{turn.prompt}{turn.reply}" for turn in turns]
    tokenizer = nano.build_tokenizer([*told, *asked, *DOCUMENTS], START.vocabulary)
    leagues = HardWorld().island("heldout").leagues
    words = {word for league in leagues for word in league.name.split()}
    for word in {*words, "wikipedia_search", "python_coder", "population", "census", "pupil"}:
        assert len(tokenizer.encode(f" {word}").ids) == 1, word
    assert max(len(example(tokenizer, turn).ids) for turn in turns) < nano.WINDOW
    assert any('Context: print("answer:' in turn.reply for turn in turns)
    assert not any('| python_coder | print("answer:' in turn.prompt for turn in turns), (
        "a stated answer ends a run"
    )


async def test_its_oracle_plays_in_the_planners_tokens(tmp_path: Path) -> None:
    nano.save_tokenizer(tmp_path / "tokenizer", nano.build_tokenizer(DOCUMENTS, START.vocabulary))
    (tmp_path / "agentflow.json").write_text(json.dumps(START.trained))
    config = hard("data.levels=[H3,H4,H6,H9]")
    table = Table.set(tmp_path, None, config.context(), config.world)
    asked = data.almanac("train", 8, 4, config.data.levels, config.world)
    runs = await table.play(asked, Sampling(1.0, config.rollout.reply_tokens))
    assert [(run.reward, run.failure) for run in runs] == [(1.0, "")] * 8
    # Each reply fits what a planner may write, and each row the trainer's window.
    longest = max(len(a.token_ids) for run in runs for a in run.actions)
    assert longest <= config.rollout.reply_tokens
    rows = [len(a.prompt_ids) + len(a.token_ids) for run in runs for a in run.actions]
    assert max(rows) < config.rollout.window


def test_the_world_brings_its_settings_and_the_runs_own_win() -> None:
    context = hard().context()
    assert (context.corpus, context.verifier, context.generator) == (
        "almanac-hard",
        "stated",
        "stated",
    )
    assert hard("agent.corpus=almanac-hard-clean").context().corpus == "almanac-hard-clean"
    assert hard("data.train=almanac").context().verifier == "sufficient"


def test_the_names_of_what_ships_are_no_paths() -> None:
    config = hard("agent.corpus=almanac-hard-clean")
    assert (config.data.train, config.agent["corpus"]) == ("almanac-hard", "almanac-hard-clean")
    assert hard("agent.corpus=own.jsonl").agent["corpus"] == str(Path.cwd() / "own.jsonl")


def test_levels_are_those_of_the_world() -> None:
    some = hard("data.levels=[H2,H9]", "steps=1")
    assert {task.level for task in data.training(some)} == {"H2", "H9"}
    assert {task.level for task in data.heldout(some)} == {*HARD.levels}
    with pytest.raises(SettingError, match="H10 is held out as a whole"):
        data.training(hard("data.levels=[H10]"))
    with pytest.raises(SettingError, match="the almanac has arithmetic"):
        data.training(hard("data.train=almanac", "data.levels=[H2]"))
