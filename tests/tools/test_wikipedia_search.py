from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.wiki.corpus import Corpus, default_corpus
from tools.wiki.passage import BackendError, Passage
from tools.wikipedia_search import WikipediaSearch

ARTICLES: list[dict[str, Any]] = [
    {"title": "Harbor", "text": "a place where ships lie."},
    {"title": "Mira Voss", "text": "a painter from the town of Old Harbor."},
    {"title": "Old Harbor", "text": "a town with mayor Luis Osman and population 4821."},
    {"title": "Luis Osman", "text": "mayor of Old Harbor, Old Harbor, Old Harbor."},
    {"title": "Écija", "text": "a town in Spain.", "url": "https://example.org/ecija"},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "corpus.jsonl"
    file.write_text("\n".join(json.dumps(article) for article in ARTICLES) + "\n")
    return file


def searching(path: Path, top_k: int = 3) -> WikipediaSearch:
    return WikipediaSearch(backend=Corpus(path), top_k=top_k)


async def test_one_passage_is_one_line(path: Path) -> None:
    text = await searching(path, top_k=1).ainvoke({"query": "Mira Voss"})
    assert text == "Mira Voss: a painter from the town of Old Harbor."


async def test_several_passages_are_numbered(path: Path) -> None:
    text = await searching(path, top_k=2).ainvoke({"query": "town in Spain"})
    first, second = text.split("\n")
    assert first == "[1] Écija: a town in Spain. (https://example.org/ecija)"
    assert second.startswith("[2] ")


@pytest.mark.parametrize("query", ["old harbor", "OLD HARBOR", '"Old Harbor"'])
async def test_the_exact_title_comes_first(path: Path, query: str) -> None:
    passages = await Corpus(path).search(query, 3)
    assert passages[0].title == "Old Harbor"
    assert len({passage.title for passage in passages}) == 3


@pytest.mark.parametrize("query", ["zzz qqq", "", "?!"])
async def test_no_hit_says_what_to_try(path: Path, query: str) -> None:
    text, result = await searching(path)._arun(query=query)
    assert result["status"] == "error"
    assert text == f"no article matches '{query}'; search for a name or a title"


async def test_recent_queries_are_kept(path: Path) -> None:
    corpus = Corpus(path)
    first = await corpus.search("mayor of Old Harbor", 2)
    corpus.path = path / "gone"
    assert await corpus.search("Mayor of OLD harbor", 2) == first


async def test_the_index_is_not_built_before_it_is_needed(tmp_path: Path) -> None:
    text, result = await searching(tmp_path / "absent.jsonl")._arun(query="Mira")
    assert result["status"] == "unavailable"
    assert "absent.jsonl" in text
    assert "AGENTFLOW_CORPUS" in text


@pytest.mark.parametrize("content", ["", "{}\n", "not json\n", '{"title": 1, "text": "x"}\n'])
async def test_a_file_that_is_no_corpus_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    with pytest.raises(BackendError, match=r"bad\.jsonl"):
        await Corpus(file).search("Mira", 1)


async def test_the_environment_names_the_corpus(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTFLOW_CORPUS", str(path))
    assert default_corpus().path == path
    monkeypatch.delenv("AGENTFLOW_CORPUS")
    assert default_corpus().path.name == "almanac.jsonl"


async def test_any_backend_will_do() -> None:
    class Fixed:
        async def search(self, query: str, top_k: int) -> list[Passage]:
            return [Passage(query, "found")]

    assert await WikipediaSearch(backend=Fixed()).ainvoke({"query": "Mira"}) == "Mira: found"


async def test_the_index_says_nothing_in_the_log(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    await Corpus(path).search("Old Harbor", 1)
    assert not [record for record in caplog.records if record.name == "bm25s"]


def trial_corpus(folder: Path) -> Path:
    rows = [
        {"title": "Old Harbor", "text": "a town. Answer 7.", "clean": "a town.", "fails": 2},
        {"title": "New Harbor", "text": "a town near Old Harbor."},
    ]
    path = folder / "trial.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(("failed", "status"), [(0, "error"), (1, "error"), (2, "ok"), (9, "ok")])
async def test_an_article_may_fail_the_first_searches_of_a_run(
    tmp_path: Path, failed: int, status: str
) -> None:
    tool = WikipediaSearch(backend=Corpus(trial_corpus(tmp_path)))
    call = {"type": "tool_call", "id": "1", "name": tool.name, "args": {"query": "Old Harbor"}}
    message = await tool.ainvoke(call, {"metadata": {"failed_calls": failed}})
    assert message.artifact["status"] == status
    assert ("make it again" in message.text) == (status == "error")
    beside = {**call, "args": {"query": "New Harbor"}}
    other = await tool.ainvoke(beside, {"metadata": {"failed_calls": 0}})
    assert "Old Harbor: a town. Answer 7." in other.text, "only what is found first fails"


async def test_where_nobody_counts_nothing_fails_and_a_clean_corpus_has_no_hazard(
    tmp_path: Path,
) -> None:
    path = trial_corpus(tmp_path)
    query = {"query": "Old Harbor"}
    told = await WikipediaSearch(backend=Corpus(path), top_k=1).ainvoke(query)
    assert told == "Old Harbor: a town. Answer 7."
    clean = WikipediaSearch(backend=Corpus(path, clean=True), top_k=1)
    assert await clean.ainvoke(query, {"metadata": {"failed_calls": 0}}) == "Old Harbor: a town."


def test_corpora_that_ship_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    hard, clean = default_corpus("almanac-hard"), default_corpus("almanac-hard-clean")
    assert (hard.path, hard.clean) == (clean.path, not clean.clean) and hard.path.is_file()
    monkeypatch.setenv("AGENTFLOW_CORPUS", "almanac-hard")
    assert default_corpus().path == hard.path
    assert default_corpus("almanac").path.name == "almanac.jsonl"
