"""A policy on a vLLM server, spoken to in token ids through its completions endpoint.

Start the server with `--logprobs-mode processed_logprobs`, so that log-probabilities belong to the
tempered distribution, and with `--tokenizer <model>/tokenizer` for our own planners.
"""

import sys
from typing import Any

import httpx
import stamina

from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.errors.outside import shown
from agentflow_graph.errors.threads import in_thread
from agentflow_graph.models.clients.bounded import bounded
from agentflow_graph.models.clients.loops import LOOPBACK, PerLoop
from agentflow_graph.models.providers.faults import Asked, explained
from agentflow_graph.models.providers.options import HOUR
from agentflow_graph.models.providers.table import provider_of
from agentflow_graph.models.tokens.sampling import Completion, Sampling, room_for_reply

BUSY = (408, 425, 429, 500, 502, 503, 504, 529)
LONGEST_WAIT = 60.0
"""Seconds: longer than that nobody waits for a server that says when to come back."""
LARGE = 100_000
"""Bytes of JSON that are not read on the event loop."""
SHOWN = 300
"""Characters of a server's own words that are shown."""


class ServerPolicy:
    """Asks in token ids; any event loop may ask.

    Args:
        url: address of the server, with or without `/v1`.
        eos_id: the token that ends a reply.
        timeout: seconds of one request.
        name: which of its models; empty: the only one, or the only adapter among them.
        key: sent with each request; empty: none.
        retries: how often a request is repeated that met a busy, broken or silent server.
        transport: instead of the network.
    """

    def __init__(
        self,
        url: str,
        eos_id: int,
        timeout: float = HOUR,
        name: str = "",
        key: str = "",
        retries: int = 2,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/v1").rstrip("/")
        self._eos, self._wanted, self._retries = eos_id, name, retries
        self._asked = Asked(f"policy@{self.url}", provider_of("vllm"), self.url, bool(key))
        self._model, self._window = "", sys.maxsize

        def opened() -> httpx.AsyncClient:
            within = bounded(self.url)
            if key:
                within["headers"]["Authorization"] = f"Bearer {key}"
            # A server that is gone says so at once; one that thinks may take its time.
            patience = httpx.Timeout(timeout, connect=min(10.0, timeout))
            mounts = None if transport else LOOPBACK
            return httpx.AsyncClient(
                base_url=self.url,
                timeout=patience,
                transport=transport,
                mounts=mounts,
                **within,
            )

        self._http = PerLoop(opened, httpx.AsyncClient.aclose)

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        known = self._model
        if not known:
            await self._look()
        try:
            return await self._sampled(prompt_ids, sampling)
        except _NoSuchModel:
            # Restarted with another model, or under another name: look once more.
            await self._look()
            if self._model == known:
                raise
            return await self._sampled(prompt_ids, sampling)

    async def _sampled(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        remedy = f"lower memory_tokens or passages, or raise --max-model-len of {self.url}"
        room = room_for_reply(prompt_ids, self._window, remedy)
        body = {
            "model": self._model,
            "prompt": prompt_ids,
            "temperature": sampling.temperature,
            "max_tokens": min(sampling.max_tokens, room),
            "logprobs": 0,
            "return_token_ids": True,
            "add_special_tokens": False,
            "stop_token_ids": [self._eos],
            "seed": sampling.seed or None,
        }
        return self._read(await self._call("POST", "/v1/completions", body))

    def _read(self, answer: Any) -> Completion:
        try:
            choice = answer["choices"][0]
            ids, told = list(choice["token_ids"]), list(choice["logprobs"]["token_logprobs"])
            return Completion(ids, told, choice["finish_reason"])
        except (KeyError, IndexError, TypeError) as error:
            raise ModelError(
                f"{self.url} answered without token ids or log-probabilities; `policy:` needs vLLM "
                "0.10.2 or newer; for other servers write vllm:NAME@URL"
            ) from error

    async def _look(self) -> None:
        """Find the model to ask for, and its window."""
        answer = await self._call("GET", "/v1/models")
        try:
            cards = {str(card["id"]): dict(card) for card in answer["data"]}
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"{self.url}/v1/models lists no models; is it a vLLM server?"
            ) from error
        name = self._chosen(cards)
        base = cards.get(str(cards[name].get("parent")), {})
        window = cards[name].get("max_model_len") or base.get("max_model_len")
        # vLLM tells its window, and refuses to be asked for more than that.
        self._model, self._window = name, window or sys.maxsize

    def _chosen(self, cards: dict[str, dict[str, Any]]) -> str:
        """The model of that name; else the only adapter; else the only model."""
        names = ", ".join(cards) or "none"
        if self._wanted:
            if self._wanted in cards:
                return self._wanted
            raise ModelError(f"{self.url} serves {names}, not {self._wanted!r}; correct ?name=")
        adapters = [name for name, card in cards.items() if card.get("parent")]
        roots = {card.get("root") or name for name, card in cards.items()}
        if len(adapters) == 1:
            return adapters[0]
        if not adapters and len(roots) == 1:
            return next(iter(cards))
        raise ModelError(
            f"{self.url} serves {names}; say which one is meant: policy:DIR@{self.url}?name=NAME"
        )

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        http = await self._http.get()
        try:
            answer = await self._asked_patiently(http, method, path, body)
        except httpx.HTTPError as error:
            raise self._gone(error) from error
        if answer.is_error:
            refusal = _refusal(answer, f"{self.url}{path}", self._asked)
            raise ServerAway(str(refusal)) if _is_busy(answer, refusal) else refusal
        try:
            large = len(answer.content) > LARGE
            return await in_thread(answer.json) if large else answer.json()
        except (ValueError, RecursionError) as error:
            said = answer.text[:SHOWN]
            raise ModelError(f"{self.url}{path} answered no JSON but {said!r}") from error

    async def _asked_patiently(
        self, http: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
    ) -> httpx.Response:
        attempts = stamina.retry_context(
            on=_pause, attempts=self._retries + 1, timeout=None, wait_initial=0.3, wait_max=20
        )
        try:
            async for attempt in attempts:
                with attempt:
                    answer = await http.request(method, path, json=body)
                    if answer.status_code in BUSY:
                        raise _Busy(answer)
        except _Busy as busy:
            return busy.answer
        return answer

    def _gone(self, error: httpx.HTTPError) -> "ServerAway":
        why = explained(error, self._asked)
        return ServerAway(
            f"no answer from {self.url} ({type(error).__name__}); is the server running? {why}"
        )


class ServerAway(ModelError):
    """A server that is gone, busy or broken; another one may answer."""


class _Busy(Exception):
    """An answer that may be another one later."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.answer = answer


class _NoSuchModel(ModelError):
    """The server does not know the model that it listed before."""


def _pause(error: Exception) -> bool | float:
    """Whether a request is worth repeating, or the seconds after which the server says so."""
    if isinstance(error, _Busy):
        told = error.answer.headers.get("Retry-After", "")
        return min(float(told), LONGEST_WAIT) if told.replace(".", "", 1).isdigit() else True
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)


def _is_busy(answer: httpx.Response, refusal: ModelError) -> bool:
    return answer.status_code in BUSY and not isinstance(refusal, PromptTooLong)


def _refusal(answer: httpx.Response, where: str, asked: Asked) -> ModelError:
    said = shown(answer.text[:SHOWN])
    if "context length" in answer.text:
        return PromptTooLong(f"{where} answered {answer.status_code}: {said}")
    if answer.status_code == 404 and "model" in answer.text:
        return _NoSuchModel(f"{where} answered 404: {said}")
    told = httpx.HTTPStatusError(said, request=answer.request, response=answer)
    remedy = str(explained(told, asked)).rpartition("; ")[2]
    return ModelError(f"{where} answered {answer.status_code}: {said}; {remedy}")
