"""Which models a server has: asked before a run, for seconds at most."""

from __future__ import annotations

from typing import Any

import httpx

from agentflow_graph.models.providers.keys import key_of
from agentflow_graph.models.providers.table import provider_of

SECONDS = 5.0
"""Most seconds until a server has said which models it has."""


def models_at(base: str, seconds: float = SECONDS) -> list[dict[str, Any]] | str:
    """The models of an OpenAI-compatible server, as it describes them, or why there are none.

    Args:
        base: its address without /v1.
        seconds: after which there is no answer.
    """
    from tools.services.bounds import bounded_get
    from tools.services.faults import RemoteFault

    try:
        key = key_of(provider_of("vllm"), base)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = bounded_get(f"{base}/v1/models", "it", headers=headers, seconds=seconds)
        answer.raise_for_status()
        models: list[dict[str, Any]] = answer.json()["data"]
        return models if all("id" in model for model in models) else "its models have no id"
    except httpx.TimeoutException:
        return f"no answer in {seconds:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"
    except RemoteFault as fault:
        return str(fault)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "/v1/models is not that of an OpenAI-compatible server"
