from __future__ import annotations

from pathlib import Path

import pytest

from tools.catalog.catalog import NAMES
from tools.catalog.settings import FOR, Settings, SettingsError, ToolSettings

FILE = """
[wikipedia_search]
backend = "kiwix"
url = "http://127.0.0.1:8080"
rate = 50
attempts = 2
[base_generator]
model = "openai:gpt-5-mini"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tools.toml"
    path.write_text(FILE)
    return path


def test_nothing_said_means_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENTFLOW_TOOLS", raising=False)
    assert all(Settings().of(name) == ToolSettings() for name in NAMES)
    assert set(FOR) == set(NAMES)


def test_the_nearest_source_wins(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(file=file).of("wikipedia_search").backend == "kiwix"
    monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND", "mediawiki")
    monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_RATE", "0.5")
    own = Settings(file=file).of("wikipedia_search")
    assert own == ToolSettings("mediawiki", "http://127.0.0.1:8080", rate=0.5, attempts=2)
    own = Settings({"wikipedia_search": {"backend": "corpus"}}, file).of("wikipedia_search")
    assert (own.backend, own.rate) == ("corpus", 0.5)


def test_the_environment_names_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTFLOW_TOOLS", str(file))
    assert Settings().of("base_generator").model == "openai:gpt-5-mini"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"bakend": "x"}, "no setting 'bakend'; did you mean 'backend'?"),
        ({"backend": 3}, "backend = 3 cannot be used: it must be a text"),
        ({"rate": "fast"}, "rate = 'fast' cannot be used: it must be a number from 0"),
        ({"rate": -1}, "rate = -1"),
        ({"rate": float("nan")}, "rate = nan"),
        ({"rate": True}, "rate = True"),
        ({"attempts": 2.5}, "attempts = 2.5 cannot be used: it must be a whole number"),
        ({"embeddings": "x"}, "no setting 'embeddings'"),
    ],
)
def test_a_setting_that_cannot_be_used(table: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as fault:
        Settings({"wikipedia_search": table}).of("wikipedia_search")
    assert said in str(fault.value)


@pytest.mark.parametrize("content", ["no toml", "backend = 'x'", "\xff"])
def test_a_file_that_is_no_settings(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tools.toml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"tools\.toml"):
        Settings(file=path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        Settings(file=tmp_path / "absent.toml")
