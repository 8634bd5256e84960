"""A finished run, made once for all tests of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from quiz_runs import N, Quiz
from quizzes import noting_judge


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which every trial has its mark."""
    path = tmp_path_factory.mktemp("finished")
    quiz = Quiz(path, noting_judge(path / "judged"))
    assert asyncio.run(quiz.run()) == ["ok"] * N
    return path
