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


def test_the_nano_configuration_loads() -> None:
    config = load(NANO)
    assert (config.seed, config.rollout.group, config.optimizer.lr) == (7, 8, 1e-3)
    context = config.context()
    assert (context.layout, context.passages, context.max_turns) == ("terse", 1, 3)
    assert context.repairs == 0


def test_a_run_and_a_model_are_enough(write: Path) -> None:
    write.write_text(SMALLEST)
    config = load(write)
    assert config == Config.model_validate({"run": "runs/x", "model": {"path": "there"}})
    assert config.context().max_seconds == config.rollout.deadline


def test_overrides_are_read_as_yaml_and_win(write: Path) -> None:
    write.write_text(SMALLEST + "rollout: {group: 4, questions: 2}\n")
    given = [
        "steps=3",
        "rollout.group=6",
        "optimizer.lr=2e-4",
        "evaluation.greedy=false",
        "agent.max_turns=5",
        "agent.tools=python_coder",
        "run=runs/y=z",
    ]
    config = load(write, given)
    assert (config.steps, config.rollout.group, config.rollout.questions) == (3, 6, 2)
    assert config.optimizer.lr == 2e-4
    assert config.evaluation.greedy is False
    assert config.agent == {"max_turns": 5, "tools": "python_coder"}
    assert config.run == Path("runs/y=z")


def test_the_agents_own_repairs_and_seconds_win(write: Path) -> None:
    write.write_text(SMALLEST)
    context = load(write, ["agent.repairs=2", "agent.max_seconds=9"]).context()
    assert (context.repairs, context.max_seconds) == (2, 9)


@pytest.mark.parametrize(
    ("override", "fragments"),
    [
        ("stepz=4", ["'stepz'", "did you mean 'steps'?"]),
        ("rollout.grup=4", ["'rollout.grup'", "did you mean 'group'?"]),
        ("agent.max_turnz=4", ["'max_turnz'", "did you mean 'max_turns'?"]),
        ("rolout.group=4", ["'rolout'", "did you mean 'rollout'?"]),
        ("zzz=4", ["unknown key 'zzz'"]),
        ("steps=many", ["steps='many'", "valid integer"]),
        ("rollout.group=1", ["rollout.group=1", "greater than or equal to 2"]),
        ("agent.max_turns=0", ["max_turns=0", "greater than or equal to 1"]),
        ("agent.layout=long", ["layout='long'", "'terse'"]),
        ("algorithm.clip_low=1.5", ["algorithm.clip_low=1.5", "less than 1"]),
        ("algorithm.weighting=papr", ["algorithm.weighting='papr'", "'paper' or 'token-mean'"]),
        ("evaluation.temperature=0", ["evaluation.temperature=0", "greater than 0"]),
        ("engine=gpu", ["engine='gpu'"]),
        ("model={}", ["model.path", "required"]),
        ("optimizer.rows=100", ["optimizer.rows=100", "multiple", "optimizer.micro_batch=64"]),
        ("rollout.window=32", ["rollout.max_tokens=32", "no room", "rollout.window=32"]),
        ("steps", ["'steps'", "section.key=value"]),
        ("steps.x=1", ["'steps.x'", "'steps' is a value, not a section"]),
        ("agent.tools=[a", ["'agent.tools=[a'", "not YAML"]),
    ],
)
def test_a_mistake_is_named_with_its_remedy(override: str, fragments: list[str]) -> None:
    message = refused(NANO, override)
    assert [part for part in fragments if part not in message] == [], message


def test_every_mistake_has_a_line_of_its_own() -> None:
    lines = refused(NANO, "stepz=4", "rollout.group=1", "optimizer.lr=0").splitlines()
    assert sorted(line.split("=")[0].split("'")[0] for line in lines) == [
        "optimizer.lr",
        "rollout.group",
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
@pytest.mark.parametrize("overrides", [[], ["rollout.group=4"]])
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
