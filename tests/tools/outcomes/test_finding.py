"""A finding, as every check prints it."""

from __future__ import annotations

import pytest

from tools.outcomes.finding import Finding, failure, ok, skip, verdict, warning


@pytest.mark.parametrize(
    ("finding", "shown"),
    [
        (ok("disk", "9 GiB free"), "ok      disk  9 GiB free"),
        (warning("disk", "nearly full"), "WARNING disk  nearly full"),
        (failure("disk", "full", "free it"), "FAILED  disk  full\n" + 14 * " " + "-> free it"),
        (skip("GPUs", "none here", "a GPU"), "skipped GPUs  none here\n" + 14 * " " + "-> a GPU"),
    ],
)
def test_a_finding_is_a_line_and_its_remedy_another(finding: Finding, shown: str) -> None:
    assert finding.render(width=4) == shown


def test_only_a_failed_verdict_has_a_remedy() -> None:
    assert verdict("disk", True, "free", "free it") == ok("disk", "free")
    assert verdict("disk", False, "full", "free it") == failure("disk", "full", "free it")
