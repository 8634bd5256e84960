"""Model strings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from agentflow_graph.models.provider import ProviderModel
from agentflow_graph.models.strings import NANO, chat_model
from agentflow_graph.models.tokens.weights import trained_under


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "model '' has none of the forms nano, local:DIR"),
        ("gpt-5", "model 'gpt-5' has none of the forms"),
        ("local:", "model 'local:' has none of the forms"),
        ("local:/no/such/folder", "no tokenizer.json in /no/such/folder"),
        ("vllm:qwen", "model 'vllm:qwen' is not of the form vllm:NAME@http://HOST:PORT"),
        ("policy:dir@localhost", "is not of the form policy:NAME@http://HOST:PORT"),
        ("policy:/no/such@http://localhost:1", "no tokenizer.json in /no/such"),
        ("nosuchprovider:m", "model 'nosuchprovider:m' cannot be built"),
    ],
)
def test_a_string_that_names_no_model(spec: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        chat_model(spec, 0.0, 10)
    assert said in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://localhost:8000/v1/"])
def test_vllm_is_an_openai_server(url: str) -> None:
    model = chat_model(f"vllm:Qwen/Qwen3@{url}", 0.5, 10)
    assert isinstance(model, ProviderModel)
    where = model.endpoint
    assert (where.name, where.url) == ("Qwen/Qwen3", "http://localhost:8000/v1")
    assert (model.temperature, model.max_tokens) == (0.5, 10)


def test_a_model_is_built_once_a_setting() -> None:
    spec = "vllm:m@http://localhost:1"
    assert chat_model(spec, 0.5, 10) is chat_model(spec, 0.5, 10)
    assert chat_model(spec, 0.5, 10) is not chat_model(spec, 0.6, 10)


def test_a_missing_key_is_a_setting_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingError, match="OPENAI_API_KEY"):
        chat_model("openai:gpt-5-mini", 0.1, 11)


def test_what_a_planner_was_trained_under(tmp_path: Path) -> None:
    assert trained_under(tmp_path) == {}
    (tmp_path / "agentflow.json").write_text(json.dumps({"layout": "terse"}))
    assert trained_under(tmp_path) == {"layout": "terse"}
    assert NANO.name == "nano"


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        ("vllm:x@http://127.0.0.1:1", {"seed": 7}),
        ("vllm:x@http://127.0.0.1:1?seed=3", {"seed": 3}),
        ("mistralai:x", {"random_seed": 7}),
        ("deepseek:x", None),
    ],
)
def test_a_seed_reaches_the_servers_that_take_one(
    spec: str, sent: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("MISTRAL_API_KEY", "DEEPSEEK_API_KEY"):
        monkeypatch.setenv(key, "a key of a test")
    model = chat_model(spec, 0.7, 10, seed=7)
    assert isinstance(model, ProviderModel)
    assert model.sampling.get("extra") == sent
    assert "extra" not in chat_model(spec.partition("?")[0], 0.7, 10).sampling  # type: ignore[attr-defined]
