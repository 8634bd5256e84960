"""Thirty-three programs for a sandbox: four that must work, and attempts to get out of it.

    python tests/support/escapes.py landlock       # one line of JSON; needs the tree on PYTHONPATH

Each attempt prints ESCAPED if it got through, HELD if it met a wall. What it reaches for is real
and open to everybody, so that only the sandbox is in its way.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import processes_with

from tools.sandbox.choose import SAFE
from tools.sandbox.launch import MODULES
from tools.sandbox.protocol import Execution, Limits

LIMITS = Limits(wall=8.0, cpu=5.0, memory=512 << 20)
SHORT = Limits(wall=0.7, cpu=5.0, memory=512 << 20)
SECRET = "sk-planted-4738"


@dataclass(frozen=True)
class Bait:
    """What the programs reach for; `folder` plays a home and a project with secrets in it."""

    folder: str
    variable: str
    tcp: int
    udp: int
    unix: str
    abstract: str
    owner: int


@dataclass(frozen=True)
class Probe:
    """A program and how it must end: with one of `ends`, and `says` in its stdout."""

    code: str
    ends: tuple[str, ...] = ("ok",)
    says: str = "HELD"
    limits: Limits = LIMITS


@contextmanager
def laid_bait() -> Iterator[Bait]:
    """Put out the baits and take them away again."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agentflow-escapes-"))
        os.chmod(folder, 0o777)
        for name in (".secret", ".env"):
            Path(folder, name).write_text(SECRET)
        variable = f"AGENTFLOW_ESCAPE_{secrets.token_hex(4)}"
        os.environ[variable] = SECRET
        stack.callback(os.environ.pop, variable)
        tcp, udp = (stack.enter_context(_bound(kind)) for kind in ("STREAM", "DGRAM"))
        unix, abstract = f"{folder}/socket", f"\0{variable}"
        for address in (unix, abstract):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
        ports = tcp.getsockname()[1], udp.getsockname()[1]
        yield Bait(folder, variable, *ports, unix, abstract, os.getpid())


def _bound(kind: str) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SocketKind[f"SOCK_{kind}"])
    bound.bind(("127.0.0.1", 0))
    if kind == "STREAM":
        bound.listen()
    return bound


def attempt(*lines: str) -> Probe:
    body = "\n".join("    " + line for line in lines)
    return Probe(f"try:\n{body}\nexcept OSError: print('HELD')\nelse: print('ESCAPED')")


def call(expression: str) -> Probe:
    """A system call by way of libc, `l`, which must be refused with EPERM."""
    return Probe(
        "import ctypes, os\nl = ctypes.CDLL(None, use_errno=True)\n"
        f"refused = {expression} == -1 and ctypes.get_errno() == 1\n"
        "print('HELD' if refused else 'ESCAPED')"
    )


def connect(family: str, address: object, kind: str = "STREAM") -> Probe:
    return attempt(
        "import socket",
        f"s = socket.socket(socket.AF_{family}, socket.SOCK_{kind})",
        "s.settimeout(2)",
        f"s.connect({address!r})",
        f"s.send({SECRET!r}.encode())",
    )


WORKS = ("hello", "numpy", "sympy", "blas")
READS = ("read_passwd", "read_shadow", "read_secret", "read_dotenv", "environ_of_others")
WRITES = ("write_home", "write_project", "write_libraries", "fill_disk")
CALLS = ("tcp", "udp", "unix_socket", "abstract_socket")
STARTS = ("fork_bomb", "daemon", "forked_memory_bomb", "exec_shell")
GREED = ("memory_bomb", "endless_loop", "endless_sleep", "stubborn_loop", "flood")
SYSTEM = ("signal_parent", "ptrace_parent", "unshare", "mount", "io_uring", "bpf_and_keyctl")
NAMES = (*WORKS, *READS, "environment", *WRITES, *CALLS, *STARTS, *GREED, *SYSTEM)


def probes(bait: Bait) -> dict[str, Probe]:
    """All of them by name."""
    return {**_works(), **_files(bait), **_network(bait), **_greed(), **_system()}


def _works() -> dict[str, Probe]:
    return {
        "hello": Probe("print('hello')", says="hello"),
        "numpy": Probe("import numpy; print(numpy.arange(5).sum())", says="10"),
        "sympy": Probe("from sympy import *; print(factor('x**2-1'))", says="(x - 1)*(x + 1)"),
        "blas": Probe(
            "import numpy as n\na = n.random.rand(300, 300)\n"
            "print(n.allclose(a @ n.linalg.inv(a), n.eye(300), atol=1e-4))",
            says="True",
        ),
    }


def _files(bait: Bait) -> dict[str, Probe]:
    target = f"{os.path.basename(bait.folder)}-written"
    return {
        "read_passwd": attempt("print(open('/etc/passwd').read())"),
        "read_shadow": attempt("print(open('/etc/shadow').read())"),
        "read_secret": attempt(f"print(open('{bait.folder}/.secret').read())"),
        "read_dotenv": attempt(f"print(open('{bait.folder}/.env').read())"),
        "environment": Probe(
            "import os\n"
            f"print('ESCAPED' if {bait.variable!r} in os.environ else 'HELD', dict(os.environ))"
        ),
        "environ_of_others": Probe(
            f"import os\nfor pid in (1, os.getppid(), {bait.owner}):\n"
            "    try: print('ESCAPED', open(f'/proc/{pid}/environ').read())\n"
            "    except OSError: print('HELD')"
        ),
        "write_home": attempt(f"open('{bait.folder}/written', 'w').write('x')"),
        "write_project": attempt(f"open('{MODULES}/{target}', 'w').write('x')"),
        "write_libraries": attempt(f"open('{sys.prefix}/lib/{target}', 'w').write('x')"),
        "fill_disk": Probe(
            "import time\nfor i in range(10): open(str(i), 'wb').write(bytes(60_000_000))\n"
            "time.sleep(1)\nprint('ESCAPED')",
            ("output_limit", "error"),
            "",
        ),
    }


def _network(bait: Bait) -> dict[str, Probe]:
    return {
        "tcp": connect("INET", ("127.0.0.1", bait.tcp)),
        "udp": connect("INET", ("127.0.0.1", bait.udp), "DGRAM"),
        "unix_socket": connect("UNIX", bait.unix),
        "abstract_socket": connect("UNIX", bait.abstract),
    }


def _greed() -> dict[str, Probe]:
    fork = "os.fork() or (time.sleep(30), os._exit(0))"
    bomb = "x = []\nwhile True: x.append(bytearray(8 << 20))"
    stubborn = (
        "import signal\nfor s in (signal.SIGTERM, signal.SIGXCPU, signal.SIGINT):\n"
        "    signal.signal(s, signal.SIG_IGN)\nwhile True: pass"
    )
    return {
        "fork_bomb": attempt("import os, time", f"for _ in range(20): {fork}"),
        "daemon": attempt("import os, time", "os.fork() or (os.setsid(), time.sleep(30))"),
        "memory_bomb": Probe(bomb, ("memory",), ""),
        "forked_memory_bomb": attempt(
            "import os, time",
            "for _ in range(8): os.fork() or (bytearray(400 << 20), time.sleep(30), os._exit(0))",
        ),
        "endless_loop": Probe("while True: pass", ("timeout",), "", SHORT),
        "endless_sleep": Probe("import time; time.sleep(3600)", ("timeout",), "", SHORT),
        "stubborn_loop": Probe(stubborn, ("timeout",), "", SHORT),
        "flood": Probe(
            "import os\nfor _ in range(2000): os.write(1, b'x' * (1 << 20))",
            ("output_limit",),
            "x" * 100,
        ),
    }


def _system() -> dict[str, Probe]:
    # Numbers of x86-64: io_uring_setup 425, bpf 321, keyctl 250.
    return {
        "signal_parent": attempt("import os", "os.kill(os.getppid(), 0)"),
        "ptrace_parent": call("l.ptrace(16, os.getppid(), 0, 0)"),
        "exec_shell": attempt("import os", "os.execv('/bin/sh', ['sh', '-c', 'echo ESCAPED'])"),
        "unshare": call("l.unshare(0x10000000)"),
        "mount": call("l.mount(b'none', b'/', b'tmpfs', 0, None)"),
        "io_uring": call("l.syscall(425, 8, ctypes.create_string_buffer(120))"),
        "bpf_and_keyctl": call(
            "max(l.syscall(250, 0, -3, 0), "
            "l.syscall(321, 0, ctypes.create_string_buffer(120), 120))"
        ),
    }


def judge(probe: Probe, execution: Execution) -> str:
    """Empty if the sandbox did what it must, else what it did."""
    leaked = "ESCAPED" in execution.stdout or SECRET in repr(execution)
    fine = execution.status in probe.ends and probe.says in execution.stdout and not leaked
    return "" if fine else repr(execution)[:600]


def written(bait: Bait) -> list[str]:
    """Files that a program should not have been able to make."""
    target = f"{os.path.basename(bait.folder)}-written"
    paths = f"{bait.folder}/written", f"{MODULES}/{target}", f"{sys.prefix}/lib/{target}"
    return [path for path in paths if os.path.exists(path)]


def survivors(owner: int) -> list[int]:
    """Processes of the sandboxes of `owner`, which carry its number in their arguments."""
    return processes_with(f'"owner": {owner},'.encode())


async def fly(backend: str) -> dict[str, object]:
    """Run all probes one after the other in a sandbox of their own; what went wrong, by name."""
    sandbox, faults = SAFE[backend](), {}
    with laid_bait() as bait:
        for name, probe in probes(bait).items():
            if fault := judge(probe, await sandbox.run(probe.code, probe.limits)):
                faults[name] = fault
        files = written(bait)
    await sandbox.close()
    await asyncio.sleep(0.2)
    left = survivors(os.getpid())
    return {"uid": os.getuid(), "faults": faults, "written": files, "survivors": left}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(fly(sys.argv[1]))))
