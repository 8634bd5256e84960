"""Arguments of the command lines: what is taken, and what is said of anything else."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow_graph.errors import SettingError
from agentflow_graph.record import RecordError
from rl import evaluate
from rl.planners import warmstart
from rl.settings.arguments import check_new, numbers, positive
from rl.settings.errors import TrainingFailed, exit_code
from rl.studies.ablations import __main__ as ablations


@given(st.lists(st.integers(1, 10**6), min_size=1))
def test_written_numbers_are_read_each_once(values: list[int]) -> None:
    assert numbers(",".join(map(str, values))) == list(dict.fromkeys(values))


@given(st.text())
def test_anything_else_is_refused_by_name(text: str) -> None:
    try:
        assert positive(text) >= 1
    except ArgumentTypeError as error:
        assert repr(text) in str(error)


@pytest.mark.parametrize("text", ["0", "-1", "", "1.5", "three", "\u00b2"])
def test_what_is_no_whole_number_from_one_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        positive(text)


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (ablations.main, ["--seeds", "7,x"]),
        (ablations.main, ["--steps", "0"]),
        (evaluate.main, ["--planner", "p", "--out", "o", "--budgets", "1,0"]),
    ],
)
def test_the_command_line_ends_with_code_2(
    main: object, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(main)
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "is not a whole number from 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingError("x=1 is wrong"), 2),
        (TrainingFailed("it broke off"), 1),
        (RecordError("the record cannot be written"), 1),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise error

    assert exit_code(work) == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_a_result_that_has_no_place_is_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr("sys.argv", ["warmstart", "--out", f"{tmp_path}/file/planner"])
    assert warmstart.main() == 2
    assert f"cannot be made: {tmp_path}/file is a file, not a folder" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["warmstart", "--out", str(tmp_path)])
    assert warmstart.main() == 2
    assert "holds something else than a planner" in capsys.readouterr().err
    with pytest.raises(SettingError, match="is a file, not a folder; choose another folder"):
        check_new(tmp_path / "file" / "out.json")
