"""Models on the Hugging Face hub: the folder of one, or one small file of it.

Each needs the network only for what is not in the hub's local cache, and says so where it fails.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from agentflow_graph.errors import SettingError
from tools.services.bounds import bounded_get
from tools.services.faults import RemoteFault

NAME = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
OTHER_FORMATS = ["*.bin", "*.pth", "original/*", "onnx/*", "*.onnx", "*.gguf", "*.h5", "*.msgpack"]
"""The same weights again, which would be downloaded and not read."""
SECONDS = 10.0
"""Most seconds of one request for a small file."""


def cached_folder(name: str) -> Path | None:
    """The folder of a model that the hub's cache already holds."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def download(name: str) -> Path:
    """The folder of a model, downloaded if it is not in the cache.

    Raises:
        SettingError: it cannot be downloaded.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, ignore_patterns=OTHER_FORMATS))
    except Exception as error:  # the library passes on whatever its transports raise
        raise SettingError(
            f"model {name!r} cannot be downloaded ({type(error).__name__}: {error}); fetch it "
            f"where the network allows with `hf download {name}` and name the folder"
        ) from error


def text_of(name: str, file: str) -> str | None:
    """A small file of a model on the hub, not stored anywhere; None if there is none.

    Raises:
        SettingError: the hub does not answer, or refuses.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise SettingError(f"{name} is not in the hub's cache, and HF_HUB_OFFLINE forbids to ask")
    try:
        answer = _asked(f"{constants.ENDPOINT}/{name}/resolve/main/{file}")
    except httpx.HTTPError as error:
        reason = f"the hub does not answer for {name} ({type(error).__name__})"
        raise SettingError(reason) from error
    except RemoteFault as error:
        raise SettingError(f"{file} of {name}: {error}") from error
    if answer.status_code == 404:
        return None
    if answer.is_error:
        raise SettingError(
            f"the hub answers {answer.status_code} for {name}: is the name right, and the licence "
            "accepted by the account of HF_TOKEN?"
        )
    return answer.text


def _asked(url: str) -> httpx.Response:
    from huggingface_hub import get_token

    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return bounded_get(url, "the hub", headers=headers, redirects=True, seconds=SECONDS)
