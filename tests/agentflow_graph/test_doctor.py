"""`agentflow doctor`, as a person starts it: what is right is ok, what is not has its remedy."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from answering import Answering, Reply
from launched import run_program

from agentflow_graph.terminal.doctor import main
from agentflow_graph.terminal.machine import machine, port
from tools.outcomes.finding import Finding

pytestmark = pytest.mark.integration

MODELS = Reply(body={"data": [{"id": "qwen"}, {"id": "other"}]})


def lines(printed: str) -> dict[str, str]:
    """What was printed by part; the remedy of a part behind it."""
    found: dict[str, str] = {}
    part = ""
    for line in printed.splitlines():
        if line[:8].strip() and len(line) > 42:
            part, _, _ = line[8:].partition("  ")
            found[part] = line
        elif "->" in line:
            found[part] += line.split("->")[1]
    return found


def test_all_that_ships_works() -> None:
    done = run_program("-m", "agentflow_graph", "doctor")
    told = lines(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert told["planner"].startswith("ok") and "nano" in told["planner"]
    assert told["python_coder auto *"].startswith("ok")
    assert told["wikipedia_search corpus *"].startswith("ok")
    assert "--set tool_model=MODEL" in told["base_generator"]
    assert done.stdout.endswith("all that the settings name works\n")


def test_a_server_is_asked_for_its_models(capsys: pytest.CaptureFixture[str]) -> None:
    with Answering([MODELS]) as server:
        right, wrong = (f"vllm:{name}@{server.url}" for name in ("qwen", "gwen"))
        code = main(
            ["--model", right, "--set", f"generator={wrong}", "--set", "tools=python_coder,"]
        )
    told = lines(capsys.readouterr().out)
    assert code == 1
    assert told["planner, executor, verifier, analysis, tool_model"].startswith("ok")
    assert f"{server.url} serves qwen, other, not gwen" in told["generator"]
    assert "name one of them" in told["generator"]


def test_a_server_that_is_away_and_a_key_that_is_missing_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    away = "generator=vllm:qwen@http://127.0.0.1:9"
    words = ["--set", away, "--set", "verifier=openai:gpt-5-mini", "--set", "tools=python_coder"]
    assert main(words) == 1
    told = lines(capsys.readouterr().out)
    assert "http://127.0.0.1:9 does not serve" in told["generator"]
    assert told["verifier"].startswith("FAILED") and "OPENAI_API_KEY" in told["verifier"]


def test_a_server_that_lists_no_models_may_work(capsys: pytest.CaptureFixture[str]) -> None:
    with Answering([Reply(status=501, body={})]) as server:
        spec = f"generator=vllm:mine@{server.url}"
        assert main(["--set", spec, "--set", "tools=python_coder"]) == 0
    told = lines(capsys.readouterr().out)
    assert told["generator"].startswith("WARNING")
    assert "it does not say which models it has" in told["generator"]
    assert "--live asks it" in told["generator"] and "mozilla" not in told["generator"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("tools_file=none.toml", "none.toml"),
        ("tools=python_codr", "did you mean 'python_coder'"),
        ("tools=default,web_search", "TAVILY_API_KEY"),
    ],
)
def test_tools_that_cannot_be_had_are_findings(
    setting: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TAVILY_API_KEY", raising=False)
    assert main(["--set", setting]) == 1
    out, err = capsys.readouterr()
    assert said in out
    assert "FAILED" in out and err == ""


def test_a_live_call_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    reply = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ready"}}]}
    with Answering(
        lambda asked: MODELS if asked.path.endswith("models") else Reply(body=reply)
    ) as s:
        spec = f"verifier=vllm:qwen@{s.url}"
        code = main(["--live", "--set", spec, "--set", "tools=python_coder"])
        assert any(asked.path == "/v1/chat/completions" for asked in s.asked)
    out = capsys.readouterr().out
    assert code == 0, out
    assert "answered: 'ready'" in out


def test_a_setting_that_is_none_ends_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", "planer=nano"]) == 2
    assert "planer" in capsys.readouterr().err


def test_keys_are_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-secret")
    told: list[Finding] = list(machine(tmp_path))
    (keys,) = [finding for finding in told if finding.part == "keys"]
    assert "OPENAI_API_KEY" in keys.text
    assert "planted" not in "".join(finding.render(20) for finding in told)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        found = port(number, "another port")
    assert (found.state, found.remedy) == ("warning", "another port")
    assert port(number, "").state == "ok"
