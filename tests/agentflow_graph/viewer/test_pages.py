"""What the page is told: whole runs in portions, groups side by side, a training's steps."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from viewing import finished, run_events, write

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import NANO
from agentflow_graph.record.events import Event, line_of
from rl.flow_grpo import Statistics, advantages

NAMES = [f"train-00002/q1/{number}/0" for number in range(4)]


def test_a_run_is_told_turn_by_turn(seen, tmp_path: Path) -> None:
    decided = {"event": "decided", "run": "a", "turn": 1, "number": 0}
    events = run_events("a")
    events.insert(3, {**decided, "shown": {"args": {"code": "6 * 7"}}, "said": "yes"})
    write(tmp_path / "run", events)
    run = seen().data("run", name="a")
    assert (run["question"], run["answer"], run["stopped_by"]) == (
        "What is 6 * 7?",
        "42",
        "verifier",
    )
    (turn,) = run["turns"]
    planner, tool = turn["calls"]
    assert planner["messages"] == [{"role": "human", "content": "What is 6 * 7?"}]
    assert (planner["reply"], planner["reasoning"]) == ("Tool Name: python_coder", "6 times 7, so")
    assert (planner["input_tokens"], planner["output_tokens"], planner["seconds"]) == (9, 4, 0.5)
    assert json.loads(tool["arguments"]) == {"code": "6 * 7"}
    assert (tool["status"], tool["result"], tool["seconds"]) == ("ok", "42", 0.1)
    assert turn["verdict"]["reason"] == "it is there"
    assert turn["decisions"][0]["said"] == "yes"
    assert run["usage"][0]["module"] == "planner"
    assert json.loads(run["settings"]) == {"max_turns": 3}


def test_a_run_under_way_is_asked_for_again_only_if_it_grew(seen, tmp_path: Path) -> None:
    events = run_events("a")
    path = write(tmp_path / "run", events[:2])
    here = seen()
    run = here.data("run", name="a")
    assert not run["ended"]
    assert run["turns"][0]["calls"][0]["open"]
    assert here.data("run", name="a", lines=run["lines"]) == {"same": True}
    with path.open("ab") as file:
        file.write(line_of(events[2]))
    here.look()
    assert not here.data("run", name="a", lines=run["lines"])["turns"][0]["calls"][0]["open"]


def test_a_failed_call_says_why(seen, tmp_path: Path) -> None:
    events = run_events("a")[:2]
    failed = {"event": "failed", "run": "a", "call": events[1]["call"], "kind": "ModelError"}
    write(tmp_path / "run", [*events, {**failed, "error": "the server is gone"}])
    (call,) = seen().data("run", name="a")["turns"][0]["calls"]
    assert call["failed"] == {"kind": "ModelError", "text": "the server is gone"}


def test_a_long_text_comes_in_portions_and_quickly(seen, tmp_path: Path) -> None:
    result = "".join(f"{number:07d}\n" for number in range(1_250_000))  # 10 MB
    write(tmp_path / "run", run_events("a", result=result))
    here = seen()
    begun = time.process_time()
    run = here.data("run", name="a")
    assert time.process_time() - begun < 0.3
    cut = run["turns"][0]["calls"][1]["result"]
    assert len(orjson.dumps(run)) < 20_000
    assert cut["chars"] == len(result)
    assert cut["cut"] == result[: cut["next"]]
    found = here.data("more", name="a", at=json.dumps(cut["at"]), **{"from": cut["next"]})
    assert found["part"] == result[cut["next"] : found["next"]]
    last = here.data("more", name="a", at=json.dumps(cut["at"]), **{"from": len(result) - 8})
    assert last == {"part": "1249999\n", "next": 0}
    with pytest.raises(SettingError, match="there is no text at"):
        here.data("more", name="a", at='["turns", 0, "nothing"]')


def test_a_run_of_many_long_turns_weighs_little(seen, tmp_path: Path) -> None:
    long = run_events("a", "?" * 5000, result="r" * 5000, reply="p" * 5000)
    events = [long[0]]
    for turn in range(1, 101):
        for event in long[1:5]:
            node, _, number, digest = event["call"]
            events.append({**event, "call": [node, turn, number, digest]})
    write(tmp_path / "run", events)
    here = seen()
    run = here.data("run", name="a")
    assert len(orjson.dumps(run)) < 300_000
    assert "calls" in run["turns"][0]
    last = run["turns"][-1]
    assert last == {"index": 100, "later": 99}
    told = here.data("turn", name="a", place=last["later"])
    assert told["calls"][1]["result"]["chars"] == 5000


def test_text_of_others_is_inert(seen, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\x1b]0;PWNED\x07\u202etxt.exe\u2066"
    events = run_events("a", hostile, answer=hostile, result=hostile, arguments={hostile: hostile})
    write(tmp_path / "run", [*events, {"event": "odd", "run": "a", hostile: hostile}])
    here = seen()
    told = "".join(texts([here.data(name, name="a") for name in ("run", "runs", "about")]))
    assert "<script>" in told, "it is shown as it is, as text"
    assert "\\x1b]0;PWNED\\x07\\u202etxt.exe" in told
    assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(told)


def texts(value: Any) -> Iterator[str]:
    """Every text in plain data, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.items() if isinstance(value, dict) else value:
            yield from texts(list(one) if isinstance(one, tuple) else one)


def test_damage_with_a_right_checksum_hurts_no_other_run(seen, tmp_path: Path) -> None:
    odd: list[Event] = [
        {"event": "ended", "run": "b", "state": {"turns": [7, {"index": "x"}], "usage": 3}},
        {"event": "finished", "run": "b", "task": 9, "number": [], "reward": 1e400, "golds": "x"},
        {"event": "answered", "run": "b", "call": ["planner", 1, 0, "d"], "answer": {"text": 7}},
        {"event": "verdict", "run": "b", "turn": 1, "seconds": 1, "reason": {"a": 1}},
        {"event": "trial", "run": "b", "seconds": "long", "cost": True},
    ]
    write(tmp_path / "run", [*run_events("a"), *odd])
    here = seen()
    assert here.data("run", name="a")["answer"] == "42"
    assert here.data("run", name="b")["name"] == "b"
    assert here.data("groups")["count"] == 0


def tokens_of_nano() -> list[int]:
    from agentflow_graph.models.tokens.tokenizer import PolicyTokenizer

    return PolicyTokenizer.load(NANO).encode("Tool Name: python_coder")


def test_tokens_have_their_text_and_probability(seen, tmp_path: Path) -> None:
    ids = tokens_of_nano()
    logs = [-0.1 * place for place in range(len(ids))]
    reply = "Tool Name: python_coder"
    resources = {"event": "resources", "digest": "0123456789abcdef", "tokenizer": "ab" * 16}
    events = [resources, *run_events("a", reply=reply, token_ids=ids, logprobs=logs)]
    folder = tmp_path / "run/record"
    write(folder, events)
    here = seen()
    assert here.data("run", name="a")["turns"][0]["calls"][0]["tokens"] is None
    named = folder / f"{'ab' * 16}.tokenizer"
    named.write_bytes((NANO / "tokenizer/tokenizer.json").read_bytes())
    tokens = here.data("run", name="a")["turns"][0]["calls"][0]["tokens"]["tokens"]
    assert "".join(text for text, _ in tokens) == reply
    assert [log for _, log in tokens] == pytest.approx(logs, abs=1e-3)
    # Where a secret was hidden from the text, its tokens would tell it.
    write(
        folder,
        [resources, *run_events("b", reply="[hidden]", token_ids=ids, logprobs=logs)],
        "b.jsonl",
    )
    here.look()
    assert here.data("run", name="b")["turns"][0]["calls"][0]["tokens"] is None


@pytest.mark.parametrize("statistics", ["trajectory", "row"])
def test_a_group_has_the_trainers_advantages(seen, tmp_path: Path, statistics: Statistics) -> None:
    rewards = [1.0, 0.0, 0.25, 0.0]
    pairs = zip(NAMES, rewards, strict=True)
    events = [
        event for name, reward in pairs for event in (*run_events(name), finished(name, reward))
    ]
    write(tmp_path / "run/record/train-00002", events)
    (tmp_path / "run/config.yaml").write_text(f"algorithm: {{statistics: {statistics}}}\n")
    told = seen().data("group", part="train-00002", item="q1")["runs"]
    ones = torch.ones(4, dtype=torch.int64)
    wanted = advantages(torch.tensor(rewards), torch.zeros(4), ones, statistics)
    assert [run["advantage"] for run in told] == pytest.approx(wanted.tolist(), abs=1e-5)


def test_a_group_says_where_its_runs_parted(seen, tmp_path: Path) -> None:
    first = run_events(NAMES[0])
    same, other = run_events(NAMES[1]), run_events(NAMES[2])
    for events, code in ((first, "1"), (same, "1"), (other, "2")):
        turn = events[-1]["state"]["turns"][0]
        again = {**turn, "index": 2, "calls": [{**turn["calls"][0], "arguments": {"code": code}}]}
        events[-1]["state"]["turns"] = [turn, again]
    write(tmp_path / "run", [*first, *same, *other])
    found = seen().data("group", part="train-00002", item="q1")
    assert found["parted"] == 2
    assert [[turn["way"] for turn in run["turns"]] for run in found["runs"]] == [
        ["A", "A"],
        ["A", "A"],
        ["A", "B"],
    ]


def test_an_attempt_that_counts_stands_for_its_run(seen, tmp_path: Path) -> None:
    again = "train-00002/q1/0/1"
    events = [*run_events(NAMES[0])[:4], *run_events(again), finished(again, 1.0)]
    write(tmp_path / "run", events)
    (run,) = seen().data("group", part="train-00002", item="q1")["runs"]
    assert (run["name"], run["status"]) == (again, "right")


def test_steps_come_with_their_metrics_from_where_they_were_left(seen, tmp_path: Path) -> None:
    events = [*run_events(NAMES[0]), finished(NAMES[0], 1.0), *run_events(NAMES[1])[:3]]
    write(tmp_path / "run/record/train-00002", events)
    metrics = tmp_path / "run/metrics.jsonl"
    step = {"kind": "step", "step": 2, "reward": 1.0, "kl": 0.5, "levels": {}}
    metrics.write_text(json.dumps(step) + "\n" + '{"kind": "st')
    here = seen()
    (batch,) = here.data("batches")["batches"]
    assert (batch["step"], batch["questions"], batch["right"], batch["under_way"]) == (2, 1, 1, 1)
    told = here.data("metrics")
    assert [entry["kl"] for entry in told["entries"]] == [0.5]
    with metrics.open("a") as file:
        file.write('ep", "step": 3, "reward": 0.5}\n')
    later = here.data("metrics", **{"from": told["next"]})
    assert [entry["step"] for entry in later["entries"]] == [3]
    assert here.data("batches", **{"from": 3})["batches"] == []


def test_each_evaluation_of_a_step_has_its_own_numbers(seen, tmp_path: Path) -> None:
    parts = ("heldout-00003-0.7", "heldout-00003-0.0", "harder-00003-0.7")
    names = [f"{part}/q1/0/0" for part in parts]
    events = [event for name in names for event in (*run_events(name), finished(name, 1.0))]
    write(tmp_path / "run/record", events)
    told = {"kind": "evaluation", "step": 3, "success": 1.0}
    entries = [
        {**told, "set": "heldout", "temperature": 0.7, "seconds": 3.5},
        {**told, "set": "heldout", "temperature": 0.0, "seconds": 0.1},
        {**told, "set": "harder", "temperature": 0.7, "seconds": 9.0},
        {"kind": "step", "step": 3, "seconds": 2.0},
    ]
    (tmp_path / "run/metrics.jsonl").write_text("".join(json.dumps(e) + "\n" for e in entries))
    here = seen()
    took = {entry["part"]: entry["seconds"] for entry in here.data("metrics")["entries"]}
    batches = [batch["part"] for batch in here.data("batches")["batches"]]
    assert batches == ["harder-00003-0.7", "heldout-00003-0.0", "heldout-00003-0.7"]
    assert [took[part] for part in batches] == [9.0, 0.1, 3.5]
    assert took["train-00003"] == 2.0
