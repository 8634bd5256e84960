"""Ray and the ranks' meeting place: closed to everybody who is not of the run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from agentflow_graph.errors import SettingError

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]

VICTIM = """
import sys
from rl.adapter.stack.cluster import start_ray
start_ray(on_cpu=True)
import ray
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
ray.shutdown()
"""
CLIENT = """
import sys, ray
ray.init(address=sys.argv[1], logging_level=50, log_to_driver=False)
print("IN", ray.nodes())
"""
RANKS = """
import os, sys, psutil
import torch.distributed as dist
from rl.adapter.stack.rendezvous import join
join()
import torch
tensor = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(tensor)
ends = [c.laddr.ip for c in psutil.Process().net_connections("tcp") if c.status == "LISTEN"]
print(tensor.item(), *sorted(set(ends)), flush=True)
dist.destroy_process_group()
"""


def environment(**more: str) -> dict[str, str]:
    foreign = {name: value for name, value in os.environ.items() if "RAY" not in name}
    # Without this switch Ray's client takes 127.0.0.1 for the machine's other address.
    loopback = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    return {**foreign, "PYTHONWARNINGS": "ignore", **loopback, **more}


@contextmanager
def victim() -> Iterator[tuple[psutil.Process, str]]:
    """A process with a cluster, and where it is reached."""
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(RAY_ADDRESS="192.0.2.1:6379"),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("127.0.0.1:")
            yield psutil.Process(process.pid), address
        finally:
            process.stdin.close()
            process.wait(60)


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[psutil.Process, str]]:
    with victim() as running:
        yield running


def attempt(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "given", [{}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}], ids=["none", "wrong"]
)
def test_a_client_without_the_token_is_refused(
    cluster: tuple[psutil.Process, str], given: dict[str, str]
) -> None:
    done = attempt("-c", CLIENT, cluster[1], **given)
    assert done.returncode != 0
    assert "IN" not in done.stdout
    assert "AuthenticationError" in done.stderr


def test_a_foreign_machine_cannot_join(cluster: tuple[psutil.Process, str]) -> None:
    words = ("-m", "ray.scripts.scripts", "start", "--address", cluster[1], "--num-cpus", "1")
    assert attempt(*words, "--disable-usage-stats").returncode != 0


def test_everything_listens_on_loopback(cluster: tuple[psutil.Process, str]) -> None:
    family = [cluster[0], *cluster[0].children(recursive=True)]
    ends = {
        end.laddr.ip
        for process in family
        for end in process.net_connections("tcp")
        if end.status == "LISTEN"
    }
    assert ends
    assert ends <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_what_vllm_opens_for_its_ranks_is_on_loopback_too(
    cluster: tuple[psutil.Process, str],
) -> None:
    """Some versions let them meet at the machine's address in its network."""
    told = {one.environ().get("VLLM_HOST_IP") for one in cluster[0].children(recursive=True)}
    assert told - {None} == {"127.0.0.1"}, "a process that renames itself shows no environment"


def test_the_token_is_not_in_any_arguments(cluster: tuple[psutil.Process, str]) -> None:
    family = [cluster[0], *cluster[0].children(recursive=True)]
    token = family[1].environ()["RAY_AUTH_TOKEN"]
    assert len(token) == 64
    assert not [one for one in family if token in " ".join(one.cmdline())]


def test_an_open_cluster_of_several_machines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from rl.adapter.stack.cluster import start_ray

    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(SettingError, match="RAY_AUTH_MODE=token before `ray start`"):
        start_ray(on_cpu=False, nodes=2)


@pytest.mark.parametrize("world", [1, 2])
def test_ranks_meet_on_loopback_alone(world: int, unused_tcp_port: int) -> None:
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(unused_tcp_port),
        "WORLD_SIZE": str(world),
        "GLOO_SOCKET_IFNAME": "lo",
    }
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", RANKS],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(RANK=str(rank), **shared),
        )
        for rank in range(world)
    ]
    said = [rank.communicate(timeout=120)[0].split() for rank in ranks]
    assert {one[0] for one in said} == {"3.0" if world == 2 else "1.0"}
    assert {end for one in said for end in one[1:]} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
