"""The sittings of a run, as they are on record, and what of them concerns one scoring."""

from __future__ import annotations

from typing import Any

from benchmarks.report.numbers.sittings import sitting
from benchmarks.runner.store.folder import Request
from benchmarks.runner.store.records import Records


def sittings_of(request: Request, records: Records, scoring: int) -> list[dict[str, Any]]:
    """Those that ran trials or made marks of a scoring, the first as `run.json` tells it."""
    first, *later = records.sittings
    every = [first | sitting(request.provenance), *(each for each in later if _did(each, scoring))]
    return [each if each["scoring"] == scoring else _unjudged(each) for each in every]


def _unjudged(each: dict[str, Any]) -> dict[str, Any]:
    """Without its judge, who made the marks of another scoring."""
    prompts = {name: digest for name, digest in each.get("prompts", {}).items() if name != "judge"}
    return {**each, "judge": "", "prompts": prompts}


def provenance_in(request: Request, sittings: list[dict[str, Any]], scoring: int) -> dict[str, Any]:
    """The provenance of `run.json`; of a later scoring the judge is that scoring's own."""
    if not scoring or not request.provenance:
        return request.provenance
    served = [each["judge"] for each in sittings if each["scoring"] == scoring]
    return {**request.provenance, "judge": next(filter(None, served), "")}


def _did(each: dict[str, Any], scoring: int) -> bool:
    return bool(each["trials"] or (each["marks"] and each["scoring"] == scoring))
