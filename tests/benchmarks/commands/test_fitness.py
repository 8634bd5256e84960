"""A run that would not measure what it says is refused, with what to set instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import _parser, main
from benchmarks.runner.preflight.checks import prepare, repeat
from benchmarks.runner.preflight.profiles import settings_of
from benchmarks.runner.store.folder import Folder

MODEL = "vllm:x@http://127.0.0.1:1?retries=0"
NANO = "planner=nano knows the almanac alone, not {}"
RULES = "verifier=sufficient"
CORPUS = "wikipedia_search would look for {} in the almanac: export AGENTFLOW_WIKIPEDIA_SEARCH"
SEARCHES = "bamboogle needs a tool that searches, and tools=python_coder has none"
OUT = "almanac is in no encyclopedia, and wikipedia_search asks mediawiki"
JUDGED = "scored by rule alone and --judge would not be asked"
SILENT = "vllm:x@http://127.0.0.1:1 does not answer"
UNSET = "the tool web_search is not ready"
ALL = {NANO, RULES, CORPUS, SEARCHES, OUT, JUDGED, SILENT, UNSET}
ONE = ["--set", "tools=python_coder"]


@pytest.mark.parametrize(
    ("words", "backend", "why"),
    [
        (["bamboogle"], "", {NANO, RULES, CORPUS}),
        (["aime24"], "", {NANO, RULES}),
        (["aime24", "--set", f"planner={MODEL}", "--set", f"generator={MODEL}"], "", {RULES}),
        (["gaia", "--model", MODEL], "", {CORPUS}),
        (["bamboogle", "--model", MODEL, *ONE], "", {SEARCHES}),
        (["almanac"], "mediawiki", {OUT}),
        (["almanac", "--judge", MODEL], "", {JUDGED}),
        (["aime24", "--judge", MODEL, "--model", MODEL, *ONE], "", {JUDGED}),
        (["aime24", "--model", MODEL, *ONE], "", {SILENT}),
        (["aime24", "--model", MODEL], "", {SILENT, UNSET}),
        (["aime24", "--baseline", "--model", MODEL], "", {SILENT}),
    ],
)
def test_what_is_unfit_is_refused(
    words: list[str],
    backend: str,
    why: set[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TAVILY_API_KEY", raising=False)
    monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND", backend)
    assert main(["run", *words, "--run", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert {each for each in ALL if each.format(words[0]) in error} == why
    assert error.count(SILENT) <= 1, "a model of two temperatures is told of once"
    assert "--as-is" in error and not (tmp_path / "run").exists()


@pytest.mark.parametrize("how", ["--set", "variable", "of the tool"])
@pytest.mark.parametrize("content", [None, "no json\n", ""])
def test_a_corpus_that_is_none_is_refused(
    how: str,
    content: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus = tmp_path / "corpus.jsonl"
    if content is not None:
        corpus.write_text(content)
    names = {"variable": "AGENTFLOW_CORPUS", "of the tool": "AGENTFLOW_WIKIPEDIA_SEARCH_CORPUS"}
    words = ["--set", f"corpus={corpus}"] if how == "--set" else []
    if not words:
        monkeypatch.setenv(names[how], str(corpus))
    assert main(["run", "almanac", "--limit", "2", "--run", str(tmp_path / "run"), *words]) == 2
    error = capsys.readouterr().err
    assert str(corpus) in error and "set the corpus (--set corpus=" in error
    assert not (tmp_path / "run").exists()


def test_a_corpus_that_breaks_later_is_found_by_asking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"title": "Old Harbor", "text": "a village"}\nbroken\n')
    words = ["run", "almanac", "--limit", "2", "--run", str(tmp_path / "run")]
    assert main([*words, "--set", f"corpus={corpus}"]) == 2
    assert "the tool wikipedia_search is not ready" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def settings(*words: str) -> dict[str, object]:
    return settings_of(_parser().parse_args(["run", *words, "--run", "x"]))


def test_a_model_is_that_of_all_modules_and_of_the_tools() -> None:
    asked = dict.fromkeys(("planner", "executor", "verifier", "generator", "tool_model"), "m")
    assert settings("aime24", "--model", "m") == {**asked, "tools": "all"}
    some = settings("aime24", "--model", "m", "--set", "planner=n", "--temperature", "0")
    assert some == {**asked, "planner": "n", "tools": "all", "temperature": 0.0}


def test_a_baseline_is_the_generator_alone_at_its_temperature() -> None:
    base = {"generator": "m?temperature=0.6", "outputs": "base"}
    words = ["aime24", "--model", "m", "--temperature", "0.6", "--baseline"]
    assert settings(*words) == settings(*words, "cot") == base


def test_a_run_notes_where_it_is_from_and_is_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["run", "almanac", "--limit", "3", "--seed", "4", "--run", str(tmp_path / "first")]
    request, items, _ = prepare(_parser().parse_args(words))
    folder = Folder(tmp_path / "first")
    folder.create(request, items)
    assert folder.request() == request
    noted = request.provenance
    assert noted["effective"]["max_turns"] == 10 and noted["effective"]["layout"] == "terse"
    assert noted["models"]["planner"]["model"] == "nano"
    assert noted["tools"]["wikipedia_search"] == "corpus"
    assert noted["data"]["almanac"]["origin"] == "made here"
    assert len(noted["data"]["almanac"]["items"]) == len(noted["prompts"]["modules"]) == 64
    assert noted["date"] and noted["version"]

    again, same, _ = repeat(tmp_path / "second", folder.path)
    assert same == items and again.name == "second" and not caplog.records
    assert {**vars(again), "name": "", "provenance": {}} == {
        **vars(request),
        "name": "",
        "provenance": {},
    }
    assert again.provenance["data"] == noted["data"]
    text = folder.request_file.read_text().replace(noted["prompts"]["judge"], "0" * 64)
    folder.request_file.write_text(text)
    repeat(tmp_path / "second", folder.path)
    (said,) = caplog.messages
    changed = f"prompts judge: {'0' * 64} is now {noted['prompts']['judge']}"
    assert said == f"not as in {folder.path}: {changed}", "the one value that changed, whole"


def noted(*words: str) -> dict[str, Any]:
    """Where the numbers of a run would be from."""
    request, _, _ = prepare(_parser().parse_args(["run", *words, "--run", "absent"]))
    return request.provenance


def test_settings_in_effect_are_those_of_the_items() -> None:
    found = noted("almanac-hard", "--limit", "10")["effective"]
    assert (found["verifier"], found["generator"]) == ("stated", "stated")
    assert found["corpus"]["almanac-hard"] == {
        "almanac-hard": "8 items",
        "almanac-hard-clean": "2 items",
    }
    over = noted("almanac-hard", "--limit", "10", "--set", "verifier=sufficient")["effective"]
    assert (over["verifier"], over["generator"]) == ("sufficient", "stated")
    both = noted("almanac", "almanac-hard", "--limit", "2")["effective"]
    assert both["verifier"] == {"almanac": "sufficient", "almanac-hard": "stated"}
    assert both["planner"] == "nano"


def test_of_a_plain_call_what_never_runs_is_not_told() -> None:
    found = noted("almanac", "--limit", "1", "--as-is", "--baseline", "--model", MODEL)
    assert list(found["models"]) == ["generator"] and found["tools"] == {}
    assert not {"planner", "tools", "max_turns", "layout"} & set(found["effective"])
    assert found["effective"]["generator"] == MODEL


def test_a_price_that_is_nobodys_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    prices = tmp_path / "prices.toml"
    each = '["{}"]\ninput = 0\noutput = 0\n'
    prices.write_text("".join(map(each.format, ("nano", "vllm:x", "vllm:y"))))
    given = ["almanac", "--limit", "1", "--as-is", "--set", f"generator={MODEL}"]
    noted(*given, "--prices", str(prices), "--max-money", "1")
    (said,) = caplog.messages
    assert said.startswith("--prices: nobody who is asked has the price of vllm:y; asked are ")


def test_a_run_as_it_is_asked_no_server_for_names() -> None:
    given = ["almanac", "--limit", "1", "--as-is", "--judge", MODEL]
    found = noted(*given, "--set", f"generator={MODEL}")
    assert found["models"]["generator"]["served"] == found["judge"] == "not asked"
    assert found["models"]["planner"]["served"] == "", "no server has the nano planner"
