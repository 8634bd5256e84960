"""`python -m tools`: what is ready, and one call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply

from tools.__main__ import WIDTH, main
from tools.catalog import check
from tools.catalog.catalog import NAMES

SECRET = "planted-secret-value-0815"
FOUND = {"query": {"pages": [{"title": "Town", "extract": "A town.", "fullurl": "u", "index": 1}]}}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AGENTFLOW_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTFLOW_CACHE", "off")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        return code, *capsys.readouterr()

    return call


def lines(out: str) -> dict[str, str]:
    """Findings by tool and backend; the one in use keeps its star."""
    rows = [line for line in out.splitlines() if not line.startswith("*")]
    return {row[8 : 8 + WIDTH].strip(): row[8 + WIDTH :].strip() for row in rows}


def test_one_call_is_one_line_of_json(run: Any) -> None:
    code, out, _ = run("run", "wikipedia_search", '{"query": "Karl Nash"}', "--backend", "corpus")
    assert code == 0
    assert out.count("\n") == 1
    result = json.loads(out)
    assert (result["tool"], result["status"]) == ("wikipedia_search", "ok")
    assert "Karl Nash: a painter" in result["text"]
    assert result["seconds"] > 0


def test_a_call_that_fails_ends_with_one(run: Any) -> None:
    code, out, _ = run("run", "wikipedia_search", '{"query": "x"}', "--backend", "mediawiki")
    assert (code, json.loads(out)["status"]) == (1, "unavailable")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wikipedia_search", "{"], "no JSON"),
        (["wikipedia_search", "[1]"], "no JSON object"),
        (["wikipedia_search", "{}"], "query: Field required): give query"),
        (["wikipedia_serch", "{}"], "did you mean 'wikipedia_search'"),
        (["wikipedia_search", "{}", "--backend", "kiwi"], "no backend 'kiwi'"),
        (["base_generator", "{}", "--backend", "x"], "no setting 'backend'"),
        (["default", "{}"], "'default' is 3 tools"),
    ],
)
def test_wrong_usage_ends_with_two(run: Any, words: list[str], said: str) -> None:
    code, out, err = run("run", *words)
    assert (code, out) == (2, "")
    assert said in err


def test_no_command_ends_with_two() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2


def test_what_is_not_ready_has_a_remedy(run: Any) -> None:
    code, out, _ = run("check", "base_generator", "wikipedia_search", "web_search", "google_search")
    states = lines(out)
    assert code == 1
    assert states["wikipedia_search corpus *"] == "ready"
    assert states["web_search tavily-keyless"] == "ready"
    assert "AGENTFLOW_WIKIPEDIA_SEARCH_CONTACT" in states["wikipedia_search mediawiki"]
    assert "kiwix-serve --port" in states["wikipedia_search kiwix"]
    assert "TAVILY_API_KEY" in states["web_search tavily *"]
    assert "GEMINI_API_KEY" in states["google_search gemini *"]
    assert "SERPER_API_KEY" in states["google_search serper"]
    assert "model" in states["base_generator"]
    assert out.count("FAILED") == 3
    assert out.count("WARNING") == 4


def test_what_nobody_named_is_only_warned_of(run: Any) -> None:
    code, out, _ = run("check")
    assert (code, out.count("FAILED")) == (0, 0)
    assert "WARNING web_search tavily *" in out
    assert out.endswith("* the backend in use\n")


def test_only_the_backend_in_use_decides(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("check", "wikipedia_search")[0] == 0
    monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND", "kiwix")
    code, out, _ = run("check", "wikipedia_search")
    assert (code, "wikipedia_search kiwix *" in lines(out)) == (1, True)
    monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND", "kiwi")
    assert (
        "no backend 'kiwi'" in lines(run("check", "wikipedia_search")[1])["wikipedia_search kiwi *"]
    )


def test_names_that_are_not_ours_are_checked_too(run: Any) -> None:
    code, out, _ = run("check", "no.such:tool")
    assert code == 1
    assert "cannot import tool" in out


def test_a_tool_of_the_current_folder_says_how_it_is_found(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mytools_here.py").write_text("stock = 3\n")
    monkeypatch.chdir(tmp_path)
    out = run("check", "mytools_here:stock")[1]
    assert "lies in the current folder, which this command does not search" in out
    assert "put `PYTHONPATH=.` before it" in out
    monkeypatch.syspath_prepend(tmp_path)
    assert (
        "mytools_here has no 'stok' (did you mean 'stock'?)" in run("check", "mytools_here:stok")[1]
    )


def test_a_bad_file_ends_with_two(run: Any, tmp_path: Path) -> None:
    assert run("--file", str(tmp_path / "absent.toml"), "check")[0] == 2


def test_every_tool_of_ours_is_checked() -> None:
    assert set(check.BACKENDS) == set(check.LIVE) == set(NAMES)


@pytest.mark.enable_socket
def test_the_sandbox_is_checked_by_its_canaries(run: Any, landlock: None) -> None:
    assert lines(run("check", "python_coder")[1])["python_coder landlock"] == "ready"


@pytest.fixture
def wiki(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Reply]]:
    """A wiki in use; what the list holds is answered in turn."""
    replies = [Reply(body=FOUND)]
    with Answering(replies) as server:
        monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND", "mediawiki")
        monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_URL", f"{server.url}/{SECRET}")
        monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_CONTACT", "me@example.org")
        yield replies


@pytest.mark.integration
def test_live_makes_a_real_call(run: Any, wiki: list[Reply]) -> None:
    assert (
        lines(run("check", "wikipedia_search", "--live")[1])["wikipedia_search mediawiki *"]
        == "ready"
    )
    wiki[:] = [Reply(404)]
    code, out, _ = run("check", "wikipedia_search", "--live")
    assert code == 1
    assert "error: MediaWiki rejects" in lines(out)["wikipedia_search mediawiki *"]


@pytest.mark.integration
def test_a_check_ends(run: Any, wiki: list[Reply], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SECONDS", 0.5)
    wiki[:] = [Reply(body=FOUND, delay=3)]
    started = time.monotonic()
    _, out, _ = run("check", "wikipedia_search", "--live")
    assert "no answer in 0.5 s" in out
    assert time.monotonic() - started < 3


@pytest.mark.integration
def test_no_secret_is_printed(wiki: list[Reply], monkeypatch: pytest.MonkeyPatch) -> None:
    wiki[:] = [Reply(401, {"error": {"message": f"bad key {SECRET}"}})]
    for name in ("TAVILY_API_KEY", "GEMINI_API_KEY", "SERPER_API_KEY", "OTHER_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    commands = ["check", 'run wikipedia_search {"query":"x"}', "run wikipedia_search {}"]
    for command in [*commands, "check wikipedia_search --live"]:
        done = subprocess.run(
            [sys.executable, "-m", "tools", *command.split()],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1, 2)
        assert SECRET not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
