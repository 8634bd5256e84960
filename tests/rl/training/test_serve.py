"""Serving a trained planner: which folder, what is refused, and a server that the agent asks."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from launched import ROOT, environment, run_program

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import NANO
from agentflow_graph.record import read
from rl.serve import check_extra, command, main, planner


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with both planners."""
    for name in ("model", "best"):
        shutil.copytree(NANO, tmp_path / "run" / name)
    return tmp_path / "run"


def test_a_run_serves_its_last_planner_or_its_best(run: Path) -> None:
    assert planner(run, best=False) == run / "model"
    assert planner(run, best=True) == run / "best"
    assert planner(run / "model", best=False) == run / "model"


@pytest.mark.parametrize(
    ("missing", "best", "remedy"),
    [("model", False, "serve it with --best"), ("best", True, "serve it without --best")],
)
def test_a_missing_planner_is_named_and_the_other_one_offered(
    run: Path, missing: str, best: bool, remedy: str
) -> None:
    shutil.rmtree(run / missing)
    with pytest.raises(SettingError) as caught:
        planner(run, best)
    assert str(run / missing / "config.json") in str(caught.value)
    assert remedy in str(caught.value)


def test_a_folder_without_planner_ends_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "holds no planner" in capsys.readouterr().err


def test_the_server_listens_on_loopback_whatever_is_added(run: Path) -> None:
    words = command(run / "model", 8123, ["--max-model-len", "512", "--hos", "0.0.0.0"])
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words.index("--host") > words.index("--hos"), "of two, the last one counts"
    assert words[words.index("--tokenizer") + 1] == str(run / "model" / "tokenizer")


@pytest.mark.parametrize("word", ["--host", "--host=0.0.0.0", "--model", "--uds=/tmp/x"])
def test_what_is_fixed_is_refused(word: str) -> None:
    with pytest.raises(SettingError, match=re.escape(word)):
        check_extra(["--max-model-len", "512", word])


def test_a_dry_run_prints_the_command_and_starts_nothing(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(run), "--best", "--dry-run", "--max-model-len", "512"]) == 0
    shown = capsys.readouterr().out
    assert f"--model {run / 'best'}" in shown
    assert "--max-model-len 512" in shown


# -------------------------------------------------------------------- servers


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for temporary files: the path of a socket has 107 characters at most."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.integration
def test_a_port_in_use_is_refused_before_anything_starts(
    run: Path, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(run), "--port", str(taken)]) == 2
    assert f"port={taken}" in capsys.readouterr().err


@pytest.mark.integration
def test_a_server_that_breaks_off_is_reported_with_its_log(run: Path) -> None:
    (run / "model" / "config.json").write_text("{}")
    done = run_program("-m", "rl.serve", str(run), "--port", str(free_port()))
    assert done.returncode == 1
    assert "the server ended with code" in done.stderr
    assert "Error" in done.stderr
    assert "planner=policy:" not in done.stdout


@pytest.mark.integration
def test_the_agent_asks_the_served_planner_and_ctrl_c_leaves_nothing(
    run: Path, short: Path
) -> None:
    words = [sys.executable, "-m", "rl.serve", str(run), "--best", "--port", str(free_port())]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment(TMPDIR=str(short)), stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout
            setting = next((line for line in server.stdout if line.startswith("planner=")), "")
            family = psutil.Process(server.pid).children(recursive=True)
            assert family
            done = ask(setting.strip(), record=short / "record")
        finally:
            server.send_signal(signal.SIGINT)
            code = server.wait(timeout=60)
    assert setting.startswith(f"planner=policy:{run / 'best'}@http://127.0.0.1:")
    assert done.returncode == 0, done.stderr
    state = json.loads(done.stdout)
    assert state["answer"]
    answer = read(short / "record")[state["run"]].answers_of("planner")[1, 0]
    assert answer["token_ids"], "answered by the served planner"
    assert code == 0
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive, [process.cmdline() for process in alive]
    left = [path for path in short.rglob("*") if path.is_socket()]
    assert left == [], "vLLM's own, which it never removes"


def ask(*settings: str, record: Path) -> subprocess.CompletedProcess[str]:
    """What a user does with the printed setting."""
    words = ["-m", "agentflow_graph", "Who is the mayor of Old Hill?", "--json"]
    given = (word for setting in settings for word in ("--set", setting))
    return run_program(*words, *given, "--record", str(record))


@pytest.mark.integration
def test_a_served_language_model_is_executor_verifier_and_generator(
    smollm2: Path, short: Path
) -> None:
    """No rule decides anything in this run; the planner is the one that ships.

    Without a module start the model writes what it likes: every reply is read or named as a fault.
    """
    words = [sys.executable, "-m", "rl.serve", str(smollm2), "--name", "clerk", "--port"]
    with subprocess.Popen(
        [*words, str(free_port()), "--max-model-len", "2048"],
        cwd=ROOT,
        env=environment(TMPDIR=str(short)),
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout
            model = next((line for line in server.stdout if line.startswith("vllm:")), "").strip()
            modules = [f"{name}={model}" for name in ("executor", "verifier", "generator")]
            limits = ["reply_tokens=96", "max_turns=2"]
            done = ask(*modules, *limits, record=short / "record")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
    assert model.startswith("vllm:clerk@http://127.0.0.1:")
    assert done.returncode == 0, done.stderr
    state = json.loads(done.stdout)
    assert state["stopped_by"] in ("turns", "verifier"), "a run ends by a verdict or by its budget"
    assert not state.get("error")
    for name in ("planner", "executor", "verifier", "generator"):
        spent = state["usage"][name]
        assert spent["calls"] >= 1
        assert spent["input_tokens"] > 0
        assert spent["output_tokens"] > 0
    for turn in state["turns"]:
        (call,) = turn["calls"]
        assert call["status"] == "ok" or call["result"], "a fault says what it is"
        assert turn["verdict"]["complete"] or turn["verdict"]["reason"]
    assert state["answer"]
    assert read(short / "record")[state["run"]].answers_of("executor")[1, 0]["text"]
