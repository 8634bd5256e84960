"""Searches that find the benchmark itself: marked in the record, counted, or kept away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from quizzes import QUIZ, quiz_benchmark
from sessions import KNOWN, result, session

from agentflow_graph.graph import build_graph
from agentflow_graph.record import read
from benchmarks.contamination.leaks import NOTHING, Watch
from benchmarks.items.item import Item
from benchmarks.items.wording import WORDS, format_question
from benchmarks.report.content import report_of
from benchmarks.report.numbers.pairing import compare
from benchmarks.report.numbers.result import Session
from benchmarks.report.report import markdown, record
from benchmarks.runner import inspecting
from benchmarks.runner.run import start
from benchmarks.runner.store.folder import Folder, Request
from benchmarks.runner.store.session import read_session

ASKED = "Who led the guild in the year that the mill of Brae was built?"
ITEM = Item("q0", format_question(ASKED, WORDS), ("Orla",))
CLEAN = "[1] Brae: a town with a mill. (https://a.example/)"
LEAK = f"[2] Bamboogle: {ASKED} Orla (https://b.example/)"
MIRROR = "[3] A data set (https://huggingface.co/datasets/owner/name)"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (CLEAN, ""),
        (LEAK, "question"),
        (f"{CLEAN}\nwho led the GUILD, in the year that the mill of Brae was Built", "question"),
        ("Who led the guild in the year that the mill of Port Ames was built?", ""),
        (MIRROR, "huggingface.co"),
        ("(https://datasets-server.huggingface.co/rows)", "datasets-server.huggingface.co"),
        ("(https://nothuggingface.co/) http://[::1", ""),
    ],
)
def test_what_leaks_is_told(text: str, why: str) -> None:
    assert Watch.of(ITEM).leak(text) == why


def test_only_what_leaks_is_kept_from_the_agent() -> None:
    watch = Watch.of(ITEM, hidden=True)
    status, text, noted = watch.screen("web_search", "ok", f"{CLEAN}\n{LEAK}\n{MIRROR}")
    assert (status, noted) == ("ok", {"leak": "question"})
    assert text == f"{CLEAN}\n(2 more may not be shown here)"
    page = f"From a page (https://b.example/):\n[1] {ASKED}\n[2] The answer is Orla."
    for whole in (LEAK, page, f"It was Orla.[1]\nSources:\n{MIRROR}"):
        assert watch.screen("web_search", "ok", whole)[:2] == ("error", NOTHING)


def test_what_was_not_found_is_no_leak() -> None:
    watch = Watch.of(ITEM, hidden=True)
    for name, status in (("web_search", "error"), ("python_coder", "ok"), ("base_generator", "ok")):
        assert watch.screen(name, status, ASKED) == (status, ASKED, {})  # type: ignore[arg-type]


@tool
async def find(query: str) -> str:
    """Search."""
    return f"{CLEAN}\n{LEAK}" if "guild" in query else CLEAN


class Planner(BaseChatModel):
    """Searches for the guild, and keeps what it was shown."""

    seen: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "guild"

    async def _agenerate(self, messages: list[BaseMessage], *_: object, **__: object) -> ChatResult:
        self.seen.append(str(messages[-1].text))
        plan = AIMessage("Context: guild\nSub-Goal: find it\nTool Name: find")
        return ChatResult(generations=[ChatGeneration(message=plan)])

    def _generate(self, *_: object, **__: object) -> ChatResult:
        raise AssertionError("the graph is async")


@pytest.mark.parametrize("hidden", [False, True])
def test_a_trial_is_marked_and_the_agent_kept_from_the_leak(
    hidden: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def plain(
        folder: object, request: object, items: object, trials: object, *_: object
    ) -> list[object]:
        from benchmarks.runner.store.records import Key

        await trials.outcome(Key(QUIZ, "q0", 1))  # type: ignore[attr-defined]
        return [type("Log", (), {"status": "success"})]

    monkeypatch.setattr(inspecting, "evaluate", plain)
    settings = {"max_turns": 2, "verifier": "stated", "layout": "terse", "memory_tokens": 4096}
    request = Request("r", {QUIZ: "full"}, {QUIZ: 1}, settings=settings, filter_leaks=hidden)
    planner, folder = Planner(seen=[]), Folder(tmp_path / "run")
    agent = build_graph({"planner": planner}, [find])
    asyncio.run(start(folder, request, {QUIZ: {"q0": ITEM}}, {QUIZ: quiz_benchmark()}, agent))

    (found,) = read_session(folder.path).results
    assert found.leaks == found.turns == 2
    (run,) = read(folder.record).values()
    assert run.state and run.state["turns"][0]["calls"][0]["data"]["leak"] == "question"
    told = planner.seen[1].replace(ASKED, "", 1)
    assert "a town with a mill" in told and ("Orla" in told) is not hidden
    assert (ASKED in told) is not hidden
    assert read_session(folder.path).filter_leaks is hidden


def leaky(**more: bool) -> Session:
    return session(
        [result("a", leaks=2), result("b", 0.0), result("c"), result("d", None)], 4, **more
    )


def test_the_report_counts_them() -> None:
    report = report_of(leaky(), KNOWN)
    assert record(report)["leaks"] == {
        "bamboogle": {"trials": 1, "right": 1, "others": 2, "others_right": 1}
    }
    text = markdown(report)
    assert "| Bamboogle | 1 | 100.0 % | 2 | 50.0 % |" in text and "--filter" in text.replace(
        "\\", ""
    )
    assert "It was kept from the agent" in markdown(report_of(leaky(filter_leaks=True), KNOWN))
    assert "Leaks" not in markdown(report_of(session([result()], 1), KNOWN))
    assert "filter_leaks: False and True" in compare(leaky(), leaky(filter_leaks=True)).differs
