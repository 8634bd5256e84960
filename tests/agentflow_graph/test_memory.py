"""The memory as text: what is shortened, what is left out, what never is."""

from __future__ import annotations

import pytest

from agentflow_graph.prompts.memory import SHORT, approximate_tokens, command, render, shorten
from agentflow_graph.state import ToolCall, Turn, Verdict, merge_turns, merge_usage


def turn(index: int, result: str = "found", status: str = "ok") -> Turn:
    call = ToolCall(
        tool="look_up",
        arguments={"query": f"q{index}"},
        status=status,  # type: ignore[typeddict-item]
        result=result,
        seconds=0.0,
    )
    return Turn(
        index=index,
        sub_goal="find",
        tool="look_up",
        calls=[call],
        error="",
        verdict=Verdict(complete=False, reason="no"),
    )


def test_the_full_form() -> None:
    assert render([turn(1)], 1000) == (
        "Step 1\n  Sub-goal: find\n  Tool: look_up(q1)\n  Result: found\n  Verifier: go on. no\n"
    )


def test_the_terse_form() -> None:
    assert render([turn(1), turn(2, "slow", "timeout")], 1000, terse=True) == (
        "Step 1: find | look_up | q1\nResult: found\n"
        "Step 2: find | look_up | q2\nResult: timeout: slow\n"
    )


@pytest.mark.parametrize("terse", [True, False])
def test_a_turn_without_plan_is_shown(terse: bool) -> None:
    bare = Turn(index=1, calls=[], error="unreadable")
    bare["calls"] = [ToolCall(tool="", arguments={}, status="error", result="why", seconds=0.0)]
    text = render([bare], 1000, terse=terse)
    assert "error: why" in text and "none" in text


def test_no_turns_are_no_text() -> None:
    assert render([], 10) == ""


@pytest.mark.parametrize("terse", [True, False])
@pytest.mark.parametrize("budget", [1, 100, 250, 400, 10_000])
def test_old_results_shrink_first_and_the_latest_never(budget: int, terse: bool) -> None:
    turns = [turn(n, f"<{n}>" + "x" * 1500 + f"</{n}>") for n in range(1, 5)]
    text = render(turns, budget, terse=terse)
    assert turns[-1]["calls"][0]["result"] in text
    size = approximate_tokens(text)
    latest = approximate_tokens(render(turns[-1:], budget, terse=terse))
    assert size <= max(budget, latest) + 15
    whole = [n for n, t in enumerate(turns) if t["calls"][0]["result"] in text]
    assert whole == list(range(whole[0], len(turns))), "an old result is whole, a newer one is not"
    if budget == 10_000:
        assert len(whole) == len(turns)


def test_left_out_steps_are_counted() -> None:
    text = render([turn(n, "x" * 400) for n in range(1, 6)], 130)
    assert text.startswith("(4 earlier steps left out)\n")


def test_a_budget_that_surely_suffices_needs_no_tokenizer() -> None:
    def never(text: str) -> int:
        raise AssertionError

    assert render([turn(1)], 1000, never)


def test_shorten_keeps_both_ends() -> None:
    text = shorten("a" * 500 + "b" * 500, SHORT)
    assert text.startswith("a" * 120) and text.endswith("b" * 120)
    assert "760 characters left out" in text
    assert shorten("short", SHORT) == "short"


def test_commands() -> None:
    assert command({"query": "q1"}) == "q1"
    assert command({"a": 1, "b": "x"}) == "a=1, b='x'"
    assert command({}) == ""


def test_turns_are_completed_appended_or_begun_anew() -> None:
    done = merge_turns([turn(1)], [[Turn(index=1, error="late")], [Turn(index=2)]])
    assert [t["index"] for t in done] == [1, 2]
    assert (done[0]["error"], done[0]["sub_goal"]) == ("late", "find")
    assert merge_turns(done, [[Turn(index=1, planner=[])]]) == [Turn(index=1, planner=[])]
    assert merge_turns(done, []) == done


def test_usage_adds_up() -> None:
    left = {"planner": {"calls": 1, "seconds": 0.5}}
    both = merge_usage(left, {"planner": {"calls": 1, "seconds": 1.0}, "verifier": {"calls": 2}})
    assert both == {"planner": {"calls": 2, "seconds": 1.5}, "verifier": {"calls": 2}}
    assert left == {"planner": {"calls": 1, "seconds": 0.5}}
