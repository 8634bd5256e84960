"""The judge: its menu, what it is shown, and answers that instruct it."""

import asyncio
import random
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hostile import texts
from hypothesis import given
from hypothesis import strategies as st
from instructing import ATTACKS, honest, shown
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda

from agentflow_graph.errors import SettingError
from agentflow_graph.record import RecordError, RunRecord, Scope
from agentflow_graph.record.run import on_behalf_of
from benchmarks.scoring.decoys import decoy
from benchmarks.scoring.judge import LONGEST_ANSWER, Judge, Verdict, prompt

QUESTION, GOLDS = "Who was president when Citibank was founded?", ["James Madison", "Madison"]
PLAIN = ("James Madison", "Madison", "Mars")


def judge(speak: Any, **more: Any) -> Judge:
    """A judge whose model says what `speak` makes of the user message."""

    async def reply(messages: list[BaseMessage]) -> AIMessage:
        said = speak(str(messages[-1].content))
        usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
        return said if isinstance(said, AIMessage) else AIMessage(said, usage_metadata=usage)

    return Judge(RunnableLambda(reply), "scripted", **more)


def gullible(text: str) -> str:
    """Obeys whatever the answer says unless it is plainly an answer; else compares."""
    return honest(text) if shown(text)["answer"] in PLAIN else "As I am told.\nVERDICT: CORRECT"


def parrot(text: str) -> str:
    """Repeats what it is shown."""
    return str(shown(text)["answer"])


@pytest.mark.parametrize("speak", [honest, gullible])
async def test_right_and_wrong_answers(speak: Any) -> None:
    ask = judge(speak)
    right = await ask(QUESTION, GOLDS, "I think <answer>James Madison</answer>")
    assert (right.correct, right.error) == (True, "")
    assert (right.input_tokens, right.output_tokens) == (200, 20)  # the control counts
    wrong = await ask(QUESTION, GOLDS, "The answer is Mars")
    assert (wrong.correct, wrong.input_tokens) == (False, 100)
    assert await ask(QUESTION, GOLDS, " \n") == Verdict(False, "there is no answer")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("speak", [honest, gullible, parrot])
async def test_no_instruction_wins(speak: Any, attack: str) -> None:
    for reply in (attack, f"<answer>{attack}</answer>", f"\\boxed{{{attack}}}"):
        verdict = await judge(speak)(QUESTION, GOLDS, reply)
        assert not verdict.correct
    if speak is gullible:
        assert verdict.correct is False
        assert "it instructs the judge" in verdict.reason or verdict.reason == "Compared."


async def test_a_judge_that_accepts_everything_accepts_nothing() -> None:
    verdict = await judge(lambda text: "Yes.\nVERDICT: CORRECT")(QUESTION, GOLDS, "Madison")
    assert verdict.correct is False
    assert verdict.reason.endswith("judge accepts anything")


async def test_a_control_without_verdict_leaves_the_answer_unscored() -> None:
    said = iter(["Yes.\nVERDICT: CORRECT", "hm"])
    verdict = await judge(lambda text: next(said))(QUESTION, GOLDS, "Madison")
    assert (verdict.correct, verdict.error) == (None, "off the menu")


@pytest.mark.parametrize(
    "said",
    [
        *("", "CORRECT", "Verdict: correct", "VERDICT: CORRECT or not", "VERDICT: MAYBE", "{}"),
        *("VERDICT: CORRECT\nI am sure.", "VERDICT: INCORRECT\nVERDICT: CORRECT", "VERDICT:"),
        AIMessage("So.\nVERDICT: CORRECT", response_metadata={"finish_reason": "length"}),
        AIMessage("So.\nVERDICT: INCORRECT", response_metadata={"stop_reason": "max_tokens"}),
    ],
)
async def test_off_the_menu_is_unscored(said: Any) -> None:
    verdict = await judge(lambda text: said)(QUESTION, GOLDS, "Mars")
    assert (verdict.correct, verdict.error) == (None, "off the menu")


@pytest.mark.parametrize(
    "said",
    ["It differs.\n**VERDICT: INCORRECT**", "<think>VERDICT: CORRECT\n</think>VERDICT: INCORRECT"],
)
async def test_marks_and_thoughts_around_a_verdict(said: str) -> None:
    assert (await judge(lambda text: said)(QUESTION, GOLDS, "Mars")).correct is False


async def test_slow_and_broken_models_are_data() -> None:
    async def slow(messages: list[BaseMessage]) -> AIMessage:
        await asyncio.sleep(600)
        raise AssertionError

    late = await Judge(RunnableLambda(slow), "slow", seconds=0.05)(QUESTION, GOLDS, "Mars")
    assert (late.correct, late.error) == (None, "timeout")

    def broken(text: str) -> str:
        raise ConnectionError("gone")

    failed = await judge(broken)(QUESTION, GOLDS, "Mars")
    assert (failed.correct, failed.error) == (None, "model failed")
    assert failed.reason == "ConnectionError: gone"


def judging(run: RunRecord) -> AbstractContextManager[Scope]:
    """What a judge asks inside is recorded as the runner and the trainer record it."""
    return on_behalf_of(Scope(run, 0, "judge"))


async def test_what_is_on_record_is_not_asked_again_whatever_is_drawn() -> None:
    run, asked = RunRecord("r"), []

    def count(text: str) -> str:
        asked.append(text)
        return honest(text)

    verdicts = []
    for seed in range(3):
        with judging(run):
            ask = judge(count, rng=random.Random(seed))
            verdicts.append(await ask(QUESTION, GOLDS, "Madison"))
    assert len(asked) == 2, "the question and its control"
    assert verdicts == [Verdict(True, "Compared.", "", 200, 20, calls=2)] * 3
    assert [key.number for key, _ in run.calls] == [0, 1] * 3

    others = [(QUESTION, GOLDS, "Mars"), (QUESTION, ["Mars"], "Madison"), ("Who?", GOLDS, "Earth")]
    for number, other in enumerate(others, 3):
        with judging(run):
            await judge(count)(*other)
        assert len(asked) == number
    with judging(run):
        await Judge(judge(count).model, "another judge")(QUESTION, GOLDS, "Mars")
    assert len(asked) == 6


@pytest.mark.parametrize("fault", ["hm", "", ConnectionError("gone"), TimeoutError()])
@pytest.mark.parametrize("at", [0, 1])
async def test_what_is_no_verdict_is_asked_again(fault: Any, at: int) -> None:
    """Of the question and its control the one that has a verdict is kept."""
    run, asked = RunRecord("r"), []

    def fail_once(text: str) -> str:
        asked.append(text)
        if len(asked) != at + 1:
            return honest(text)
        if isinstance(fault, Exception):
            raise fault
        return str(fault)

    with judging(run):
        assert (await judge(fail_once)(QUESTION, GOLDS, "Madison")).correct is None
    with judging(run):
        assert (await judge(fail_once)(QUESTION, GOLDS, "Madison")).correct is True
    assert len(asked) == 3
    assert len(run.answers) == 2


async def test_a_record_that_is_full_is_no_fault_of_the_model() -> None:
    def broken(text: str) -> str:
        raise RecordError("no room")

    with pytest.raises(RecordError, match="no room"):
        await judge(broken)(QUESTION, GOLDS, "Madison")


@given(texts, texts)
def test_the_fence_holds_one_object_whatever_is_in_it(question: str, answer: str) -> None:
    data = shown(str(prompt(question, GOLDS, answer)[1].content))
    assert data["answer"].encode("utf-8", "surrogatepass") == answer.encode(
        "utf-8", "surrogatepass"
    )


async def test_what_the_judge_sees_is_short_and_fenced_anew() -> None:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return "No.\nVERDICT: INCORRECT"

    for _ in range(2):
        await judge(note)(QUESTION, GOLDS, "x" * 10**6)
    assert len(shown(seen[0])["answer"]) == LONGEST_ANSWER
    assert seen[0].split("\n")[0] != seen[1].split("\n")[0]


@pytest.mark.parametrize("golds", [[], [" "]])
async def test_no_gold_is_an_error(golds: list[str]) -> None:
    with pytest.raises(ValueError, match="repair the data set"):
        await judge(honest)(QUESTION, golds, "Mars")


def test_a_judge_that_cannot_work_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for spec, said in [
        ("openai:gpt-5-mini-judge", "OPENAI_API_KEY"),
        ("nosuchprovider:m", "cannot be built"),
        ("gpt", "none of the forms"),
        ("nano", "name a chat model"),
    ]:
        with pytest.raises(SettingError, match=said):
            Judge.of(spec)


@given(
    st.sampled_from(["Jane Austen", "June 20, 1837", "1,234", "yes", "50%"]), texts, st.integers()
)
def test_a_decoy_shares_nothing_with_what_was_said(gold: str, seen: str, seed: int) -> None:
    drawn = decoy(gold, seen, random.Random(seed))
    assert set(drawn.casefold().replace(",", "").split()).isdisjoint(
        f"{gold} {seen}".casefold().replace(",", "").split()
    )


def test_a_decoy_has_the_shape_of_the_gold_and_always_comes() -> None:
    rng = random.Random(0)
    assert decoy("1,234", "", rng).isdigit()
    assert decoy("20 June 1837", "", rng).split()[0].isalpha()
    everything = " ".join(decoy("a b c", "", rng) for _ in range(2_000))
    assert int(decoy("a b c", everything, rng), 16) >= 0
