"""From a model string to a chat model, built once per setting and reused.

    nano                        the planner that ships with the package (knows the almanac only)
    local:DIR                   a Hugging Face folder, transformers in this process
    policy:DIR@URL              a planner served by vLLM, token-exact; DIR holds its tokenizer
    vllm:NAME@URL               any OpenAI-compatible server (vLLM, llama.cpp, ...)
    vllm:NAME@URL1,URL2         several with the same model: `pools`; `policy:` too
    openai:..., anthropic:...   a provider: docs/models.md lists them
    ...?temperature=0&timeout=60    parameters of this use: `providers.options`

Keys come from the environment, and go to the hosts they are for: `providers.keys`.
"""

import json
import os
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.rate_limiters import InMemoryRateLimiter

from agentflow_graph.context import refuse_credentials
from agentflow_graph.errors import SettingError
from agentflow_graph.errors.threads import kept
from agentflow_graph.models.clients import LocalPolicy, NanoPolicy, ServerPolicy
from agentflow_graph.models.clients.call import Endpoint, pooled
from agentflow_graph.models.policy import PolicyClient, PolicyModel, PolicyTokenizer, Sampling
from agentflow_graph.models.pools.policy import PooledPolicy
from agentflow_graph.models.provider import ProviderModel
from agentflow_graph.models.providers.addresses import named_at
from agentflow_graph.models.providers.images import sees
from agentflow_graph.models.providers.keys import key_of
from agentflow_graph.models.providers.options import Options, split
from agentflow_graph.models.providers.table import Provider, provider_of
from agentflow_graph.models.tokens.weights import trained_under, window_of

NANO = Path(__file__).parent / "nano"
Servers = tuple[tuple[str, str], ...]
"""Addresses, each with its key."""
FORMS = "nano, local:DIR, policy:DIR@URL, vllm:NAME@URL, or PROVIDER:MODEL"
_PARTS, _WEIGHTS = kept(64), kept(8)


def chat_model(spec: str, temperature: float, max_tokens: int, seed: int = 0) -> BaseChatModel:
    """The chat model that `spec` names; its own parameters win over those given here.

    Raises:
        SettingError: what is wrong or missing.
    """
    refuse_credentials("model", spec)
    name, options = split(spec)
    kind, _, rest = name.partition(":")
    warmth = temperature if options.temperature is None else options.temperature
    most = options.max_tokens or max_tokens
    if name == "nano" or kind in ("local", "policy"):
        return _policy_of(spec, name, options, _number(spec, warmth), most, seed)
    if not rest:
        raise SettingError(f"model {spec!r} has none of the forms {FORMS}")
    endpoint = _endpoint(name, options)
    cold = endpoint.provider.cold.search(endpoint.name) and options.temperature is None
    sent = None if warmth == "none" or cold else float(warmth)
    if seed and (called := endpoint.provider.seed) and called not in options.extra:
        given = replace(options, extra={**options.extra, called: seed})
        endpoint = replace(endpoint, options=given)
    return _provider_model(name, Hashable(endpoint), sent, most)


def servers_of(spec: str) -> tuple[str, tuple[str, ...]] | None:
    """Name and addresses, without /v1, of a `vllm:NAME@URL`; None for other model strings."""
    kind, _, rest = split(spec)[0].partition(":")
    return named_at(spec, kind, rest) if kind == "vllm" else None


class Hashable:
    """An endpoint as a key of caches: its options may hold objects."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._text = f"{endpoint!r} {endpoint.key} {[one.key for one in endpoint.members]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hashable) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@lru_cache(maxsize=64)
def _provider_model(
    spec: str, held: Hashable, temperature: float | None, max_tokens: int
) -> ProviderModel:
    endpoint = held.endpoint
    rate, told = endpoint.options.rate, endpoint.options.images
    seen = sees(endpoint.provider, endpoint.name) if told is None else told
    model = ProviderModel(
        spec=spec,
        endpoint=endpoint,
        temperature=temperature,
        max_tokens=max_tokens,
        profile={"image_inputs": seen},
        rate_limiter=_limiter(endpoint.url or spec, rate) if rate else None,
    )
    model.check()
    return model


@lru_cache(maxsize=64)
def _limiter(where: str, rate: float) -> InMemoryRateLimiter:
    """One for all models at one address."""
    pause = min(0.1, 1 / rate / 4)
    return InMemoryRateLimiter(requests_per_second=rate, check_every_n_seconds=pause)


def _endpoint(spec: str, options: Options) -> Endpoint:
    kind, _, rest = spec.partition(":")
    provider = provider_of(kind)
    if kind == "vllm":
        name, bases = named_at(spec, kind, rest)
        urls = [f"{base}/v1" for base in bases]
        each = [Endpoint(provider, name, url, key_of(provider, url), options) for url in urls]
        return each[0] if len(each) == 1 else pooled(each)
    # An integration knows its own address; one that is named makes another endpoint.
    url = _named(provider) if provider.integration else _address(provider)
    try:
        return Endpoint(provider, rest, url, key_of(provider), options)
    except SettingError as error:
        raise SettingError(f"model {spec!r}: {error}") from None


def _named(provider: Provider) -> str:
    return next((os.environ[v] for v in provider.url_variables if os.environ.get(v)), "")


def _address(provider: Provider) -> str:
    named = _named(provider)
    if not named and not provider.url:
        raise SettingError(
            f"{provider.title} needs an address: export {provider.url_variables[0]}=..."
        )
    url = (named or provider.url).rstrip("/")
    return url if url.endswith(provider.path) else url + provider.path


def _number(spec: str, temperature: float | str) -> float:
    if isinstance(temperature, str):
        raise SettingError(f"model {spec!r}: temperature={temperature!r}: a policy needs a number")
    return temperature


def _policy_of(
    spec: str, name: str, options: Options, temperature: float, max_tokens: int, seed: int
) -> PolicyModel:
    kind, _, rest = name.partition(":")
    servers: Servers = ()
    folder = NANO if name == "nano" else Path(rest).expanduser()
    if kind == "policy":
        where, bases = named_at(spec, kind, rest)
        folder = Path(where).expanduser()
        servers = tuple((base, key_of(provider_of("vllm"), base)) for base in bases)
    elif not rest and name != "nano":
        raise SettingError(f"model {spec!r} has none of the forms {FORMS}")
    given = json.dumps(options.extra, sort_keys=True)
    how = (options.name, options.timeout, options.retries)
    return _policy(folder, servers, given, how, Sampling(temperature, max_tokens, seed))


@lru_cache(maxsize=64)
def _policy(
    folder: Path, servers: Servers, given: str, how: tuple[str, float, int], sampling: Sampling
) -> PolicyModel:
    """Light: another sampling, such as another seed, is of the same parts."""
    made_of = (folder, servers, given, how)
    client, tokenizer, trained = _PARTS().get(made_of, partial(_parts, *made_of))
    urls = ",".join(url for url, _ in servers)
    spec = "nano" if folder == NANO else f"policy:{folder}@{urls}" if urls else f"local:{folder}"
    made = {"sampling": sampling, "trained": trained, "spec": spec}
    return PolicyModel(client=client, tokenizer=tokenizer, **made)


def _parts(
    folder: Path, servers: Servers, given: str, how: tuple[str, float, int]
) -> tuple[Any, PolicyTokenizer, dict[str, Any]]:
    tokenizer = PolicyTokenizer.load(folder, json.loads(given))
    trained = trained_under(folder)
    if (folder / "config.json").exists():
        # Half of the window for the memory, unless it was trained otherwise.
        trained = {"memory_tokens": window_of(folder) // 2, **trained}
    if not servers:
        return _WEIGHTS().get(folder, partial(_weights, folder)), tokenizer, trained
    name, timeout, retries = how
    clients = [
        ServerPolicy(url, tokenizer.eos_id, timeout, name, key, retries) for url, key in servers
    ]
    return clients[0] if len(clients) == 1 else PooledPolicy(clients), tokenizer, trained


def _weights(folder: Path) -> PolicyClient:
    """One copy of the weights in memory, whatever else is set."""
    if folder == NANO:  # small enough for numpy, and so for an installation without torch
        return NanoPolicy(folder)
    try:
        return LocalPolicy(folder)
    except ImportError as error:
        remedy = "run `make setup` or `pip install 'agentflow-graph[local]'`"
        raise SettingError(f"model folder {folder} needs {error.name}; {remedy}") from error
