"""How the ranks of a model find each other, without a door for anybody else.

torch's own way, which DeepSpeed takes where there is no group yet, listens on every address of the
machine and asks for no password.
"""

from __future__ import annotations

import os
import socket

import torch.distributed as dist
from torch._C._distributed_c10d import HashStore, Store, TCPStore


def join() -> None:
    """Make the process group that MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE describe.

    A process that holds two models is in it already. One rank alone needs no socket. Of several the
    first listens on MASTER_ADDR and nowhere else: that is loopback where Ray is
    (`rl.adapter.stack.cluster`).

    Raises:
        OSError: the address is not this machine's, or the port is taken.
    """
    if dist.is_initialized():
        return
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    store = HashStore() if world == 1 else _store(rank, world)
    dist.init_process_group(store=store, rank=rank, world_size=world)


def _store(rank: int, world: int) -> Store:
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if rank:
        return TCPStore(address, port, world, is_master=False)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family)
    return TCPStore(
        address, port, world, is_master=True, master_listen_fd=listener.detach(), use_libuv=True
    )
