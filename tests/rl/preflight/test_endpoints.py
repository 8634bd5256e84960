"""The frozen modules' servers and the hub, asked over real HTTP on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply, Request
from qwen import QWEN_7B

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import NANO
from rl.preflight.endpoints import MODULES, endpoints
from rl.preflight.plan import examine
from rl.preflight.planner import Planner, planner
from rl.questions import hub
from rl.settings.config import Config, load
from tools.outcomes.finding import Finding

pytestmark = pytest.mark.integration

CONFIGS = Path(__file__).parents[3] / "rl" / "configs"
MODELS = Reply(body={"data": [{"id": "qwen", "max_model_len": 32768}, {"id": "other"}]})


def asking(url: str, *overrides: str, name: str = "qwen") -> Config:
    """The verifier and the generator are models at one server; the executor is a rule."""
    spec = f"vllm:{name}@{url}/v1"
    given = [f"agent.verifier={spec}", f"agent.generator={spec}"]
    return load(CONFIGS / "nano.yaml", [*given, *overrides])


def found(config: Config, seconds: float = 5.0) -> dict[str, Finding]:
    return {finding.part: finding for finding in endpoints(config, seconds)}


def test_a_model_that_is_served_is_found_and_its_server_asked_once() -> None:
    with Answering([MODELS]) as server:
        seen = found(asking(server.url))
    assert {finding.state for finding in seen.values()} == {"ok"}
    assert seen["verifier"].text == f"qwen at {server.url}, window 32,768 tokens"
    assert seen["executor"].text == "rule: direct"
    assert [request.path for request in server.asked] == ["/v1/models"]


def test_a_key_goes_with_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "s3cret")
    with Answering([MODELS]) as server:
        seen = found(asking(server.url))
    assert server.asked[0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(seen)


@pytest.mark.parametrize(
    ("reply", "fragment"),
    [
        (Reply(body={"data": [{"id": "llama"}]}), "serves llama, not qwen"),
        (Reply(body={"data": []}), "serves no model, not qwen"),
        (Reply(status=503), "503"),
        (Reply(body="<html>"), "not that of an OpenAI-compatible server"),
        (Reply(body=[1, 2]), "not that of an OpenAI-compatible server"),
        (Reply(body={"data": [{"name": "qwen"}]}), "no id"),
        (Reply(delay=1.0), "no answer in 0.2 s"),
    ],
)
def test_a_server_that_is_no_use_is_named_with_the_remedy(reply: Reply, fragment: str) -> None:
    with Answering([reply]) as server:
        seen = found(asking(server.url), seconds=0.2)
    for module in ("verifier", "generator"):
        assert seen[module].state == "failed"
        assert fragment in seen[module].text
        assert f"agent.{module}" in seen[module].remedy


def test_a_server_that_is_not_there() -> None:
    with Answering([MODELS]) as server:
        gone = server.url
    assert "does not serve: ConnectError" in found(asking(gone))["verifier"].text


def test_a_pool_fails_only_with_its_last_server() -> None:
    """So a step that lost one server of several does not pause for it: see `Outage`."""
    with Answering([MODELS]) as one, Answering([MODELS]) as gone:
        config = asking(f"{one.url},{gone.url}")
        assert [f.state for f in endpoints(config) if f.part == "verifier"] == ["ok", "ok"]
        gone.__exit__()
        assert [f.state for f in endpoints(config) if f.part == "verifier"] == ["ok", "warning"]
        one.__exit__()
        assert [f.state for f in endpoints(config) if f.part == "verifier"] == ["failed", "failed"]


def test_loopback_is_another_machine_on_each_node() -> None:
    more = [
        "engine.device=gpu",
        "model.dtype=bf16",
        "placement.nodes=2",
        "optimizer.batch_rows=128",
    ]
    with Answering([MODELS]) as server:
        states = [f.state for f in endpoints(asking(server.url, *more)) if f.part == "verifier"]
    assert states == ["ok", "warning"]


def test_a_provider_without_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    seen = found(load(CONFIGS / "nano.yaml", ["agent.verifier=openai:gpt-unbuilt"]))
    assert seen["verifier"].state == "failed"
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    seen = found(load(CONFIGS / "nano.yaml", ["agent.verifier=openai:gpt-unbuilt"]))
    assert seen["verifier"].text == "openai:gpt-unbuilt; built, not asked"


# ----------------------------------------------------------------------- hub


def files(request: Request) -> Reply:
    """A hub with one model, whose files are those of the planner that ships."""
    name = request.path.removeprefix("/owner/model/resolve/main/")
    known = {
        "config.json": NANO / "config.json",
        "tokenizer_config.json": NANO / "tokenizer" / "tokenizer_config.json",
    }
    return Reply(body=known[name].read_bytes()) if name in known else Reply(status=404)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path / "hub"


def look(url: str, monkeypatch: pytest.MonkeyPatch, name: str = "owner/model") -> list[Finding]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    config = load(CONFIGS / "nano.yaml", ["model.warm_start=false", f"model.path={name}"])
    return list(planner(config, Planner()))


def test_a_model_on_the_hub_is_looked_at_and_not_stored(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering(files) as server:
        seen = look(server.url, monkeypatch)
    assert [(f.part, f.state) for f in seen] == [
        ("planner", "warning"),
        ("tokenizer", "ok"),
        ("window", "ok"),
    ]
    assert "not downloaded" in seen[0].text and "hf download owner/model" in seen[0].remedy
    assert not list(cache.rglob("config.json"))


@pytest.mark.parametrize(
    ("reply", "fragment"),
    [(Reply(status=404), "no owner/model/config.json"), (Reply(status=401), "answers 401")],
)
def test_a_model_that_the_hub_does_not_give(
    cache: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply, fragment: str
) -> None:
    with Answering([reply]) as server:
        (seen,) = look(server.url, monkeypatch)
    assert (seen.state, fragment in seen.text) == ("failed", True)


def test_a_model_in_the_hubs_cache_is_used_from_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from rl.planners.chosen import at_hand

    home = cache / "models--owner--model"
    shutil.copytree(NANO, home / "snapshots" / "abc123")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("abc123")
    gone = "http://127.0.0.1:9"
    assert {f.state for f in look(gone, monkeypatch)} == {"ok"}
    assert hub.cached_folder("owner/other") is None
    given: dict[str, Any] = {"run": "runs/x", "model": {"path": "owner/model"}}
    monkeypatch.setenv("HF_ENDPOINT", gone)
    folder = Path(at_hand(Config.model_validate(given)).model.path)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "qwen2"
    with pytest.raises(SettingError, match=r"(?s)'owner/other' cannot be downloaded .*hf download"):
        hub.download("owner/other")


# -------------------------------------------------------------- the whole of it

HERE = {"versions", "GPUs", "disk", "host memory"}
"""What this machine may lack."""


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("qwen*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_configurations_lack_only_the_machine(
    path: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their endpoints are a server here, which is the hub too; their questions are two files."""
    from huggingface_hub import constants

    def serve(request: Request) -> Reply:
        if request.path == "/v1/models":
            return Reply(body={"data": [{"id": "Qwen/Qwen2.5-7B-Instruct"}]})
        known = {"config.json": QWEN_7B, "tokenizer_config.json": {"chat_template": "{{ x }}"}}
        name = request.path.rpartition("/")[2]
        return Reply(body=known[name]) if name in known else Reply(status=404)

    for name in ("train", "held"):
        row = {"question": f"{name}?", "answer": "4", "scorer": "maths"}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    files = [f"data.train={tmp_path}/train.jsonl", f"data.heldout={tmp_path}/held.jsonl"]
    with Answering(serve) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        spec = f"vllm:Qwen/Qwen2.5-7B-Instruct@{server.url}/v1"
        models = [f"agent.{module}={spec}" for module in MODULES] + [f"reward.judge={spec}"]
        config = load(path, [f"run={tmp_path}/run", *files, *models])
        findings = list(examine(config))
    assert {one.part for one in findings if one.state == "failed"} <= HERE
    assert {"judge", "reward", "executor", "GPU memory"} <= {one.part for one in findings}
    assert [one.state for one in findings if one.part == "GPU memory"] == ["ok", "ok"]
