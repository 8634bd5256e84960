"""Mathematics: equal formulas in any form; hard, endless and broken ones score 0."""

import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile import texts
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from launched import ROOT, environment

from benchmarks.scoring.rules import maths as rule
from benchmarks.scoring.scorers import Answer, maths, maths_async


@pytest.mark.parametrize(
    ("gold", "reply"),
    [
        ("33", "33"),
        ("33", "33.0"),
        ("33", r"<answer>\$33</answer>"),
        ("33", "\\[\n33\n\\]"),
        ("33", "So we get $33$."),
        ("33", "m + n = 33"),
        ("33", r"\(33\)"),
        ("33", "<answer>$\\boxed{33}$</answer>"),
        ("33", "66/2"),
        ("-1", "\u22121"),
        ("1234", "1,234"),
        ("1234", "1{,}234"),
        ("0", "-0"),
        (r"\frac{1}{2}", "0.5"),
        (r"\frac{1}{2}", r"\dfrac12"),
        ("(1,2)", "(1, 2)"),
        ("e^2", "e^{2}"),
        (r"3\pi", r"\boxed{3 \pi}"),
        (r"\frac{\pi}{4}", r"\pi/4"),
        (r"2\sqrt{3}", r"\sqrt{12}"),
        ("x^2+1", "1+x^2"),
        ("5!", "120"),
        (r"\infty", "infinity"),
        ("infinity", "\u221e"),
        (r"-\infty", r"$-\infty$"),
        ("Yes", r"\text{yes}"),
        ("Yes", "Yes, it converges."),
        ("No", "no"),
    ],
)
def test_usual_spellings(gold: str, reply: str) -> None:
    assert maths(["\\sqrt{7}", gold], reply).value == 1.0


@pytest.mark.parametrize(
    ("gold", "reply"),
    [
        ("33", "34"),
        ("33", "133"),
        ("33", ""),
        ("33", "thirty"),
        ("2", "(1, 2)"),
        ("2", "2, 3"),
        ("(1,2)", "2"),
        ("(1,2)", "[1,2]"),
        (r"3\pi", "3"),
        ("x^2+3", "3"),
        ("5!", "5"),
        ("5", "5!"),
        (r"\infty", r"-\infty"),
        ("infinity", "-infinity"),
        ("Yes", "No"),
        ("No", "Yes, no"),
        (r"\frac{1}{2}", "0.6"),
        ("10000000000000000", "10000000000000001"),
    ],
)
def test_other_answers(gold: str, reply: str) -> None:
    assert maths([gold], reply).value == 0.0


@pytest.mark.parametrize(
    "reply",
    [
        *("9^9^9", "9^{9^{9}}", "9^{9^{9^{9}}}", "(10^{10})!", "9" * 390 + "!", "1" * 5000),
        *("x" * 100_000, "{" * 300, r"\frac{" * 60, "$" * 50_000, r"\text{" * 50_000, "\x00", "\\"),
        *(
            r"\sum_{n=1}^{10^{12}} n",
            r"\int_0^1 x^x dx",
            "((((",
            r"\begin{matrix}",
            "1/0",
            "\ud800",
        ),
    ],
)
def test_what_cannot_be_read_is_wrong(reply: str) -> None:
    assert maths(["4821"], f"<answer>{reply}</answer>").value == 0.0
    assert maths(["4821"], r"\boxed{4821}").value == 1.0  # whatever that left behind


@given(texts)
@settings(deadline=None)
def test_any_gold_scores_1_on_itself(text: str) -> None:
    assume(text.strip(" \n\t\r$.") and rule._plain(text))
    assert maths([text], Answer(text, "answer_tag")).value == 1.0


@given(texts)
@settings(deadline=None, max_examples=30)
def test_no_reply_raises(reply: str) -> None:
    assert maths([r"\frac{48}{21}"], reply).value in (0.0, 1.0)


@given(st.integers(), st.integers(min_value=1))
def test_another_integer_is_wrong(number: int, more: int) -> None:
    assert maths([str(number)], f"\\boxed{{{number:,}}}").value == 1.0
    assert maths([str(number)], f"\\boxed{{{number + more}}}").value == 0.0


@pytest.mark.parametrize("golds", [[], [""], ["1", " $ $ "]])
def test_a_gold_without_text_is_an_error(golds: list[str]) -> None:
    with pytest.raises(ValueError, match="repair the data set"):
        maths(golds, "1")


def test_threads_share_the_workers() -> None:
    replies = [f"\\boxed{{{n}/40}}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        scores = list(pool.map(lambda reply: maths([r"\frac{1}{2}"], reply).value, replies))
    assert [n for n, value in enumerate(scores) if value] == [20]


async def test_the_event_loop_goes_on_while_an_answer_hangs() -> None:
    ticks = 0
    hard = asyncio.create_task(maths_async(["1"], "(10^{9})!"))
    while not hard.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert (await hard).value == 0.0
    assert ticks > 5  # 300 on a machine that does nothing else


def test_without_math_verify_integers_still_count(monkeypatch: pytest.MonkeyPatch) -> None:
    rule._workers.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    try:
        assert maths(["33"], "33").value == 1.0
        with pytest.raises(ValueError, match="`pip install math-verify`"):
            maths([r"\frac12"], "0.5")
    finally:
        monkeypatch.undo()
        rule._workers.cache_clear()


def test_the_workers_leave_with_a_parent_that_is_killed() -> None:
    program = (
        "from benchmarks.scoring.rules import maths as m; import time\n"
        "assert m.maths(['3/2'], '1.5').value == 1.0\n"
        "print(m._workers()._free.get()._pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    limit = time.monotonic() + 60
    while _runs(worker) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"
