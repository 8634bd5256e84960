"""A recorded run as the answers of another: nothing is asked, the first difference is raised.

    run = Replay(recorded)
    with record_as(run):
        await graph.ainvoke(...)        # Difference, or the same state to the last bit

Failures that were recorded are raised again, a person's decisions are given again, and the run's
clock stands where it stood, so that budgets end it at the same place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from agentflow_graph.errors import ModelError, OutOfTime, PromptTooLong
from agentflow_graph.errors.outside import hidden_json
from agentflow_graph.record.events import Answer, Event, as_json, digest_of
from agentflow_graph.record.reading import RecordedCall, RecordedRun
from agentflow_graph.record.run import Ask, RunRecord

FAILURES: dict[str, Callable[[str], Exception]] = {
    kind.__name__: kind for kind in (ModelError, OutOfTime, PromptTooLong)
}
SHOWN = 160
"""Characters of each side of a difference."""


class Difference(Exception):
    """The run asks something that the record does not answer.

    Not of the agent's tree of errors: a module would make it a failure of a model and go on.
    """


class EndOfRecord(Exception):
    """The replay has come to where it is to stop, or where the recorded run was cut off."""


class Replay(RunRecord):
    """Answers from the record of a run.

    Args:
        recorded: the run.
        until: the last turn to play; 0: all.
    """

    def __init__(self, recorded: RecordedRun, until: int = 0) -> None:
        super().__init__(recorded.name)
        self.replayed = True
        self._recorded, self._until = recorded, until
        # Of a call that was made again, after a kill or a failure, the last one counts.
        self._calls = {call.key[:3]: call for call in recorded.calls}

    async def call(self, node: str, turn: int, number: int, request: Event, ask: Ask) -> Answer:
        """The recorded answer or failure.

        Raises:
            Difference: another request was recorded, or none.
            EndOfRecord: see there.
        """
        if 0 < self._until < turn:
            raise EndOfRecord(f"stopped after turn {self._until}")
        where = f"call {number} of {node}" + (f" in turn {turn}" if turn else "")
        call = self._calls.get((node, turn, number))
        if call is None:
            if self._recorded.state is None:
                raise EndOfRecord(f"the run was cut off before {where}, or its line is damaged")
            raise Difference(f"{where} was not made in the recorded run; now it asks {request}")
        self._check(where, call, request)
        if call.error:
            kind, text = call.error
            raise FAILURES.get(kind, ModelError)(text)
        if call.answer is None:
            raise EndOfRecord(f"{where} has no answer: it was cut off, or its line is damaged")
        self.calls.append((call.key, call.answer))
        return call.answer

    def _check(self, where: str, call: RecordedCall, request: Event) -> None:
        subject = as_json(request.get("subject", request))
        # What was hidden has another digest; its text is the same.
        shown = orjson.loads(hidden_json(as_json(request)))
        if digest_of(subject) == call.key.digest or shown == call.request:
            return
        before, now = _first_difference(call.request, shown)
        raise Difference(f"{where} differs.\n  recorded: {before}\n  now:      {now}")

    def decision(self, turn: int, number: int) -> Any:
        """What the person said then.

        Raises:
            EndOfRecord: nobody had answered yet.
        """
        told = self._recorded.decisions.get(turn, [])
        # A resumed node hears all its earlier answers once more: of each the last one counts.
        said = [event["said"] for event in told if event.get("number", 0) == number]
        if not said:
            raise EndOfRecord(f"the record ends while turn {turn} waits for a person")
        return said[-1]

    def seconds(self, turn: int) -> float | None:
        """The recorded clock."""
        if turn:
            verdict = self._recorded.verdicts.get(turn)
            return float(verdict["seconds"]) if verdict else None
        state = self._recorded.state
        return float(state["seconds"]) if state else None


def _first_difference(before: Any, now: Any, where: str = "") -> tuple[str, str]:
    """Where two requests part, each side cut to a length."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            if before.get(key) != now.get(key):
                return _first_difference(before.get(key), now.get(key), f"{where}.{key}")
    if isinstance(before, list) and isinstance(now, list):
        for at, (one, other) in enumerate(zip(before, now, strict=False)):
            if one != other:
                return _first_difference(one, other, f"{where}[{at}]")
    one, other = (text if isinstance(text, str) else repr(text) for text in (before, now))
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    begin, label = max(0, at - SHOWN // 4), f"{where.lstrip('.')} "
    end = begin + SHOWN
    return f"{label}...{one[begin:end]!r}", f"{label}...{other[begin:end]!r}"
