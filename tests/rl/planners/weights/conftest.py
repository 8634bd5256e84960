"""A tiny model's file, and a hub that is not there."""

from __future__ import annotations

from pathlib import Path

import ggufs
import pytest


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ggufs.write(tmp_path_factory.mktemp("weights") / "tiny.gguf", ggufs.tiny("llama"))


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub that nobody may ask, and nothing in its cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
