"""From a model string to a chat model, built once per setting and reused.

    nano                        the planner that ships with the package (knows the almanac only)
    local:DIR                   a Hugging Face folder, transformers in this process
    policy:DIR@URL              a planner served by vLLM, token-exact; DIR holds its tokenizer
    vllm:NAME@URL               any OpenAI-compatible server (vLLM, llama.cpp, ...)
    openai:..., anthropic:...   whatever langchain's init_chat_model knows

Keys come from the providers' own environment variables; `vllm:` reads VLLM_API_KEY if it is set.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from agentflow_graph.context import refuse_credentials
from agentflow_graph.errors import SettingError
from agentflow_graph.models.clients import LocalPolicy, ServerPolicy
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer, Sampling
from agentflow_graph.models.weights import trained_under, window_of

NANO = Path(__file__).parent / "nano"
FORMS = "nano, local:DIR, policy:DIR@URL, vllm:NAME@URL, or PROVIDER:MODEL"


@lru_cache(maxsize=64)
def chat_model(spec: str, temperature: float, max_tokens: int, seed: int = 0) -> BaseChatModel:
    """The chat model that `spec` names; raises SettingError for what is wrong or missing."""
    refuse_credentials("model", spec)
    kind, _, rest = spec.partition(":")
    sampling = Sampling(temperature, max_tokens, seed)
    if spec == "nano":
        return _policy(NANO, "", sampling)
    if not rest:
        raise SettingError(f"model {spec!r} has none of the forms {FORMS}")
    if kind == "local":
        return _policy(Path(rest), "", sampling)
    if kind not in ("policy", "vllm"):
        return _provider(spec, sampling)
    name, _, url = rest.rpartition("@")
    if not name or not url.startswith("http"):
        raise SettingError(f"model {spec!r} is not of the form {kind}:NAME@http://HOST:PORT")
    if kind == "policy":
        return _policy(Path(name), url, sampling)
    key, base = os.environ.get("VLLM_API_KEY", "none"), url.rstrip("/").removesuffix("/v1")
    return _provider(f"openai:{name}", sampling, base_url=f"{base}/v1", api_key=key)


def _policy(folder: Path, url: str, sampling: Sampling) -> PolicyModel:
    tokenizer = PolicyTokenizer.load(folder)
    trained = trained_under(folder)
    if (folder / "config.json").exists():  # half of the window for the memory, unless trained else
        trained = {"memory_tokens": window_of(folder) // 2, **trained}
    return PolicyModel(
        client=ServerPolicy(url, tokenizer.eos_id) if url else _weights(folder),
        tokenizer=tokenizer,
        sampling=sampling,
        trained=trained,
    )


@lru_cache(maxsize=8)
def _weights(folder: Path) -> LocalPolicy:
    """One copy of the weights in memory, whatever the sampling."""
    try:
        return LocalPolicy(folder)
    except ImportError as error:
        remedy = "run `make setup` or `pip install torch transformers`"
        raise SettingError(f"model folder {folder} needs {error.name}; {remedy}") from error


def _provider(spec: str, sampling: Sampling, **more: Any) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        model: BaseChatModel = init_chat_model(
            spec, temperature=sampling.temperature, max_tokens=sampling.max_tokens, **more
        )
    except Exception as error:  # providers raise classes of their own for a missing key
        raise SettingError(f"model {spec!r} cannot be built: {error}") from error
    return model
