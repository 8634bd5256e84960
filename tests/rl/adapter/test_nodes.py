"""Several machines see one run folder, or the run is refused with what each of them lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from agentflow_graph.errors import SettingError
from rl.adapter.stack.nodes import hold_to_one_folder, missing, refuse
from rl.settings.config import Config


@pytest.fixture
def cluster() -> Iterator[None]:
    from rl.adapter.stack.cluster import start_ray

    start_ray(on_cpu=True)
    yield
    ray.shutdown()


@pytest.mark.integration
@pytest.mark.usefixtures("cluster")
def test_a_machine_that_sees_all_is_taken_and_one_that_lacks_the_planner_is_named(
    tmp_path: Path,
) -> None:
    planner, run = tmp_path / "planner", tmp_path / "run"
    config = Config.model_validate({"run": run, "model": {"path": str(planner)}})
    with pytest.raises(SettingError, match=f"does not see {planner}/config.json: the run's folder"):
        hold_to_one_folder(config)
    planner.mkdir()
    (planner / "config.json").write_text("{}")
    hold_to_one_folder(config)
    assert list((run / "record").iterdir()) == [], "nothing is left of the probe"


def test_another_folder_of_the_same_name_is_not_the_runs(tmp_path: Path) -> None:
    mark, file = tmp_path / "seen", tmp_path / "tools.toml"
    assert missing(str(mark), "word", [str(file)]) == [str(mark), str(file)]
    mark.write_text("of another machine")
    file.write_text("")
    assert missing(str(mark), "word", [str(file)]) == [str(mark)]
    mark.write_text("word")
    assert missing(str(mark), "word", [str(file)]) == []
    with pytest.raises(SettingError, match=r"second does not see /a, /b: .* disk that all share"):
        refuse({"first": [], "second": ["/a", "/b"]})
