"""The command line: exit codes, JSON, wrong settings."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph import __main__ as cli
from agentflow_graph import build_graph
from agentflow_graph.errors import ModelError
from agentflow_graph.terminal.settings import context_of

QUESTION = "What is the population of Old Harbor?"


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, scripted, look_up) -> Any:
    """Put a graph with a scripted planner in the place of the default one."""

    def put(*replies: Any) -> None:
        graph = build_graph({"planner": scripted(*replies)}, [look_up])
        monkeypatch.setattr(cli, "graph", graph)

    return put


def test_steps_and_answer(use, plan, capsys: pytest.CaptureFixture[str]) -> None:
    use("garbage", "garbage", plan("x"), plan("Old Harbor"))
    assert cli.main([QUESTION]) == 0
    out, err = capsys.readouterr()
    assert "Turn 1\n  planner    unreadable plan" in out
    assert "Turn 2\n  planner    find the facts -> look_up\n  executor   look_up(x)" in out
    assert "verifier   go on" in out and "verifier   enough" in out
    assert out.rstrip().endswith("Answer: 4821   (stopped by: verifier)")
    assert "knows the almanac's kind of question only" in err


def test_json_is_one_line_with_the_whole_state(use, plan, capsys) -> None:
    use(plan("Old Harbor"))
    assert cli.main([QUESTION, "--json", "--set", "planner=given"]) == 0
    out, err = capsys.readouterr()
    state = json.loads(out)
    assert (state["answer"], len(state["turns"]), out.count("\n")) == ("4821", 1, 1)
    assert state["messages"][0]["data"]["content"] == "4821"
    assert err == ""


def test_quiet_prints_the_answer_alone_of_a_question_from_standard_input(
    use, plan, capsys, monkeypatch
) -> None:
    use(plan("Old Harbor"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{QUESTION}\n"))
    assert cli.main(["-", "--quiet"]) == 0
    assert capsys.readouterr() == ("4821\n", "")


def test_what_it_cost_is_said_beside_the_answer(use, plan, capsys) -> None:
    use(plan("x"), plan("Old Harbor"))
    assert cli.main([QUESTION]) == 0
    assert re.search(
        r"^2 turns, 220 tokens, no price for Scripted, \d+\.\d s$", capsys.readouterr().err, re.M
    )


def test_a_model_that_fails_is_exit_code_1(use, plan, capsys) -> None:
    use(plan("x"), ModelError("the server is gone"))
    assert cli.main([QUESTION]) == 1
    out, err = capsys.readouterr()
    assert "Answer: no x   (stopped by: error)" in out
    assert "error: the server is gone" in err
    assert "Turn 2\n  planner    no plan (stopped by: error)" in out


def test_what_nobody_answered_has_no_known_cost(use, capsys) -> None:
    use(ModelError("the server is gone"))
    assert cli.main([QUESTION]) == 1
    out, err = capsys.readouterr()
    assert "1 turn, 0 tokens, cost unknown, " in err
    assert "unreadable" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([""], "the question is empty (''); write it in quotes"),
        (["  "], "write it in quotes"),
        ([QUESTION, "--set", "max_turn=3"], "did you mean 'max_turns'?"),
        ([QUESTION, "--set", "max_turns"], "--set 'max_turns' is not of the form NAME=VALUE"),
        ([QUESTION, "--set", "max_turns=x"], "max_turns='x' cannot be used"),
    ],
)
def test_what_is_wrong_is_exit_code_2(arguments, said, use, plan, capsys) -> None:
    use(plan("x"))
    assert cli.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_model_is_exit_code_2(capsys) -> None:
    assert cli.main([QUESTION, "--model", "gpt"]) == 2
    assert "model 'gpt' has none of the forms" in capsys.readouterr().err


def test_a_misspelt_corpus_is_exit_code_2(capsys) -> None:
    assert cli.main([QUESTION, "--set", "corpus=almanac-herd"]) == 2
    out, err = capsys.readouterr()
    assert "the corpus almanac-herd is not there: set the corpus (--set corpus=" in err
    assert out == ""


def test_one_model_for_every_module() -> None:
    asked = cli._parser().parse_args([QUESTION, "--model", "openai:m", "--set", "verifier=v:w"])
    context = context_of(asked)
    assert (context.planner, context.generator, context.tool_model) == ("openai:m",) * 3
    assert context.verifier == "v:w"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["docter"], "no verb 'docter' (did you mean 'doctor'?)"),
        (["serve", "runs/own"], "no verb 'serve'; there are chat, replay, view, doctor"),
        (["What", "is", "6?"], "A question goes in quotes"),
    ],
)
def test_a_word_that_is_no_verb_is_not_asked(words, said, use, plan, capsys) -> None:
    use(plan("x"))
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err


def test_the_version_is_told(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert re.fullmatch(r"agentflow-graph \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_help_names_every_verb_and_setting(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    out = capsys.readouterr().out
    assert all(f"\n  {verb} " in out for verb in ("chat", "replay", "view", "doctor"))
    assert "max_turns" in out and "approve" in out


@pytest.mark.enable_socket  # the canaries of python_coder try to connect
def test_the_default_planner_answers(capsys) -> None:
    assert cli.main(["What is 21 + 21?"]) == 0
    assert "Answer: " in capsys.readouterr().out


def test_a_file_in_the_place_of_a_record_is_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    assert cli.main([QUESTION, "--record", str(tmp_path / "file")]) == 2
    told = "a file is in the place of a folder; name a folder, there already or not"
    assert told in capsys.readouterr().err


def test_a_trainings_folder_says_where_its_planner_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert cli.main([QUESTION, "--set", f"planner=local:{tmp_path}"]) == 2
    assert f"did you mean {tmp_path}/model?" in capsys.readouterr().err
