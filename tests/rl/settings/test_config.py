"""A run's configuration: what is right loads, what is wrong is named with its value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from rl.settings.config import Config, load

NANO = Path(__file__).parents[3] / "rl" / "configs" / "nano.yaml"
SMALLEST = "run: runs/x\nmodel: {path: there}\n"


@pytest.fixture
def write(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


def refused(path: Path, *overrides: str) -> str:
    with pytest.raises(SettingError) as caught:
        load(path, overrides)
    return str(caught.value)


@pytest.mark.parametrize("name", ["nano", "rl/configs/nano.yaml"])
def test_what_ships_is_found_by_name_from_any_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(Path(name), ["steps=3"]) == load(NANO, ["steps=3"])
    (tmp_path / "nano").write_text("stepz: 4\n")
    with pytest.raises(SettingError, match="stepz"):
        load(Path("nano"))
    with pytest.raises(SettingError, match="other/nano.yaml"):
        load(Path("other/nano.yaml"))


def test_the_nano_configuration_loads() -> None:
    config = load(NANO)
    assert (config.seed, config.rollout.group_size, config.optimizer.lr) == (7, 8, 1e-3)
    context = config.context()
    assert (context.layout, context.passages, context.max_turns) == ("terse", 1, 3)
    assert context.repairs == 0


def test_a_run_and_a_model_are_enough(write: Path) -> None:
    write.write_text(SMALLEST)
    config = load(write)
    assert config == Config.model_validate(
        {"run": Path("runs/x").absolute(), "model": {"path": "there"}}
    )
    assert config.context().max_seconds == config.rollout.deadline


def test_overrides_are_read_as_yaml_and_win(write: Path) -> None:
    write.write_text(SMALLEST + "rollout: {group_size: 4, questions: 2}\n")
    given = [
        "steps=3",
        "rollout.group_size=6",
        "optimizer.lr=2e-4",
        "evaluation.greedy=false",
        "agent.max_turns=5",
        "agent.tools=python_coder",
        "run=runs/y=z",
    ]
    config = load(write, given)
    assert (config.steps, config.rollout.group_size, config.rollout.questions) == (3, 6, 2)
    assert config.optimizer.lr == 2e-4
    assert config.evaluation.greedy is False
    assert config.agent == {"max_turns": 5, "tools": "python_coder"}
    assert config.run == Path("runs/y=z").absolute()


def test_paths_are_whole_from_wherever_the_run_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planner").mkdir()
    given = ["run=runs/x", "data.train=q.jsonl", "agent.executor=local:m?top_p=1"]
    config = load(NANO, [*given, "model.path=planner", "agent.tools_file=tools.toml"])
    assert config.run == tmp_path / "runs" / "x"
    assert config.model.path == str(tmp_path / "planner")
    assert (config.data.train, config.data.heldout) == (str(tmp_path / "q.jsonl"), "almanac")
    assert config.agent["executor"] == f"local:{tmp_path}/m?top_p=1"
    assert config.agent["tools_file"] == str(tmp_path / "tools.toml")
    for name in ("Qwen/Qwen2.5-7B-Instruct", "smollm2"):
        hub = load(NANO, [f"model.path={name}", "model.warm_start=false"])
        assert hub.model.path == name, "a name is none of a folder"


def test_the_agents_own_repairs_and_seconds_win(write: Path) -> None:
    write.write_text(SMALLEST)
    context = load(write, ["agent.repairs=2", "agent.max_seconds=9"]).context()
    assert (context.repairs, context.max_seconds) == (2, 9)


@pytest.mark.parametrize(
    ("override", "fragments"),
    [
        ("stepz=4", ["'stepz'", "did you mean 'steps'?"]),
        ("rollout.grup_size=4", ["'rollout.grup_size'", "did you mean 'group_size'?"]),
        ("agent.max_turnz=4", ["'max_turnz'", "did you mean 'max_turns'?"]),
        ("rolout.group_size=4", ["'rolout.group_size'", "did you mean 'rollout'?"]),
        ("zzz=4", ["unknown key 'zzz': there are run, seed, steps"]),
        ("rollout.batch=4", ["did you mean 'rollout.questions': Questions per step?"]),
        ("train.batch_size=4", ["'train.batch_size'", "did you mean 'optimizer.batch_rows'"]),
        ("rollout.zzz=4", ["'rollout.zzz': there are questions, group_size"]),
        ("lr=4", ["'optimizer.lr'"]),
        (
            "model.reference_offload=true",
            ["model.reference_offload=True", "optimizer.zero_stage=3", "says nothing"],
        ),
        ("optimizer.zero_stage=0", ["optimizer.zero_stage=0", "not finite", "1 computes the same"]),
        ("engine.device=gpu", ["model.dtype='fp32'", "set model.dtype=bf16"]),
        ("steps=many", ["steps='many'", "valid integer"]),
        ("rollout.group_size=1", ["rollout.group_size=1", "greater than or equal to 2"]),
        ("agent.max_turns=0", ["max_turns=0", "greater than or equal to 1"]),
        ("agent.layout=long", ["layout='long'", "'terse'"]),
        ("algorithm.clip_low=1.5", ["algorithm.clip_low=1.5", "less than 1"]),
        ("algorithm.weighting=papr", ["algorithm.weighting='papr'", "'token-mean' or 'constant'"]),
        ("evaluation.temperature=0", ["evaluation.temperature=0", "greater than 0"]),
        ("engine=gpu", ["engine='gpu'"]),
        ("model={}", ["model.path", "required"]),
        (
            "optimizer.batch_rows=100",
            ["optimizer.batch_rows=100", "multiple", "optimizer.micro_batch=64"],
        ),
        ("rollout.window=32", ["rollout.reply_tokens=32", "no room", "rollout.window=32"]),
        ("steps", ["'steps'", "section.key=value"]),
        ("steps.x=1", ["'steps.x'", "'steps' is a value, not a section"]),
        ("agent.tools=[a", ["'agent.tools=[a'", "not YAML"]),
    ],
)
def test_a_mistake_is_named_with_its_remedy(override: str, fragments: list[str]) -> None:
    message = refused(NANO, override)
    assert [part for part in fragments if part not in message] == [], message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rollout.group=4", "rollout.group_size"),
        ("rollout.ahead=1", "rollout.max_steps_ahead"),
        ("rollout.max_tokens=32", "rollout.reply_tokens"),
        ("optimizer.rows=64", "optimizer.batch_rows"),
        ("model.checkpointing=true", "model.gradient_checkpointing"),
        ("engine.kind=inline", "engine.kind=sync"),
    ],
)
def test_an_old_name_is_refused_with_the_new_one(old: str, new: str) -> None:
    assert f"is now called {new};" in refused(NANO, old)


def test_every_mistake_has_a_line_of_its_own() -> None:
    lines = refused(NANO, "stepz=4", "rollout.group_size=1", "optimizer.lr=0").splitlines()
    assert sorted(line.split("=")[0].split("'")[0] for line in lines) == [
        "optimizer.lr",
        "rollout.group_size",
        "unknown key ",
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path / "none.yaml")
    assert "none.yaml" in message
    assert "No such file" in message


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"run: [", "is not YAML"),
        (b"- run\n- model\n", "is not a mapping"),
        (b"just words", "is not a mapping"),
        (b"run: \x80\x81", "is not YAML"),
    ],
)
@pytest.mark.parametrize("overrides", [[], ["rollout.group_size=4"]])
def test_what_is_no_mapping_is_named(
    write: Path, content: bytes, fragment: str, overrides: list[str]
) -> None:
    write.write_bytes(content)
    message = refused(write, *overrides)
    assert "run.yaml" in message
    assert fragment in message


def test_an_empty_file_lacks_what_is_required(write: Path) -> None:
    write.write_text("")
    assert refused(write).splitlines() == ["run: Field required", "model: Field required"]


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(NANO).steps = 3  # type: ignore[misc]


def test_a_reference_that_is_never_asked_is_refused() -> None:
    said = refused(NANO, "model.reference=there", "algorithm.kl=0")
    assert "model.reference='there' is never asked with algorithm.kl=0" in said


def test_nano_is_the_planner_that_ships_unless_a_folder_is_called_so(
    write: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write.write_text(SMALLEST)
    shipped = load(write, ["model.path=nano"]).model.path
    assert (Path(shipped) / "agentflow.json").exists()
    (tmp_path / "nano").mkdir()
    assert load(write, ["model.path=nano"]).model.path == str(tmp_path / "nano")
