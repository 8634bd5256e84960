"""The rows of a data set from the Hugging Face hub. What can be refused is refused beforehand."""

from types import ModuleType

from agentflow_graph.errors import SettingError
from benchmarks.items.item import Benchmark, Row

PAGE = "https://huggingface.co/datasets/{hub}"


def hub_rows(benchmark: Benchmark) -> list[Row]:
    """Download a benchmark's split, or read it from the cache of `datasets`.

    Raises:
        SettingError: `datasets` is not installed, the hub does not let us in, or it cannot be
            reached.
    """
    datasets = _library(benchmark)
    if benchmark.gated:
        _ask_for_entry(benchmark)
    try:
        return list(
            datasets.load_dataset(benchmark.hub, benchmark.config or None, split=benchmark.split)
        )
    # What it raises without network, for a wrong split and for a refused download has no common
    # base: OSError, ValueError, errors of its own, of pyarrow and of httpx.
    except Exception as error:
        raise SettingError(
            f"{benchmark.name}: the hub gave no rows of {benchmark.hub}, split {benchmark.split} "
            f"({type(error).__name__}: {str(error)[:300]}): try again, or download "
            f"{PAGE.format(hub=benchmark.hub)} elsewhere and name its folder with --data"
        ) from error


def _library(benchmark: Benchmark) -> ModuleType:
    try:
        import datasets
    except ImportError as error:
        raise SettingError(
            f"{benchmark.name} comes from the hub by the package `datasets`: "
            "pip install 'agentflow-graph[bench]', or give a folder with --data"
        ) from error
    module: ModuleType = datasets
    return module


def _ask_for_entry(benchmark: Benchmark) -> None:
    """Whether the hub would give us a gated data set; nothing is downloaded yet."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    page = PAGE.format(hub=benchmark.hub)
    if huggingface_hub.get_token() is None:
        raise SettingError(
            f"{benchmark.name} is gated and there is no token of an account: accept the terms on "
            f"{page}, then run `hf auth login` or set HF_TOKEN"
        )
    try:
        huggingface_hub.auth_check(benchmark.hub, repo_type="dataset")
    except (HfHubHTTPError, OSError) as error:
        raise SettingError(
            f"{benchmark.name} is gated and the hub does not let this account in "
            f"({type(error).__name__}): accept the terms on {page}, or check the token of "
            "`hf auth login` or HF_TOKEN"
        ) from error
