"""A benchmark of a program's own, beside those that ship."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentflow_graph.errors import SettingError
from benchmarks.tasks.registry import benchmark, register, registry


def test_it_is_known_once_it_is_registered() -> None:
    own = replace(benchmark("almanac"), name="islands")
    try:
        register(own)
        register(own)
        assert benchmark("islands") is own
        with pytest.raises(SettingError, match="is called 'islands' already: give yours another"):
            register(replace(own, title="Other"))
    finally:
        del registry()["islands"]


def test_none_that_ships_can_be_replaced() -> None:
    with pytest.raises(SettingError, match="is called 'almanac' already"):
        register(replace(benchmark("almanac"), title="Mine"))
