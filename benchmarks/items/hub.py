"""The rows of a data set on the Hugging Face hub.

Only what the hub's local cache does not hold needs the network. Refusals come before a download.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import shown
from benchmarks.items.item import Row

PAGE = "https://huggingface.co/datasets/{name}"
SECONDS = 10.0
"""Most seconds of a request for a revision."""


def hub_rows(
    name: str,
    config: str,
    split: str,
    instead: str,
    columns: Sequence[str] = (),
    commit: str = "",
) -> Iterator[Row]:
    """The rows of a data set's split in its own order.

    Without `columns` the split is downloaded once and kept in the cache of `datasets`. With them
    only these are read, as a stream that is never all in memory.

    Args:
        name: of the data set, as OWNER/NAME.
        config: its configuration; empty for the default one.
        split: such as `test`.
        instead: for the error: how to name a copy that was downloaded by other means.
        columns: those to stream; empty: all, downloaded.
        commit: revision of the data set; empty: the newest.

    Raises:
        SettingError: `datasets` is not installed, the hub cannot be reached, or has no such split.
    """
    datasets = _library(name, instead)
    try:
        how = {"split": split, "streaming": bool(columns), "revision": commit or None}
        rows = datasets.load_dataset(name, config or None, **how)
        yield from rows.select_columns(list(columns)) if columns else rows
    # What it raises without network, for a wrong split and for a refused download has no common
    # base: OSError, ValueError, errors of its own, of pyarrow and of httpx.
    except Exception as error:
        said = shown(str(error))[:300]
        raise SettingError(
            f"the hub gave no rows of {name}, split {split} ({type(error).__name__}: "
            f"{said}): try again, or download {PAGE.format(name=name)} where the "
            f"network allows and {instead}"
        ) from error


def hub_file(name: str, path: str, commit: str = "") -> Path:
    """A file of a data set's repository, on this machine.

    Raises:
        SettingError: the hub did not give it.
    """
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, path, repo_type="dataset", revision=commit or None))
    # As for rows: refusals, networks and names that are not there have no common base.
    except Exception as error:
        said = f"{type(error).__name__}: {shown(str(error))[:300]}"
        raise SettingError(
            f"the hub gave no {path} of {name} ({said}): "
            f"try again, or download {PAGE.format(name=name)} and name its folder with --data"
        ) from error


def check_access(name: str) -> None:
    """Ask whether the hub would give us a gated data set; nothing is downloaded yet.

    Raises:
        SettingError: there is no token of an account, or the account was not let in.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    page = PAGE.format(name=name)
    if huggingface_hub.get_token() is None:
        raise SettingError(
            f"{name} is gated and there is no token of an account: accept the terms on {page}, "
            "then run `hf auth login` or set HF_TOKEN"
        )
    try:
        huggingface_hub.auth_check(name, repo_type="dataset")
    except (HfHubHTTPError, OSError) as error:
        raise SettingError(
            f"{name} is gated and the hub does not let this account in ({type(error).__name__}): "
            f"accept the terms on {page}, or check the token of `hf auth login` or HF_TOKEN"
        ) from error


def revision(name: str) -> str:
    """The commit of a data set that `hub_rows` reads; empty if the hub does not answer."""
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(name, timeout=SECONDS).sha)
    # Its HTTP library differs from version to version, and with it the errors.
    except Exception:
        return ""


def _library(name: str, instead: str) -> ModuleType:
    try:
        import datasets
    except ImportError as error:
        raise SettingError(
            f"{name} comes from the hub by the package `datasets`, which is not installed: run "
            f"`make setup` or `pip install datasets`, or download the data set and {instead}"
        ) from error
    module: ModuleType = datasets
    return module
