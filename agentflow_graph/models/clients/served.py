"""Which models a server has: asked before a run, for seconds at most."""

from __future__ import annotations

from typing import Any

import httpx

from agentflow_graph.models.providers.keys import key_of
from agentflow_graph.models.providers.table import provider_of

SECONDS = 5.0
"""Most seconds until a server has said which models it has."""
UNLISTED = "it does not say which models it has"
"""Of a server that answers and knows no /v1/models; it may serve all the same."""


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
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        return UNLISTED if status in (404, 405, 501) else f"it answered {status}"
    except httpx.TimeoutException:
        return f"no answer in {seconds:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"
    except RemoteFault as fault:
        return str(fault)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "/v1/models is not that of an OpenAI-compatible server"


def lacking(
    name: str, base: str, models: list[dict[str, Any]] | str, field: str = "the setting"
) -> tuple[str, str] | None:
    """Why a model cannot be asked there, and what to do; None if it can.

    Args:
        name: of the model.
        base: the server's address.
        models: what `models_at` found there.
        field: that names them both.
    """
    if models == UNLISTED:
        return f"{base}: {UNLISTED}", f"agentflow doctor --live asks it; or correct {field}"
    if isinstance(models, str):
        start = f"serve it there: python -m vllm.entrypoints.openai.api_server --model {name}"
        remedy = f"{start}, or correct the address in {field}"
        return f"{base} does not serve: {models}", remedy
    names = [str(model["id"]) for model in models]
    if name in names:
        return None
    text = f"{base} serves {', '.join(names) or 'no model'}, not {name}"
    return text, f"name one of them in {field}, or --served-model-name"
