"""Search results that hold the benchmark itself: an item's own question, or a copy of data sets.

    watch = Watch.of(item, hidden=True)
    with screened_by(watch.screen):
        state = await agent.ainvoke(...)        # its calls are marked: call["data"]["leak"]

A call is marked in the state, and so in the record. With `hidden` the lines that leak are taken out
before the agent reads them; where the rest is of one piece with them, as a page or an answer is,
nothing of the result is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from agentflow_graph.state import Status
from benchmarks.contamination.ngrams import LONGEST, Run, asked, marks, runs, sizes, words
from benchmarks.items.item import Item

MIRRORS = (
    "huggingface.co",
    "hf.co",
    "hf-mirror.com",
    "modelscope.cn",
    "kaggle.com",
    "opendatalab.com",
    "paperswithcode.com",
)
"""Hosts, with those below them, that serve data sets: what they say of a benchmark is its items."""
OWN_WORDS = ("base_generator", "python_coder")
"""Tools that find nothing: a question in what they say was given to them."""
NOTHING = "what was found may not be shown here: look for something else"
LEFT_OUT = "({n} more may not be shown here)"
_ADDRESS = re.compile(r"https?://[^\s)\]>\"']+")
_HIT = re.compile(r"\[\d+\] ")


@dataclass(frozen=True)
class Watch:
    """What to look for in the results of one item's searches."""

    marks: frozenset[Run]
    hidden: bool = False
    """Whether what leaks is kept from the agent."""

    @classmethod
    def of(cls, item: Item, hidden: bool = False) -> Watch:
        """The item's own question: 13 words of it in a row, or all of a shorter one."""
        return cls(frozenset(marks([words(asked(item))], LONGEST)), hidden)

    @cached_property
    def _sizes(self) -> list[int]:
        return sizes(self.marks)

    def leak(self, text: str) -> str:
        """What leaks in a text: `question`, or the host of a mirror; empty if nothing does."""
        of = words(text) if self.marks else []
        if any(run in self.marks for size in self._sizes for run in runs(of, size)):
            return "question"
        hosts = (urlsplit(address).hostname or "" for address in _addresses(text))
        return next((host for host in hosts if _is_mirror(host)), "")

    def screen(self, tool: str, status: Status, text: str) -> tuple[Status, str, dict[str, Any]]:
        """What the agent reads of a tool's result, and what is noted beside it."""
        if status != "ok" or tool in OWN_WORDS or not (why := self.leak(text)):
            return status, text, {}
        noted = {"leak": why}
        if not self.hidden:
            return status, text, noted
        lines = text.splitlines()
        kept = [line for line in lines if not self.leak(line)]
        apart = all(_HIT.match(line) for line in lines)
        if not apart or not kept or self.leak("\n".join(kept)):
            return "error", NOTHING, noted
        return status, "\n".join([*kept, LEFT_OUT.format(n=len(lines) - len(kept))]), noted


def _addresses(text: str) -> list[str]:
    """Addresses that can be read as such; brackets of a stranger's may be no IPv6."""
    return [each for each in _ADDRESS.findall(text) if "[" not in each]


def _is_mirror(host: str) -> bool:
    return any(host == mirror or host.endswith(f".{mirror}") for mirror in MIRRORS)
