"""A server of a language model as a simulation sees it: continuous batching and a prefix cache.

A step of the server computes a chunk of the prompts that wait, and a token of each reply that is
under way. Prompts are told as segments (name, tokens); a prompt whose first segments another one
had too computes only what is behind them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

Prompt = Sequence[tuple[str, int]]
"""Segments: a name and its tokens; equal names are equal tokens."""


@dataclass(frozen=True)
class Speed:
    """Of one server, and no measurement: what a GPU of 80 GB, 2 TB/s and 312 TFLOPS in bf16 can do.

    That is for 7.6 billion parameters, at half of its operations, reading all weights in a step.
    """

    prompt: float = 10_000.0
    """Prompt tokens a second."""
    base: float = 0.012
    """Seconds of a step in which replies grow by a token, ..."""
    each: float = 0.0001
    """... and of each reply in it."""
    chunk: int = 2048
    """Prompt tokens in a step, at most: vLLM's default there."""
    cache: int = 990_000
    """Tokens that the prefix cache holds: 57 GB of 57 kB each."""
    most: int = 256
    """Replies in a step."""

    def work(self, prompt: float, reply: float, replies: float) -> float:
        """Seconds that so many tokens take a server of which so many replies grow in a step."""
        return prompt / self.prompt + reply * (self.base / min(replies, self.most) + self.each)

    def alone(self, prompt: float, reply: float) -> float:
        """Seconds of a call that is alone."""
        return prompt / self.prompt + reply * (self.base + self.each)


class Gone(Exception):
    """The server died."""


@dataclass(eq=False)
class _Call:
    prompt: float
    reply: float
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.Future())


class Cache:
    """Beginnings of prompts, the longest unused forgotten first."""

    def __init__(self, most: float) -> None:
        self._most, self._held = most, 0
        self._known: OrderedDict[tuple[str, ...], int] = OrderedDict()

    def missing(self, prompt: Prompt) -> int:
        """Tokens of `prompt` that must be computed; they are known from now on."""
        path: tuple[str, ...] = ()
        new = 0
        for name, tokens in prompt:
            path = (*path, name)
            if path not in self._known:
                new += tokens
                self._known[path], self._held = tokens, self._held + tokens
            self._known.move_to_end(path)
        while self._held > self._most:
            self._held -= self._known.popitem(last=False)[1]
        return new


class Served:
    """One server. It works while calls are under way; `die` fails these and later ones."""

    def __init__(self, speed: Speed) -> None:
        self.speed, self.computed, self.asked, self.dead = speed, 0, 0, False
        self.busy = 0.0
        self._cache = Cache(speed.cache)
        self._waiting: list[_Call] = []
        self._replying: list[_Call] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def call(self, prompt: Prompt, reply: int) -> None:
        """One reply of so many tokens; raises Gone."""
        if self.dead:
            raise Gone
        new = self._cache.missing(prompt)
        self.computed += new
        self.asked += sum(tokens for _, tokens in prompt)
        call = _Call(new, reply)
        self._waiting.append(call)
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        try:
            await call.done
        finally:
            for queue in (self._waiting, self._replying):
                if call in queue:
                    queue.remove(call)

    def come_back(self) -> None:
        """It was started again, and knows nothing."""
        self.dead, self._cache = False, Cache(self.speed.cache)

    def die(self) -> None:
        """Nobody is there any more."""
        self.dead = True
        for call in (*self._waiting, *self._replying):
            if not call.done.done():
                call.done.set_exception(Gone())
        self._waiting, self._replying = [], []

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while (self._waiting or self._replying) and not self.dead:
            begun = loop.time()
            if self._waiting and len(self._replying) < self.speed.most:
                await self._prompts()
            else:
                await self._replies()
            self.busy += loop.time() - begun

    async def _prompts(self) -> None:
        """One step with a chunk of the prompts in it."""
        growing, left = list(self._replying), float(self.speed.chunk)
        parts = []
        for call in self._waiting:
            parts.append((call, part := min(call.prompt, left)))
            left -= part
            if left <= 0:
                break
        replies = self.speed.base + self.speed.each * len(growing) if growing else 0.0
        await asyncio.sleep((self.speed.chunk - left) / self.speed.prompt + replies)
        for call, part in parts:
            call.prompt -= part
            if call.prompt <= 0 and call in self._waiting:
                self._waiting.remove(call)
                self._replying.append(call)
        self._grown(growing, 1.0)

    async def _replies(self) -> None:
        """Steps without a prompt, until a reply ends or a call comes."""
        growing, loop = list(self._replying), asyncio.get_running_loop()
        step = self.speed.base + self.speed.each * len(growing)
        begun, steps = loop.time(), min(call.reply for call in growing)
        self._news.clear()
        try:
            async with asyncio.timeout(steps * step):
                await self._news.wait()
        except TimeoutError:
            self._grown(growing, steps)
        else:
            self._grown(growing, (loop.time() - begun) / step)

    def _grown(self, growing: list[_Call], tokens: float) -> None:
        for call in growing:
            call.reply -= tokens
            if call.reply < 1e-6 and call in self._replying:
                self._replying.remove(call)
                if not call.done.done():
                    call.done.set_result(None)
