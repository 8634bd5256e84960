"""Marking an answer: the benchmark's rule first, a judge where the rule says no and one is set.

The judge is also asked about a sample of what the rule calls right: the report says how far they
agree.

A mark is on record before it is used, and a judge is never asked again for what it has judged.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, NoReturn, Self

from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.models.providers.prices import PriceList
from agentflow_graph.record import Record, Scope
from agentflow_graph.record.run import on_behalf_of
from benchmarks.errors import TrialFailed
from benchmarks.items.item import Benchmark, Item
from benchmarks.runner.store.folder import Items
from benchmarks.runner.store.records import Event, Key, Records, owes_audit
from benchmarks.scoring.judge import Judge, Verdict

AUDITED = 0.1
"""Share of the answers that the rule calls right about which the judge is asked all the same."""
THREADS = 4
"""Rules run off the event loop: those of mathematics wait for a process pool."""


def whole_reply(state: Mapping[str, Any]) -> str:
    """What is scored: the output that the answer was read from, as the model wrote it."""
    outputs: dict[str, str] = state["outputs"]
    return next(outputs[name] for name in ("direct", "final", "base") if name in outputs)


def audited(key: Key) -> bool:
    """Whether the judge is asked about a trial that the rule calls right; always the same ones."""
    drawn = int.from_bytes(hashlib.sha256(key.run.encode()).digest()[:8], "big")
    return drawn < AUDITED * 2**64


class Grader:
    """Marks answers in one scoring of a run."""

    def __init__(
        self,
        benchmarks: Mapping[str, Benchmark],
        items: Items,
        record: Record,
        records: Records,
        judge: Judge | None = None,
        scoring: int = 0,
        prices: PriceList | None = None,
    ) -> None:
        self._benchmarks, self._items, self._record = benchmarks, items, record
        self._records, self._judge, self._scoring = records, judge, scoring
        self._verdicts = records.verdicts(judge.name) if judge else {}
        self._prices = prices or PriceList(())
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rules")

    async def mark(self, key: Key, reply: str) -> Event:
        """The mark of a reply: the recorded one, or a new one.

        Where the judge failed to audit the rule's yes, it is asked again.

        Raises:
            TrialFailed: the rule or the judge failed; no mark is recorded, so that a later try may.
            RecordError: the disk is full.
        """
        known = self._records.scored.get(self._scoring, {}).get(key)
        if known is None:
            return await self._new(key, reply)
        if self._judge and owes_audit(known):
            mark = known | await self._audit(
                self._judge, key, self._items[key.task][key.item], reply
            )
            return await self._write("scored", key, mark)
        return known

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False)

    async def _new(self, key: Key, reply: str) -> Event:
        item, benchmark = self._items[key.task][key.item], self._benchmarks[key.task]
        mark = await self._by_rule(key, benchmark, item, reply)
        judge = self._judge
        if judge and benchmark.judged and not mark["value"]:
            mark |= self._judged_before(key) or await self._by_judge(judge, key, item, reply)
        elif judge and benchmark.judged and audited(key):
            mark |= await self._audit(judge, key, item, reply)
        return await self._write("scored", key, mark)

    async def _by_rule(self, key: Key, benchmark: Benchmark, item: Item, reply: str) -> Event:
        loop = asyncio.get_running_loop()
        try:
            score = await loop.run_in_executor(self._threads, benchmark.score, item, reply)
        except Exception as error:  # a rule must not raise; if one does, the others go on
            await self._refuse(key, f"the rule failed: {type(error).__name__}: {error}")
        return {"f1": None, **asdict(score), "by": "rule", "judge": "", "reason": ""}

    async def _by_judge(self, judge: Judge, key: Key, item: Item, reply: str) -> Event:
        with on_behalf_of(Scope(self._record.run(key.run), 0, "judge")):
            verdict = await judge(item.question, item.golds, reply)
        spent = self._spent(judge, verdict)
        if verdict.correct is None:
            why = f"the judge {judge.name} failed: {verdict.error}"
            await self._refuse(key, f"{why} ({verdict.reason})" if verdict.reason else why, spent)
        value, reason = float(bool(verdict.correct)), verdict.reason
        return {"value": value, "by": "judge", "judge": judge.name, "reason": reason, **spent}

    async def _audit(self, judge: Judge, key: Key, item: Item, reply: str) -> Event:
        """What the judge says of an answer that the rule calls right; the rule's yes stands.

        Where the judge fails, the mark owes its audit.
        """
        with on_behalf_of(Scope(self._record.run(key.run), 0, "judge")):
            verdict = await judge(item.question, item.golds, reply)
        said = None if verdict.correct is None else float(verdict.correct)
        return {"audit": said, "reason": verdict.reason, **self._spent(judge, verdict)}

    def _judged_before(self, key: Key) -> Event:
        before = self._verdicts.get(key, {})
        return {name: before[name] for name in ("value", "by", "judge", "reason") if before}

    def _spent(self, judge: Judge, verdict: Verdict) -> Event:
        """What was asked for a verdict, and its US dollars if they are known."""
        price = self._prices.of(judge.name)
        return {"cost": price.of(verdict.spent) if price else None, "spent": verdict.spent}

    async def _refuse(self, key: Key, error: str, spent: Event | None = None) -> NoReturn:
        await self._write("unscored", key, {"error": error, "cost": None, **(spent or {})})
        raise TrialFailed(error)

    async def _write(self, kind: str, key: Key, what: Event) -> Event:
        about = {"event": kind, "run": key.run, **key._asdict(), "scoring": self._scoring}
        event = {**about, **hidden_in(dict(what))}
        self._record.write(event)
        await self._record.synced()
        self._records.add(event)
        return event
