"""A recorded run plays again without asking anybody, and says where it differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from provider import Provider

from agentflow_graph import Context, build_graph
from agentflow_graph import __main__ as cli
from agentflow_graph.errors import ModelError, SettingError
from agentflow_graph.record import read
from agentflow_graph.record.events import events_in, line_of
from agentflow_graph.record.reading import files_of
from agentflow_graph.terminal.replay import UNCOMPARED, replay

QUESTION = {"question": "What is the population of Old Harbor?"}


async def record(folder: Path, models: Any, tools: Any, **settings: Any) -> dict[str, Any]:
    graph = build_graph(models, tools, record=folder)
    return dict(await graph.ainvoke(QUESTION, context=Context(**settings)))


@pytest.mark.integration
async def test_a_hundred_runs_with_failures_among_them_end_in_equal_states(tmp_path: Path) -> None:
    from benchmarks.almanac import World, questions

    @tool
    def look_up(query: str) -> str:
        """Look something up."""
        if query.endswith("7"):
            raise ValueError("seven")
        return f"nothing about {query}" * 40

    nano, fake, states = tmp_path / "nano", tmp_path / "fake", {}
    graph = build_graph(record=nano)
    for number, question in enumerate(questions(World(), "heldout", 50, 3)):
        context = Context(max_turns=4, seed=number + 1, memory_tokens=120)
        state = await graph.ainvoke({"question": question.text}, context=context)
        states[state["run"]] = state
    with Provider(seed=5, faults=0.15) as provider:
        graph = build_graph(tools=[look_up], record=fake)
        for number in range(50):
            context = Context(**provider.modules(), outputs="direct,final", memory_tokens=2000)
            state = await graph.ainvoke({"question": f"What is item {number}?"}, context=context)
            states[state["run"]] = state
        made = provider.calls.total()
        for folder in (nano, fake):
            for run in read(folder).values():
                done = await replay(run, folder)
                assert (done.difference, done.note) == ("", ""), run.name
                for key, value in states.pop(run.name).items():
                    if key not in UNCOMPARED:
                        assert done.state[key] == value, (run.name, key)
        assert provider.calls.total() == made, "nobody was asked"
    assert not states
    ends = [run.state["stopped_by"] for run in read(fake).values() if run.state]
    assert {"verifier", "error"} <= set(ends), "failures are among them"


async def test_a_changed_prompt_is_the_first_difference(
    tmp_path: Path, scripted, plan, look_up
) -> None:
    await record(tmp_path, {"planner": scripted(plan("x"), plan("Old Harbor"))}, [look_up])
    (run,) = read(tmp_path).values()
    run.question = "What is the population of New Harbor?"
    done = await replay(run, tmp_path)
    assert "call 0 of planner in turn 1 differs" in done.difference
    assert "recorded: messages[1].content" in done.difference
    assert "of Old Harbor" in done.difference and "of New Harbor" in done.difference


async def test_a_changed_answer_shows_where_it_is_first_read(
    tmp_path: Path, scripted, plan, look_up
) -> None:
    await record(tmp_path, {"planner": scripted(plan("x"), plan("Old Harbor"))}, [look_up])
    (run,) = read(tmp_path).values()
    for call in run.calls:
        if call.key.node == "look_up" and call.key.turn == 1 and call.answer:
            call.answer["result"] = "something else"
    done = await replay(run, tmp_path)
    assert "call 0 of planner in turn 2 differs" in done.difference
    assert "something else" in done.difference


async def test_it_stops_after_a_turn(tmp_path: Path, scripted, plan, look_up) -> None:
    await record(
        tmp_path, {"planner": scripted(plan("x"), plan("y"), plan("Old Harbor"))}, [look_up]
    )
    (run,) = read(tmp_path).values()
    done = await replay(run, tmp_path, until=2)
    assert (done.note, done.difference) == ("stopped after turn 2", "")
    assert [turn["context"] for turn in done.state["turns"]] == ["x", "y"]


async def test_a_run_that_was_cut_off_plays_to_its_end(
    tmp_path: Path, scripted, plan, look_up
) -> None:
    await record(tmp_path, {"planner": scripted(plan("x"), plan("Old Harbor"))}, [look_up])
    (path,) = files_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    cut = next(
        n for n, line in enumerate(lines) if b'"answered"' in line and b'"look_up",2' in line
    )
    path.write_bytes(b"".join(lines[:cut]))
    (run,) = read(tmp_path).values()
    done = await replay(run, tmp_path)
    assert done.note.startswith("call 0 of look_up in turn 2 has no answer: it was cut off, or")
    assert len(done.state["turns"]) == 2


async def test_budgets_end_it_where_they_did(tmp_path: Path, scripted, plan) -> None:
    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        import asyncio

        await asyncio.sleep(0.12)
        return "nothing"

    state = await record(tmp_path, {"planner": scripted(plan("x"))}, [look_up], max_seconds=0.2)
    assert state["stopped_by"] in ("seconds", "error")
    (run,) = read(tmp_path).values()
    done = await replay(run, tmp_path)
    assert done.difference == ""
    assert done.state["stopped_by"] == state["stopped_by"]
    assert done.state["seconds"] == state["seconds"]


async def test_a_persons_decisions_are_played_too(tmp_path: Path, scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("x"), plan("Old Harbor"))}, [look_up], tmp_path)
    graph.checkpointer = InMemorySaver()
    config = {"configurable": {"thread_id": "1"}}
    context = Context(approve=True)
    await graph.ainvoke(QUESTION, config, context=context)
    await graph.ainvoke(Command(resume="no"), config, context=context)
    state = await graph.ainvoke(Command(resume="yes"), config, context=context)
    assert state["answer"] == "4821"
    (run,) = read(tmp_path).values()
    assert [e["said"] for each in run.decisions.values() for e in each] == ["no", "yes"]
    done = await replay(run, tmp_path)
    assert (done.difference, done.state["answer"]) == ("", "4821")
    assert done.state["turns"][0]["calls"][0]["result"].startswith("a person refused")


async def test_what_a_replay_needs_is_named(tmp_path: Path, scripted, plan, look_up) -> None:
    await record(tmp_path, {"planner": scripted(plan("Old Harbor"))}, [look_up])
    (run,) = read(tmp_path).values()
    run.resources["tokenizer"] = "abc"
    with pytest.raises(SettingError, match=r"lacks abc\.tokenizer, which the planner's memory"):
        await replay(run, tmp_path)
    run.resources = {}
    with pytest.raises(SettingError, match="does not say what the run worked with"):
        await replay(run, tmp_path)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted, plan, look_up) -> Path:
    import asyncio

    folder = tmp_path / "record"
    for replies in ((plan("x"), plan("Old Harbor")), (plan("x"), ModelError("gone"))):
        asyncio.run(record(folder, {"planner": scripted(*replies)}, [look_up]))
    return folder


def test_the_command_plays_all_runs_or_one(recorded: Path, capsys: Any) -> None:
    assert cli.main(["replay", str(recorded)]) == 0
    out, err = capsys.readouterr()
    names = [line.split()[0] for line in out.splitlines()]
    assert [line.split()[1] for line in out.splitlines()] == ["same", "same"]
    assert out.splitlines()[0].endswith(f"same  {QUESTION['question']} -> 4821")
    assert err == "runs: 2, differ: 0, not ended: 0\n"
    assert cli.main(["replay", str(recorded), names[0], "--until", "1", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert (shown["run"], shown["note"]) == (names[0], "stopped after turn 1")
    assert [turn["context"] for turn in shown["state"]["turns"]] == ["x"]


def test_the_command_says_what_differs_and_what_is_not_there(recorded: Path, capsys: Any) -> None:
    path = files_of(recorded)[0]
    lines = []
    for event in events_in(path):
        answered = event["event"] == "answered" and event["call"][0] == "look_up"
        text = json.dumps(event).replace("no x", "no z") if answered else json.dumps(event)
        lines.append(line_of(json.loads(text)))
    path.write_bytes(b"".join(lines))
    assert cli.main(["replay", str(recorded)]) == 1
    out, err = capsys.readouterr()
    assert "call 0 of planner in turn 2 differs" in out
    assert err == "runs: 2, differ: 1, not ended: 0\n"
    assert cli.main(["replay", str(recorded), "other"]) == 2
    assert "has no run 'other'" in capsys.readouterr().err
    assert cli.main(["replay", str(recorded / "nothing")]) == 2
    assert "holds no recorded run; record some with --record DIR" in capsys.readouterr().err


def test_the_command_line_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    folder = tmp_path / "record"
    question = "Who is the mayor of the town where Olen Hale lives?"
    words = [question, "--set", "seed=1", "--set", "tools=wikipedia_search"]
    assert cli.main([*words, "--record", str(folder)]) == 0
    monkeypatch.setenv("AGENTFLOW_RECORD", str(tmp_path / "other"))
    assert cli.main(words) == 0
    for place in (folder, tmp_path / "other"):
        (run,) = read(place).values()
        assert (run.question, run.settings["seed"]) == (question, 1)
        assert run.state is not None
        assert cli.main(["replay", str(place)]) == 0
    capsys.readouterr()


def test_a_run_whose_secret_was_hidden_plays_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("X_TOKEN", "supersecretvalue12")
    words = ["What is supersecretvalue12?", "--set", "tools=wikipedia_search", "--set", "seed=1"]
    assert cli.main([*words, "--record", str(tmp_path)]) == 0
    assert b"supersecret" not in b"".join(path.read_bytes() for path in files_of(tmp_path))
    assert cli.main(["replay", str(tmp_path)]) == 0
    monkeypatch.delenv("X_TOKEN")
    assert cli.main(["replay", str(tmp_path)]) == 0
    capsys.readouterr()


def test_what_is_damaged_or_not_ended_is_said(recorded: Path, capsys: Any) -> None:
    first, second = files_of(recorded)
    lines = first.read_bytes().splitlines(keepends=True)
    answered = next(n for n, line in enumerate(lines) if b'"answered"' in line)
    lines[answered] = lines[answered].replace(b"answered", b"answeret")
    first.write_bytes(b"".join(lines))
    second.write_bytes(b"".join(second.read_bytes().splitlines(keepends=True)[:-1]))
    assert cli.main(["replay", str(recorded)]) == 1
    out, err = capsys.readouterr()
    assert "has no answer: it was cut off, or its line is damaged" in out
    assert "runs: 2, differ: 1, not ended: 1" in err
    assert f"damaged lines in {first}: 1; passed over" in err
    assert cli.main(["replay", str(first)]) == 2
    assert "is a file; give the folder of the record" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["replay", str(recorded), "--until", "0"])
    assert "turns count from 1" in capsys.readouterr().err


def test_files_that_are_no_record_are_not_called_damaged(recorded: Path, capsys: Any) -> None:
    """As in the folder of a training or of a benchmark."""
    (recorded.parent / "items.jsonl").write_text('{"task": "almanac"}\n{"task": "almanac"}\n')
    (recorded.parent / "metrics.jsonl").write_text('{"kind": "step"}\n')
    assert cli.main(["replay", str(recorded.parent)]) == 0
    assert capsys.readouterr().err == "runs: 2, differ: 0, not ended: 0\n"


def test_the_command_line_refuses_what_it_cannot_do(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["What is 1 + 1?", "--record", str(tmp_path / "file")]) == 2
    assert "a file is in the place of a folder; name a folder" in capsys.readouterr().err
    assert cli.main(["What is 1 + 1?", "--set", "approve=true"]) == 2
    assert "approve='all' needs somebody to ask" in capsys.readouterr().err
