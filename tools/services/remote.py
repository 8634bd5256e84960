"""Calls to services over HTTP: a rate, retries where they help, and failures with a type.

    service = Service("MediaWiki", rate=5.0)
    async with service.client(base_url="https://en.wikipedia.org") as client:
        response = await service.call(lambda: client.get("/w/api.php", params=parameters))
    answer = await service.json(response)

`client` gives an `httpx.AsyncClient` that raises `RemoteFault` for every status but 2xx and stops
reading at `max_bytes`; it can be handed to libraries that take one. `call` awaits any coroutine
function: it waits for the rate, limits the seconds of one attempt, turns what httpx raises into a
`RemoteFault`, and tries again after 429, 5xx, timeouts and broken connections, never after another
4xx. `Retry-After` (RFC 9110, section 10.2.3) is obeyed up to `patience`; when the service asks for
more, the caller learns how much.

A tool returns `fault.result()`. Messages name the service, never an address with its parameters,
and what the service says is shown without secrets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import httpx
import stamina
from aiolimiter import AsyncLimiter
from pydantic import SecretStr

from tools.outcomes.outside import shown
from tools.outcomes.secrets import keep_secret
from tools.outcomes.threads import in_thread
from tools.services.bounds import MAX_BYTES, Bounded
from tools.services.faults import RemoteFault
from tools.services.wire import error_text, retry_after, trust

__all__ = ["RemoteFault", "Service"]

T = TypeVar("T")
LARGE = 100_000
"""Bytes of JSON that take a millisecond or more to read."""
_LIMITERS = 1000
_DETAIL = 200  # characters of a service's own words

# A limiter belongs to the loop it first waits in; synchronous callers bring a loop a call.
_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, float], AsyncLimiter]]
_limiters = WeakKeyDictionary()


@dataclass(frozen=True)
class Service:
    """How one service is called.

    Args:
        name: what messages call it.
        rate: calls begun per second and event loop, in bursts of at most that many (at least 1).
        attempts: calls made at most for one answer.
        seconds: wall time of one attempt.
        patience: longest wait, in seconds, that a service may ask for between two attempts.
        max_bytes: size of a reply at which reading stops: as it travels, and decompressed.
        key: a secret from then on, in every message.
        remedy: what to do when the service refuses the key.
    """

    name: str
    rate: float = 5.0
    attempts: int = 3
    seconds: float = 20.0
    patience: float = 10.0
    max_bytes: int = MAX_BYTES
    key: SecretStr | None = None
    remedy: str = "check its key and plan"

    def __post_init__(self) -> None:
        if self.key is not None:
            keep_secret(self.key.get_secret_value())

    def client(
        self,
        *,
        base_url: str = "",
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> httpx.AsyncClient:
        """A client for one call or some; it keeps no connection once closed."""
        inner = transport or httpx.AsyncHTTPTransport(verify=trust())
        return httpx.AsyncClient(
            base_url=base_url,
            headers=headers,
            transport=Bounded(inner, self.max_bytes, self.name, self.seconds),
            timeout=self.seconds,
            trust_env=False,
            event_hooks={"response": [self._refuse]},
        )

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """What `send` gives, after as many attempts as help.

        Raises:
            RemoteFault: the last attempt failed.
        """
        async for attempt in stamina.retry_context(
            on=self._again, attempts=self.attempts, timeout=None, wait_initial=0.2, wait_jitter=0.3
        ):
            with attempt:
                async with _limiter(self.name, self.rate):
                    return await self._once(send)
        raise AssertionError("stamina made no attempt")

    async def json(self, response: httpx.Response) -> Any:
        """The JSON of a reply; that of a large one is read off the event loop.

        Raises:
            RemoteFault: it is none.
        """
        try:
            large = len(response.content) > LARGE
            return await in_thread(response.json) if large else response.json()
        except (ValueError, RecursionError) as fault:
            raise self.garbage(f"no JSON but {shown(response.text)[:60]!r}") from fault

    def garbage(self, what: str) -> RemoteFault:
        """The fault of an answer that is not what the service promises."""
        return RemoteFault(f"{self.name} answered {self.clean(what)}: use another tool")

    def lost(self, fault: Exception) -> RemoteFault:
        """The fault of a connection that could not be made or broke."""
        text = f"{self.name} cannot be reached ({type(fault).__name__}): try later"
        return RemoteFault(text, retry=True)

    def clean(self, text: str) -> str:
        """`text` short, visible and without secrets."""
        return " ".join(shown(text).split())[:_DETAIL]

    def fault(self, status: int, detail: str = "", wait: float | None = None) -> RemoteFault:
        """The fault that an HTTP status stands for; `detail` is what the service says."""
        said = f"HTTP {status}: {self.clean(detail)}" if detail.strip() else f"HTTP {status}"
        # 432 and 433 are Tavily's: the plan's limit is reached.
        if status in (401, 402, 403, 407, 432, 433):
            return RemoteFault(f"{self.name} refuses the key or the plan ({said}): {self.remedy}")
        if status == 429:
            asked = "" if wait is None else f" and asks to wait {wait:.0f} s"
            text = f"{self.name} limits its callers ({said}){asked}: wait, or use another tool"
            return RemoteFault(text, retry=True, wait=wait)
        if status in (408, 425) or status >= 500:
            text = f"{self.name} is out of order ({said}): try later, or use another tool"
            return RemoteFault(text, retry=True, wait=wait)
        if 300 <= status < 400:
            return RemoteFault(f"{self.name} answers from elsewhere ({said}): check its address")
        text = f"{self.name} rejects the request ({said}): change the arguments"
        return RemoteFault(text, "error", code=status)

    async def _once(self, send: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self.seconds):
                return await send()
        except (TimeoutError, httpx.TimeoutException) as fault:
            text = f"{self.name} gave no answer in {self.seconds:g} s: ask for less, or try later"
            raise RemoteFault(text, "timeout", retry=True) from fault
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as fault:
            raise RemoteFault(f"{self.name}: {self.clean(str(fault))}", "error") from fault
        except RecursionError as fault:
            # Libraries read their JSON themselves.
            raise self.garbage("JSON that is nested too deeply") from fault
        except httpx.TransportError as fault:
            raise self.lost(fault) from fault

    def _again(self, fault: Exception) -> bool | float:
        if not isinstance(fault, RemoteFault) or not fault.retry:
            return False
        if fault.wait is None:
            return True
        return fault.wait if fault.wait <= self.patience else False

    async def _refuse(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        await response.aread()
        wait = retry_after(response.headers)
        raise self.fault(response.status_code, error_text(response), wait)


def _limiter(name: str, rate: float) -> AsyncLimiter:
    known = _limiters.setdefault(asyncio.get_running_loop(), {})
    if (name, rate) not in known:
        # One for every host whose pages are read: forgetting costs at most one burst.
        if len(known) >= _LIMITERS:
            known.clear()
        # A bucket for less than one call would never let one through.
        calls = max(1.0, rate)
        known[name, rate] = AsyncLimiter(calls, calls / rate)
    return known[name, rate]
