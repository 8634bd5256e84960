"""Every file that comes from outside, damaged: no traceback, no secret, the exit code that is told.

The commands run in this process; an exception that leaves `main` would be a traceback. The files
are made by `damage.py` out of seeds, so a failure names one that makes it again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from damage import SECRET
from training_runs import finished as finished_training
from trying import Place, hold, records, sealed

from agentflow_graph.__main__ import main as agent
from agentflow_graph.models.strings import NANO
from benchmarks.__main__ import main as benchmark
from rl.questions.cli import main as questions
from rl.report import main as report
from rl.run.export import main as export
from rl.run.rescore import main as rescore
from rl.serve import main as serve
from rl.train import main as train
from tools.__main__ import main as tools

QUESTION = "What is 2 + 3?"
CONFIG = Path(__file__).parents[2] / "rl" / "configs" / "nano.yaml"
TOOLS = b'[wikipedia_search]\nbackend = "corpus"\nrate = 5\n[python_coder]\ntimeout = 3\n'
CORPUS = b'{"title": "Old Harbor", "text": "A town. Its mayor is Mira Voss.", "url": "u"}\n'
SERVERS = b'{"mcpServers": {"maps": {"url": "http://127.0.0.1:1/mcp", "headers": {"A": "b"}}}}'
PRICES = b'["openai:gpt-5-mini"]\ninput = 0.25\noutput = 2.0\n'
ROWS = b'{"question": "What is 2 + 3?", "answer": "5", "id": "a"}\n'
MANIFEST = b'{"seed": 42, "files": {"rows.jsonl": {"rows": 1, "sha256": "0"}}}'


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", SECRET)
    monkeypatch.setenv("AGENTFLOW_CACHE", "off")


@pytest.fixture
def planner(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NANO, tmp_path / "planner"))


@pytest.mark.parametrize(
    "name",
    [
        "agentflow.json",
        "config.json",
        "model.safetensors",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
    ],
)
def test_a_planner(name: str, planner: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = iter(range(1000))

    def ask() -> int:
        # A planner is kept by its folder's name.
        here = planner.with_name(f"planner-{next(tried)}")
        here.symlink_to(planner)
        words = ("--set", f"planner=local:{here}", "--set", "max_turns=1", "--set", "tools=default")
        return agent([QUESTION, *words])

    hold(Place(planner / name), ask, capsys, (0, 1, 2), count=6)


def test_the_settings_of_the_tools(tmp_path: Path, capsys) -> None:
    place = Place(tmp_path / "tools.toml", TOOLS)
    words = ["--file", str(place.path), "run", "wikipedia_search", '{"query": "Old Harbor"}']
    hold(place, lambda: tools(words), capsys, (0, 1, 2))


def test_a_corpus(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path / "corpus.jsonl", CORPUS * 3)
    monkeypatch.setenv("AGENTFLOW_CORPUS", str(place.path))
    words = ["run", "wikipedia_search", '{"query": "Old Harbor"}']
    hold(place, lambda: tools(words), capsys, (0, 1, 2))


def test_a_file_of_servers(tmp_path: Path, capsys) -> None:
    place = Place(tmp_path / "servers.json", SERVERS)
    hold(place, lambda: tools(["run", f"mcp:{place.path}#none", "{}"]), capsys, (2,))


def test_arguments_of_a_tool(tmp_path: Path, capsys) -> None:
    place = Place(tmp_path / "arguments", b'{"query": "Old Harbor"}')

    def run() -> int:
        text = place.path.read_text(errors="surrogateescape") if place.path.is_file() else ""
        return tools(["run", "wikipedia_search", text])

    hold(place, run, capsys, (0, 1, 2))


def test_prices(tmp_path: Path, capsys) -> None:
    place = Place(tmp_path / "prices.toml", PRICES)
    # Another setting is wrong too: nothing is run.
    words = ["run", "almanac", "--run", str(tmp_path / "run"), "--prices", str(place.path)]
    hold(place, lambda: benchmark([*words, "--set", "tools=none_such"]), capsys, (2,))


@pytest.mark.parametrize("name", ["train.jsonl", "train.json", "train.csv", "train.parquet"])
def test_questions(name: str, tmp_path: Path, capsys) -> None:
    place = Place(tmp_path / name, ROWS)
    hold(place, lambda: questions(["check", str(place.path)]), capsys, told="")


def test_a_manifest(tmp_path: Path, capsys) -> None:
    (tmp_path / "rows.jsonl").write_bytes(ROWS)
    place = Place(tmp_path / "manifest.json", MANIFEST)
    words = ["check", str(tmp_path / "rows.jsonl")]
    hold(place, lambda: questions(words), capsys, told="")


def test_a_configuration(tmp_path: Path, capsys) -> None:
    place = Place(tmp_path / "nano.yaml", CONFIG.read_bytes())
    # One setting more is wrong: nothing is started.
    words = ["--config", str(place.path), "run=x", "model.path=/absent", "model.warm_start=false"]
    hold(place, lambda: train(words), capsys, (2,))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished training run."""
    folder = finished_training(tmp_path / "run")
    shutil.copytree(NANO, folder / "model")
    return folder


@pytest.mark.parametrize("name", ["metrics.jsonl", "config.yaml", "summary.json"])
def test_a_training_run(name: str, run: Path, tmp_path: Path, capsys) -> None:
    place = Place(run / name)
    hold(place, lambda: report([str(run)]), capsys, count=3, fixed=False)

    def published() -> int:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return export([str(run), "--out", str(tmp_path / "out")])

    hold(place, published, capsys, count=4, fixed=False)
    # A run that has ended, or that lacks its planner: nothing is started.
    (run / "summary.json").unlink(missing_ok=True)
    if name != "summary.json":
        hold(place, lambda: train(["--resume", str(run)]), capsys, (2,), count=4)


def test_the_record_of_a_training(run: Path, capsys) -> None:
    place = Place(records(run / "record")[0])
    hold(place, lambda: rescore([str(run / "record")]), capsys)
    hold(place, lambda: report([str(run)]), capsys, count=2, fixed=False)


def test_events_of_a_training_that_are_none(run: Path, capsys) -> None:
    place = Place(records(run / "record")[0])
    sealed(place, lambda: rescore([str(run / "record")]), capsys)
    sealed(place, lambda: report([str(run)]), capsys, count=4)


def test_a_planner_to_serve(planner: Path, capsys) -> None:
    place = Place(planner / "config.json")
    words = [str(planner), "--dry-run"]
    hold(place, lambda: serve(words), capsys, count=2)
