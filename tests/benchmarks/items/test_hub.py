"""Items from the hub: read by its library, and no gated set without leave."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from made_up import write

from agentflow_graph.errors import SettingError
from benchmarks.items.data import load, loaded
from benchmarks.tasks.registry import benchmark

BAMBOOGLE = benchmark("bamboogle")


def test_the_hub_is_read_by_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads a folder as it reads a repository of the hub."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    write(tmp_path / "repository" / "test.jsonl", [{"Question": "Who?", "Answer": "Orla"}])
    near = replace(BAMBOOGLE, hub=str(tmp_path / "repository"))
    assert [item.golds for item in load(near, "full", None)] == [("Orla",)]
    with pytest.raises(SettingError, match="the hub gave no rows"):
        load(replace(near, split="absent"), "full", None)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SettingError, match="`make setup` or `pip install datasets`"):
        load(BAMBOOGLE, "full", None)


@pytest.mark.parametrize("task", ["gaia", "gpqa"])
def test_without_a_token_a_gated_set_is_not_asked_for(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(SettingError, match="hf auth login") as refused:
        load(benchmark(task), "full", None)
    assert f"https://huggingface.co/datasets/{benchmark(task).hub}" in str(refused.value)


class Gate(BaseHTTPRequestHandler):
    """A hub that knows the data set and lets nobody in; it records what was asked for."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(403)
        self.send_header("X-Error-Code", "GatedRepo")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gate() -> Iterator[str]:
    Gate.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.integration
def test_an_account_that_accepted_no_terms_downloads_nothing(gate: str, tmp_path: Path) -> None:
    program = (
        "from benchmarks.items.data import load\n"
        "from benchmarks.tasks.registry import benchmark\n"
        "load(benchmark('gaia'), 'full', None)"
    )
    env = {**os.environ, "HF_ENDPOINT": gate, "HF_TOKEN": "hf_none", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=120
    )
    assert "SettingError: gaia-benchmark/GAIA is gated and the hub does not let" in done.stderr
    assert "GatedRepoError" in done.stderr
    of_the_set = [path for path in Gate.asked if "GAIA" in path]
    assert of_the_set == ["/api/datasets/gaia-benchmark/GAIA/auth-check"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The revisions that a hub is asked for; its newest is `newest`."""
    seen: list[object] = []

    def load_dataset(name: str, config: str | None, **how: object) -> list[dict[str, str]]:
        seen.append(how["revision"])
        return [{"Question": "Who?", "Answer": "Orla"}]

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    monkeypatch.setattr("benchmarks.items.data.revision", lambda name: "newest")
    return seen


def test_the_hub_is_read_at_the_commit_that_is_noted(asked: list[object]) -> None:
    newest = replace(BAMBOOGLE, hub="owner/read-at-the-newest")
    for known, commit in ((newest, "newest"), (replace(newest, revision="pinned"), "pinned")):
        found = loaded(known, "full", None)
        assert asked.pop() == found.revision == found.described["revision"] == commit


def test_a_commit_that_was_noted_is_read_again(asked: list[object]) -> None:
    found = loaded(BAMBOOGLE, "full", None, commit="noted")
    assert asked == [found.revision] == ["noted"]
    with pytest.raises(SettingError, match="is pinned to commit pinned of .*, and noted is asked"):
        loaded(replace(BAMBOOGLE, revision="pinned"), "full", None, commit="noted")
