"""`--probe` times the servers of the frozen modules, and nothing is asked without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply, Request
from wire import message

from rl.train import main

pytestmark = pytest.mark.integration
CONFIG = Path(__file__).parents[3] / "rl" / "configs" / "nano.yaml"
DELAY = 0.5


def server() -> Answering:
    """Says after half a second that it read 800 tokens and wrote 40, or 1 where 1 was asked for."""

    def answer(request: Request) -> Reply:
        if request.path.endswith("/models"):
            return Reply(body={"data": [{"id": "m"}]})
        body: dict[str, Any] = dict(message("1\n2\n3").body)
        written = min(40, request.json["max_tokens"])
        body["usage"] = {"prompt_tokens": 800, "completion_tokens": written, "total_tokens": 840}
        return Reply(body=body, delay=DELAY)

    return Answering(answer)


def plan(tmp_path: Path, capsys: Any, urls: str, *more: str) -> tuple[int, str]:
    spec = f"vllm:m@{urls}"
    given = [f"agent.verifier={spec}", f"agent.generator={spec}", f"run={tmp_path / 'run'}"]
    code = main(["--config", str(CONFIG), "--dry-run", *more, *given])
    return code, capsys.readouterr().out


def test_each_server_of_a_pool_is_timed_and_a_step_estimated(tmp_path: Path, capsys: Any) -> None:
    with server() as one, server() as two:
        _, out = plan(tmp_path, capsys, f"{one.url},{two.url}", "--probe", "--json")
        told = json.loads(out)
    for asked in (one, two):
        assert [r.path for r in asked.asked].count("/v1/chat/completions") == 18
        bodies = [r.body for r in asked.asked if b"Count" in r.body]
        assert len({*bodies}) == 16, "no prompt is another one's"
    probe, step = told["probe"], told["step"]
    for speed in probe["servers"]:
        assert 0.2 * 8 * 800 / DELAY < speed["prompt"] < 8 * 800 / DELAY
        assert 0.2 * 8 * 40 / DELAY < speed["reply"] < 8 * 40 / DELAY
    rates = {kind: sum(one[kind] for one in probe["servers"]) for kind in ("prompt", "reply")}
    wanted = step["frozen_prompt_tokens"] / rates["prompt"]
    wanted += step["frozen_reply_tokens"] / rates["reply"]
    assert probe["seconds"] == pytest.approx(wanted)


def test_without_it_nobody_is_asked(tmp_path: Path, capsys: Any) -> None:
    with server() as one:
        _, out = plan(tmp_path, capsys, one.url)
    assert {request.path for request in one.asked} == {"/v1/models"}
    assert "probe:" not in out


def test_the_assumptions_and_what_failed_are_said(tmp_path: Path, capsys: Any) -> None:
    with server() as one, Answering([Reply(401, "no")]) as shut:
        _, out = plan(tmp_path, capsys, f"{one.url},{shut.url}", "--probe")
    assert "Assumed: every call as long as it may be; no cached prefixes" in out
    assert "tokens a second" in out
    assert f"probe: {shut.url}: " in out
    assert "answered 401" in out


def test_it_goes_with_a_dry_run(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["--config", str(CONFIG), "--probe"])
    assert "--probe goes with --dry-run" in capsys.readouterr().err
