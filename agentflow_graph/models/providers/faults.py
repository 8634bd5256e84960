"""What went wrong with a model, in a sentence: what was asked, why it failed, what to do.

Every provider's client has exception classes of its own. What they share is read here: a status,
a text, and the errors that each was raised from, of which the first is the cause.
"""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import getproxies

from langchain_core.exceptions import ContextOverflowError, ModelInvalidRequestError

from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.errors.outside import shown
from agentflow_graph.models.providers.keys import HOSTS
from agentflow_graph.models.providers.table import Provider

LONGEST = 400
"""Characters of a provider's own words that are shown."""
LAYERS = 4
"""Errors behind one another that are looked at: Gemini's integration wraps its client's."""
_TOO_LONG = (
    "context length",
    "context_length",
    "context window",
    "contextwindowexceeded",
    "prompt is too long",
    "input is too long",
    "input tokens exceed",
    "maximum context",
    "exceeds the available context size",
    "too many tokens",
)
_PAGE = re.compile(r"<(?:!doctype html|html)\b", re.IGNORECASE)
PROTOCOL = "is it a server of OpenAI's protocol? see docs/models.md"
_TIMEOUTS = ("timed out", "timeout")


class ProviderFailure(ModelError):
    """A provider did not answer; the message says who was asked, why, and the remedy."""


@dataclass(frozen=True)
class Asked:
    """Who was asked."""

    spec: str
    """Model string, without parameters."""
    provider: Provider
    url: str = ""
    keyed: bool = False
    """Whether a key was sent."""

    def __str__(self) -> str:
        known = not self.url or self.url.removesuffix("/v1") in self.spec
        at = "" if known else f" at {self.url}"
        return f"{self.spec}{at}"


def explained(error: Exception, asked: Asked) -> ModelError:
    """The error as ours; a key that stands in its words is hidden."""
    status, causes = status_of(error), list(_causes(error))
    said = shown(_words(error, causes, status))[:LONGEST]
    page = bool(_PAGE.search(said))
    said = "a page in HTML" if page else said
    kind = PromptTooLong if is_too_long(error) else ProviderFailure
    answered = f"answered {status}" if status else "did not answer"
    remedy = (
        "lower memory_tokens or passages, or raise the server's window"
        if kind is PromptTooLong
        else PROTOCOL
        if page and status not in (502, 503, 504)  # those are a gateway's, of a server that is away
        else _remedy(status, causes, asked)
    )
    return kind(f"{shown(str(asked))} {answered}: {said}; {remedy}")


def status_of(error: BaseException) -> int:
    """The HTTP status that an error, or what it was raised from, stands for; 0 if none."""
    at: BaseException | None = error
    for _ in range(LAYERS):
        # Not ours: openai, anthropic and groq say status_code, google code, httpx the response.
        for holder in (at, getattr(at, "response", None)):
            for name in ("status_code", "code"):
                found = getattr(holder, name, None)
                if isinstance(found, int) and 100 <= found < 600:
                    return found
        at = at and at.__cause__
    return 0


def words_of(error: BaseException) -> str:
    """What a provider said in refusing; some clients leave the body of the answer out of it."""
    told, body = " ".join(str(error).split()), getattr(error, "body", None)
    if not body or "{" in told or (isinstance(body, dict) and str(body.get("message")) in told):
        return told
    return f"{told} - {body}"


def is_too_long(error: Exception) -> bool:
    """Whether the prompt does not fit the model's window."""
    if isinstance(error, ContextOverflowError):
        return True
    said = words_of(error).lower()
    return status_of(error) in (0, 400, 413, 422, 500) and any(one in said for one in _TOO_LONG)


def turned_down(error: BaseException) -> bool:
    """Whether the request itself was refused, so that asking again would be in vain."""
    cause = error.__cause__ if isinstance(error, ModelError) else error
    if isinstance(error, PromptTooLong) or isinstance(cause, ModelInvalidRequestError):
        return True
    return cause is not None and status_of(cause) in (400, 413, 422)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those it was raised from, the first of them last."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        yield error
        deeper = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if deeper is None:
            return
        error = deeper


def _words(error: Exception, causes: list[BaseException], status: int) -> str:
    """What the provider said, or what broke the connection."""
    told = words_of(error)
    if status:
        return told
    roots = [one for one in causes if str(one)] or [error]
    root = f"{type(roots[-1]).__name__}: {' '.join(str(roots[-1]).split())}"
    return root if told in (root, str(roots[-1]), "", "Connection error.") else f"{root} ({told})"


def _remedy(status: int, causes: list[BaseException], asked: Asked) -> str:
    if status:
        return _remedy_of_status(status, asked)
    said = " ".join(f"{type(one).__name__} {one}" for one in causes).lower()
    if any(isinstance(one, ssl.SSLError) for one in causes) or "ssl" in said:
        if "wrong_version_number" in said or "record layer" in said:
            return "it does not speak TLS there: write http:// in the address"
        return "trust its certificate: export SSL_CERT_FILE=/path/to/authority.pem"
    if "proxy" in said:
        return (
            f"it was asked through a proxy ({_proxies()}); correct it, or name the host in NO_PROXY"
        )
    if any(one in said for one in _TIMEOUTS):
        return "is it overloaded? ?timeout=SECONDS behind the model string gives it longer"
    if any(one in said for one in ("name or service", "getaddrinfo", "name resolution")):
        return "correct the host in its address"
    if "connect" in said:
        through = f", asked through the proxy {_proxies()}" if _proxies() else ""
        return f"is the server running{through}?"
    return PROTOCOL


def _proxies() -> str:
    return shown(", ".join(f"{k}={v}" for k, v in getproxies().items() if k != "no"))


def _remedy_of_status(status: int, asked: Asked) -> str:
    name = asked.provider.key or "the provider's key"
    if status in (401, 403):
        if asked.keyed:
            return f"it refused the key: correct {name}"
        if asked.provider.name == "vllm":
            return f"it wants a key: export {name}=..., and name its host in {HOSTS} if that is set"
        return f"it wants a key: export {name}=..."
    if status == 407:
        return f"the proxy wants a password: correct {_proxies() or 'HTTP_PROXY'}"
    if status == 404:
        return "correct the model's name or the address"
    if status == 402:
        return "pay for it, or name another model"
    if status == 429:
        return "wait, or ask less often: ?rate=REQUESTS_A_SECOND behind the model string"
    if status >= 500:
        return "the server failed; look at its log, or ask again later"
    return "parameters behind the model string change the request: see docs/models.md"
