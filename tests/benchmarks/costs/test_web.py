from __future__ import annotations

import pytest

from benchmarks.costs.web import measure


@pytest.mark.integration
async def test_a_kept_answer_is_faster_and_eight_at_once_ask_once() -> None:
    for figures in (await measure(rounds=2)).values():
        assert figures["hit_over_miss"] < 0.8
        assert figures["requests_of_8"] == 1
