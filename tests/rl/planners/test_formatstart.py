"""The format start: what a language model is shown, in which layout, and what it becomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.strings import NANO
from agentflow_graph.replies.plan import parse_plan
from rl.planners import formatstart
from rl.planners.babble import Transcript
from rl.planners.formatstart import FormatStart, babbled, example, main
from rl.planners.supervised import Example, _draw_runs, next_token_loss

# The sandbox proves at its start that nothing in it reaches a listening socket of ours.
pytestmark = pytest.mark.enable_socket
TOOLS = ("python_coder", "wikipedia_search", "base_generator")


@pytest.fixture(scope="module", params=formatstart.LAYOUTS)
def turns(request: pytest.FixtureRequest) -> tuple[str, list[Transcript]]:
    return request.param, babbled(FormatStart(trajectories=20, layout=request.param))


def test_replies_are_what_the_graph_reads(turns: tuple[str, list[Transcript]]) -> None:
    layout, shown = turns
    for turn in shown:
        plan = parse_plan(turn.reply, TOOLS)
        assert plan.context
        assert bool(plan.justification) == (layout != "terse"), "as the layout's rules ask"
        assert ("Answer in exactly this form" in turn.system) == (layout == "static_first")
    later = [turn for turn in shown if "Result: " in turn.prompt]
    assert len(later) > len(shown) / 2, "copying out of results must be shown more often than not"
    copied = [t for t in later if parse_plan(t.reply, TOOLS).context not in t.prompt.split("\n")[1]]
    assert copied


def test_the_loss_counts_the_reply_and_its_end(turns: tuple[str, list[Transcript]]) -> None:
    tokenizer = PolicyTokenizer.load(NANO)
    one = example(tokenizer, turns[1][0])
    counted = [i for i, weight in zip(one.ids, one.weights, strict=True) if weight]
    assert tokenizer.decode(counted) == turns[1][0].reply
    assert counted[-1] == tokenizer.eos_id
    assert one.run, "turns of one run are drawn together"


def test_whole_runs_are_drawn() -> None:
    import random

    examples = [Example([1], [1.0], f"run {n // 3}") for n in range(60)]
    for seed in range(20):
        drawn = _draw_runs(examples, random.Random(seed), 8)
        assert 7 <= len(drawn) <= 9
        assert all([e.run for e in drawn].count(one.run) == 3 for one in drawn)


def test_a_tree_and_padded_rows_have_one_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    model = AutoModelForCausalLM.from_pretrained(NANO, dtype=torch.float32)
    alike = [Example([*range(3, 40), n, n + 1], [0.0] * 37 + [1.0, 1.0]) for n in range(50, 54)]
    losses = []
    for share in (True, False):
        monkeypatch.setattr("rl.planners.supervised._can_share", lambda _, share=share: share)
        if share:
            from rl.prefix.attention import install

            install(model)
        losses.append(next_token_loss(model, alike))
    assert losses[0].item() == pytest.approx(losses[1].item(), abs=1e-5)


def test_the_planner_is_complete_and_says_what_it_knows(tmp_path: Path) -> None:
    out = tmp_path / "planner"
    assert main(["--planner", str(NANO), "--out", str(out), "--steps", "2", "--threads", "1"]) == 0
    known = json.loads((out / "agentflow.json").read_text())
    assert {name: known[name] for name in ("layout", "passages", "recipe", "format_steps")} == {
        "layout": "terse",
        "passages": 1,
        "recipe": "format start",
        "format_steps": 2,
    }
    PolicyTokenizer.load(out)
    before, after = (
        AutoModelForCausalLM.from_pretrained(f, dtype=torch.float32) for f in (NANO, out)
    )
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    assert any(not torch.equal(one, other) for one, other in pairs)
    assert not (tmp_path / "planner.partial").exists()


def test_a_folder_that_is_taken_or_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--planner", str(NANO), "--out", str(tmp_path)]) == 2
    assert "exists; choose another" in capsys.readouterr().err
    assert main(["--planner", str(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "has no config.json" in capsys.readouterr().err


def test_the_hard_world_has_its_own_questions_rules_and_room() -> None:
    recipe = FormatStart(world="almanac-hard", trajectories=20)
    told = babbled(recipe)
    assert any('print("answer:"' in turn.reply for turn in told), "under `stated` answers are told"
    assert len(told) > 20
    assert formatstart.record(recipe)["memory_tokens"] == 640
    assert formatstart.record(FormatStart())["memory_tokens"] == 384
