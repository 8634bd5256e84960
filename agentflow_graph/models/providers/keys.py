"""Keys: whose they are, and where they may go.

A provider's key goes to that provider alone: its own address, or the one that the environment
names. `VLLM_API_KEY` is for servers that a model string names. `VLLM_API_HOSTS` lists them (host or
host:port, with commas). Without it the key goes to whatever server a program or a command line
names, and on a LangGraph server, where callers send model strings, to none.
"""

import os
import sys
from urllib.parse import urlsplit

from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.table import Provider

HOSTS = "VLLM_API_HOSTS"
NO_KEY = "none"
"""Sent where a server wants no key: OpenAI's client always sends one."""


def key_of(provider: Provider, url: str = "") -> str:
    """The key for a request to `url`, empty if there is none for it.

    Raises:
        SettingError: the provider needs one and the environment has none.
    """
    key = os.environ.get(provider.key, "") if provider.key else ""
    if provider.name == "vllm":
        return key if may_have_key(url) else ""
    if not key and provider.needs_key:
        raise SettingError(f"{provider.title} needs a key: export {provider.key}=...")
    return key


def may_have_key(url: str) -> bool:
    """Whether VLLM_API_KEY may go to the server at `url`."""
    listed = [one.strip().lower() for one in os.environ.get(HOSTS, "").split(",") if one.strip()]
    if listed:
        parts = urlsplit(url)
        return parts.netloc.rpartition("@")[2].lower() in listed or parts.hostname in listed
    return "langgraph_api" not in sys.modules
