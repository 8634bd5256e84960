"""Trials of items: each runs the compiled graph once, and never again once it has finished.

    trials = Trials(agent, request, items, record, records, grader)
    outcome = await trials.outcome(Key("bamboogle", "test_1", 1))

A finished state is on record before it is marked, and the mark before anybody sees it; so a process
may be killed at any moment. Only runs that ended well are kept: one whose state has an error, or
that raised, or that hung, is a `TrialFailed` and is tried again by `resume`, which asks only for
what had not been answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig

from agentflow_graph.context import Context
from agentflow_graph.errors.outside import shown
from agentflow_graph.graph import Agent
from agentflow_graph.nodes.parts.screen import screened_by
from agentflow_graph.record import Record, RecordError, RunRecord, record_as
from agentflow_graph.state import State
from benchmarks.contamination.leaks import Watch
from benchmarks.errors import RunStopped, TrialFailed
from benchmarks.items.item import Item
from benchmarks.runner.breaker import Breaker
from benchmarks.runner.grading import Grader, whole_reply
from benchmarks.runner.store.folder import Items, Request
from benchmarks.runner.store.records import Event, Key, Records

MARGIN = 30.0
"""Seconds over the graph's own limits after which a run counts as hung."""

THINKING = "\n\nThink step by step before you answer."
"""What follows the question in the baseline that reasons in words (chain of thought)."""

FinalState = dict[str, Any]
"""A finished state without its messages: plain data."""


@dataclass(frozen=True)
class Outcome:
    """A trial that has a score."""

    state: FinalState
    mark: Event


class Trials:
    """All trials of one run; `on_end` hears of each that ends, with its mark or None."""

    def __init__(
        self,
        agent: Agent,
        request: Request,
        items: Items,
        record: Record,
        records: Records,
        grader: Grader,
        on_end: Callable[[Event | None], None] = lambda mark: None,
    ) -> None:
        self._agent, self._request, self._items = agent, request, items
        self._record, self._records, self._grader = record, records, grader
        self._on_end = on_end
        self._slots = asyncio.Semaphore(request.concurrency)
        self._outcomes: dict[Key, Outcome] = {}
        self._breaker = Breaker(request.max_failed)
        self.stopped: RunStopped | None = None

    async def outcome(self, key: Key) -> Outcome:
        """Run what is not finished, mark what is not marked.

        Raises:
            TrialFailed: this trial has no score; the others go on.
            RunStopped: nothing more can be run; raised at once for every trial that follows.
        """
        try:
            async with self._slots:
                self._may_go_on()
                async with self._breaker.turn() as end:
                    self._may_go_on()
                    state = await self._state(key)
                    end.failed = was_away(state)
                    mark = await self._grader.mark(key, whole_reply(state))
        except TrialFailed:
            self._on_end(None)
            raise
        except RecordError as error:
            self.stopped = RunStopped(str(error))
            raise self.stopped from error
        except RunStopped as error:
            self.stopped = error
            raise
        self._on_end(mark)
        self._outcomes[key] = Outcome(state, mark)
        return self._outcomes[key]

    def pop_outcome(self, key: Key) -> Outcome:
        """What `outcome` gave; kept until it is taken, once."""
        return self._outcomes.pop(key)

    def _may_go_on(self) -> None:
        limit, spent = self._request.max_cost, self._records.spent
        if limit and spent >= limit and self.stopped is None:
            self.stopped = RunStopped(
                f"{spent:.2f} of {limit:.2f} US dollars are spent; what is under way is finished. "
                "Resume with a higher --max-money"
            )
        if self.stopped:
            raise self.stopped

    async def _state(self, key: Key) -> FinalState:
        if key in self._records.finished:
            found: FinalState = self._records.finished[key]["state"]
            return found
        return await self._run(key)

    async def _run(self, key: Key) -> FinalState:
        item = self._items[key.task][key.item]
        context, begun = context_of(self._request, key.trial, item), time.perf_counter()
        run = self._record.run(key.run)
        before = set(run.answers)
        state, error = await self._answered(key, context, run)
        # What had been answered before a kill or a failure took its time then.
        earlier = sum(answer.get("seconds", 0.0) for call, answer in run.calls if call in before)
        event = {
            "event": "trial",
            "run": key.run,
            **key._asdict(),
            "seconds": earlier + time.perf_counter() - begun,
            "cost": state["money"]["total"] if state else None,
            "error": error,
        }
        self._record.write(event)
        await self._record.synced()
        self._records.add({**event, "state": state})
        if error:
            raise TrialFailed(error)
        return state

    async def _answered(self, key: Key, context: Context, run: RunRecord) -> tuple[FinalState, str]:
        """The finished state, and what is wrong with it; an empty state where there is none."""
        config: RunnableConfig = {"recursion_limit": context.recursion_limit}
        limit = context.max_seconds + context.grace + MARGIN
        more = THINKING if self._request.baseline == "cot" else ""
        item = self._items[key.task][key.item]
        given = State(question=item.question + more)
        watch = Watch.of(item, self._request.filter_leaks)
        try:
            async with asyncio.timeout(limit) as clock:
                with record_as(run), screened_by(watch.screen):
                    state = await self._agent.ainvoke(given, config, context=context)
        except RecordError:
            raise
        except Exception as error:  # whatever broke, the other items go on
            if clock.expired():
                return {}, f"no answer within {limit:.0f} s"
            return {}, shown(f"{type(error).__name__}: {error}")
        final = cast(
            FinalState, {name: value for name, value in state.items() if name != "messages"}
        )
        return final, final["error"]


def was_away(state: Mapping[str, Any]) -> bool:
    """Whether a tool's service could not be asked in a finished run."""
    calls = (call for turn in state["turns"] for call in turn.get("calls", []))
    return any(call.get("data", {}).get("away") for call in calls)


def context_of(request: Request, trial: int = 1, item: Item | None = None) -> Context:
    """The graph's settings for one trial: the run's own go before those of the item.

    Raises:
        SettingError: they cannot work.
    """
    seed = {"seed": request.seed + trial - 1} if request.seed else {}
    own = item.settings if item else {}
    return Context.of({**own, **request.settings, **seed})
