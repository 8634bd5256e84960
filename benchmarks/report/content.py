"""All that a report shows of a run, in whatever form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.hardness import Hardness, hardness
from benchmarks.report.numbers.leaked import Leaked, leaked
from benchmarks.report.numbers.pairing import Comparison, Difference, compare
from benchmarks.report.numbers.result import Agreement, Result, Session
from benchmarks.report.numbers.spending import Spending, spending
from benchmarks.report.numbers.summary import Summary, summarise


@dataclass(frozen=True)
class Report:
    """All that a report shows of a run, in whatever form."""

    session: Session
    benchmarks: Mapping[str, Benchmark]
    summaries: Mapping[str, Summary]
    baseline: Session | None
    baseline_summaries: Mapping[str, Summary]
    labels: Sequence[Agreement] = ()
    """What people say of rule and judge, once they have said it."""
    paired: Comparison | None = None
    """The baseline and the run over the items that both asked."""

    @property
    def pairs(self) -> dict[str, Difference]:
        """The differences from the baseline by task."""
        return {each.task: each for each in self.paired.differences} if self.paired else {}

    @cached_property
    def spending(self) -> dict[str, Spending]:
        """Tokens and money by who was asked."""
        return spending(self.session)

    @cached_property
    def by_task(self) -> dict[str, list[Result]]:
        """The results of each task."""
        return {t: [r for r in self.session.results if r.task == t] for t in self.summaries}

    @cached_property
    def hardness(self) -> dict[str, Hardness]:
        """By task, for those whose items know how hard they are."""
        return {task: found for task, each in self.by_task.items() if (found := hardness(each))}

    @cached_property
    def leaks(self) -> dict[str, Leaked]:
        """By task, for those of which a search found items."""
        return {task: found for task, each in self.by_task.items() if (found := leaked(each))}


def report_of(
    session: Session,
    benchmarks: Mapping[str, Benchmark],
    baseline: Session | None = None,
    labels: Sequence[Agreement] = (),
) -> Report:
    """The report of a run, `benchmarks` being all that are known."""
    other = summarise(baseline) if baseline else {}
    paired = compare(baseline, session) if baseline else None
    return Report(session, benchmarks, summarise(session), baseline, other, labels, paired)
