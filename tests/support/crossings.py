"""Programs of the sandbox against each other, and against the processes that run them.

    python tests/support/crossings.py landlock     # one line of JSON; needs the tree on PYTHONPATH

All attackers run at once, beside victims that hold a secret in their code, their output and a
file. Each prints ESCAPED if it reached something that is not its own, HELD if not; victims must
come to their end untouched. Numbers of system calls are those of x86-64.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import replace
from typing import Any

import escapes
from escapes import Probe, attempt

from tools.sandbox.choose import SAFE
from tools.sandbox.protocol import Execution, Limits
from tools.sandbox.warm import WarmSandbox

LIMITS = Limits(wall=30.0, cpu=10.0, memory=512 << 20)
IN_CODE, IN_OUTPUT, IN_FILE = "CODE4738SECRET", "OUTPUT4738SECRET", "file-4738-secret"

VICTIM = f"""
mark = "{IN_CODE}"
print("{IN_OUTPUT[:6]}" + "{IN_OUTPUT[6:]}", flush=True)
open("{IN_FILE}", "w").write(mark)
import os, time
end = time.time() + 4
while time.time() < end:
    time.sleep(0.05)
os.listdir()
"""

_LIBC = "import ctypes, os\nl = ctypes.CDLL(None, use_errno=True)\n"

SCAN = (
    _LIBC
    + """
l.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
l.sbrk.restype = ctypes.c_void_p
r, w = os.pipe()
places = [(l.sbrk(0) - (48 << 20), l.sbrk(0))]
for one in (object(), os, [], 'x' * 5000, b'y' * 300000, open, {}):
    near = id(one) & ~0xfffff
    places.append((near - (24 << 20), near + (24 << 20)))
import re
found = set()
marks = re.compile(rb"(?:CODE|OUTPUT)4738[A-Z]{6}|file-4738-[a-z]{6}")
for low, high in places:
    for page in range(low & ~4095, high, 4096):
        if l.write(w, page, 4096) == 4096:
            found |= set(marks.findall(os.read(r, 4096)))
print('ESCAPED' if found else 'HELD', len(found))
"""
)
"""Reads all that this process inherited, without /proc: a page that is not there cannot be written
to a pipe. The pattern does not match itself, so that the scanner's own code is not found."""

NEIGHBOURS = (
    "me, above = os.getpid(), os.getppid()\nothers = [above, above - 1, *range(me - 40, me + 40)]\n"
)


def each(expression: str, works: str = "== 0") -> Probe:
    """A call of libc, `l`, on every process near by; any success is an escape."""
    return Probe(
        _LIBC
        + NEIGHBOURS
        + f"got = [p for p in others if p > 0 and p != me and {expression} {works}]\n"
        "print('ESCAPED' if got else 'HELD', got[:3])"
    )


def refused(expression: str) -> Probe:
    """A call of libc that must fail, whatever the reason."""
    return Probe(_LIBC + f"print('HELD' if {expression} == -1 else 'ESCAPED')")


def signals(number: int, target: str) -> Probe:
    """A signal by way of a descriptor that becomes ready: F_SETOWN, F_SETSIG, O_ASYNC."""
    return Probe(
        _LIBC + NEIGHBOURS + f"import fcntl, time\nfor p in {target}:\n"
        "    try:\n        r, w = os.pipe()\n"
        "        fcntl.fcntl(r, 8, p)\n"
        f"        fcntl.fcntl(r, 10, {number})\n"
        "        fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n"
        "        os.write(w, b'x'); time.sleep(0.01)\n"
        "        print('ESCAPED', p)\n"
        "    except OSError: pass\n"
        "    finally: os.close(r); os.close(w)\n"
        "print('HELD')"
    )


def attackers() -> dict[str, Probe]:
    """All of them by name."""
    return {**_memory(), **_signals(), **_processes(), **_watching(), **_channels(), **_disk()}


def _memory() -> dict[str, Probe]:
    return {
        "scan_memory": Probe(SCAN, limits=replace(LIMITS, files=1 << 34)),
        "inherited_descriptors": Probe(
            "import os\nopen_ones = []\nfor d in range(4, 4096):\n"
            "    try: os.fstat(d); open_ones.append(d)\n    except OSError: pass\n"
            "print('ESCAPED' if open_ones else 'HELD', open_ones)"
        ),
        "stdin": Probe("import sys\nprint('ESCAPED' if sys.stdin.read() else 'HELD')"),
        "others_memory": each("l.syscall(310, p, 0, 0, 0, 0, 0)"),
        "others_memory_write": each("l.syscall(311, p, 0, 0, 0, 0, 0)"),
        "proc_memory": Probe(
            NEIGHBOURS.replace("me,", "import os\nme,") + "for p in others:\n"
            "    for name in ('mem', 'maps', 'environ', 'cmdline', 'io', 'fd'):\n"
            "        try: open(f'/proc/{p}/{name}', 'rb').read(1); print('ESCAPED', p, name)\n"
            "        except OSError: pass\nprint('HELD')"
        ),
        "own_forgetting": refused("l.prctl(4, 0, 0, 0, 0)"),
    }


def _signals() -> dict[str, Probe]:
    dies = Probe(
        _LIBC + "import signal, time\n"
        "class Event(ctypes.Structure):\n"
        "    _fields_ = [('value', ctypes.c_void_p), ('signo', ctypes.c_int),\n"
        "                ('notify', ctypes.c_int), ('pad', ctypes.c_char * 64)]\n"
        "timer = ctypes.c_void_p()\n"
        "event = Event(None, 40, 0)\n"
        "assert l.timer_create(1, ctypes.byref(event), ctypes.byref(timer)) == 0\n"
        "when = (ctypes.c_long * 4)(0, 0, 0, 1000000)\n"
        "l.timer_settime(timer, 0, when, None)\ntime.sleep(2)\nprint('still here')",
        ends=("error",),
        says="",
    )
    return {
        "sigio_kill_siblings": signals(9, "[p for p in others if p not in (me, above)]"),
        "sigio_kill_forker": signals(9, "[above]"),
        "sigio_stop_supervisor": signals(19, "[above - 1, above - 2, 1]"),
        "sigio_realtime_self": signals(40, "[me]"),
        "fioasync": refused("l.ioctl(os.pipe()[0], 0x5452, ctypes.byref(ctypes.c_int(1)))"),
        "realtime_death": dies,
        "kill_siblings": each("l.kill(p, 0)"),
        "kill_group": each("l.kill(-p, 0)"),
        "tgkill": each("l.syscall(234, p, p, 0)"),
        "sigqueue": each("l.syscall(129, p, 0, ctypes.create_string_buffer(128))"),
        "pidfd_open": each("l.syscall(434, p, 0)", ">= 0"),
    }


def _processes() -> dict[str, Probe]:
    return {
        "ptrace_siblings": each("l.ptrace(16, p, 0, 0)"),
        "others_limits": each("l.prlimit(p, 0, None, ctypes.create_string_buffer(16))"),
        "others_priority": each("l.setpriority(0, p, 19)"),
        "others_cores": each("l.sched_setaffinity(p, 8, ctypes.byref(ctypes.c_long(1)))"),
        "others_scheduler": each("l.sched_setscheduler(p, 3, ctypes.byref(ctypes.c_int(0)))"),
        "kcmp": each("l.syscall(312, me, p, 0, 0, 0)", ">= 0"),
        "clone_process": refused("l.syscall(56, 17, 0, 0, 0, 0)"),
        "clone_sibling": refused("l.syscall(56, 0x8000 | 17, 0, 0, 0, 0)"),
        "clone3_process": refused("l.syscall(435, ctypes.create_string_buffer(88), 88)"),
    }


def _watching() -> dict[str, Probe]:
    return {
        "inotify": refused("l.inotify_init1(0)"),
        "inotify_old": refused("l.syscall(253)"),
        "fanotify": refused("l.fanotify_init(0, 0)"),
        "dnotify": attempt("import fcntl, os", "fcntl.fcntl(os.open('.', 0), 1026, 2)"),
        "lease": attempt(
            "import fcntl, os",
            "fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), 1024, fcntl.F_WRLCK)",
        ),
        "lease_for_reading": attempt(
            "import fcntl, os",
            "fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), 1024, fcntl.F_RDLCK)",
        ),
        "flock_library": attempt(
            "import fcntl, os", "fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX)"
        ),
        "siblings_files": Probe(
            "import os\nup, mine = os.path.split(os.getcwd())\n"
            "for n in range(200):\n    for place in (f'{up}/{n}', f'{up}/{mine}/../{n}'):\n"
            "        try:\n"
            "            if str(n) != mine and os.listdir(place): print('ESCAPED', n)\n"
            "        except OSError: pass\nprint('HELD')"
        ),
        "siblings_file_by_name": Probe(
            "import os\nup = os.path.dirname(os.getcwd())\n"
            "for n in range(200):\n"
            f"    name = '{IN_FILE[:5]}' '{IN_FILE[5:]}'\n"
            "    try: print('ESCAPED', open(f'{up}/{n}/{name}').read())\n"
            "    except OSError: pass\nprint('HELD')"
        ),
        "handle": refused(
            "l.name_to_handle_at(-100, b'.', ctypes.create_string_buffer(200), "
            "ctypes.byref(ctypes.c_int()), 0)"
        ),
    }


def _channels() -> dict[str, Probe]:
    return {
        "datagram_pair": attempt(
            "import socket", "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)"
        ),
        "unix_listener": attempt("import socket", "socket.socket(socket.AF_UNIX).bind('s')"),
        "pass_descriptor": attempt(
            "import socket, os", "a, b = socket.socketpair()", "socket.send_fds(a, [b'x'], [0])"
        ),
        "shared_memory": refused("l.shmget(4738, 4096, 0o1666)"),
        "message_queue": refused("l.msgget(4738, 0o1666)"),
        "posix_queue": refused("l.syscall(240, b'q4738', 0o102, 0o666, None)"),
        "semaphores": refused("l.semget(4738, 1, 0o1666)"),
        "memfd": attempt("import os", "os.memfd_create('x')"),
        "userfault": refused("l.syscall(323, 1)"),
        "splice": refused("l.splice(os.open(os.__file__, 0), None, os.pipe()[1], None, 10, 0)"),
    }


def _disk() -> dict[str, Probe]:
    stopped = ("output_limit", "error")
    keeps = "    os.unlink('f')\n    for _ in range(60): os.write(f, b'1' * 1000000)\n    {hold}\n"
    loop = "import os, mmap, time\nheld = []\nfor i in range(8):\n"
    opened = "    f = os.open('f', os.O_CREAT | os.O_RDWR)\n"
    end = "time.sleep(1)\nprint('ESCAPED')"
    return {
        "unlinked_open": Probe(
            loop + opened + keeps.format(hold="held.append(f)") + end, stopped, ""
        ),
        "unlinked_mapped": Probe(
            loop
            + opened
            + keeps.format(hold="held.append(mmap.mmap(f, 4096, mmap.MAP_PRIVATE, 1)); os.close(f)")
            + end,
            stopped,
            "",
        ),
        "unlinked_nameless": Probe(
            loop
            + "    f = os.open('.', os.O_TMPFILE | os.O_RDWR)\n"
            + keeps.format(hold="held.append(f)").replace("    os.unlink('f')\n", "")
            + end,
            stopped,
            "",
        ),
        "stored_by_mapping": Probe(
            loop + opened + "    os.unlink('f'); os.ftruncate(f, 60000000)\n"
            "    m = mmap.mmap(f, 60000000)\n    m.write(b'1' * 60000000)\n    held.append(m)\n"
            + end,
            stopped,
            "",
            Limits(wall=30.0, cpu=10.0),
        ),
        "fallocated": Probe(
            loop
            + opened
            + "    os.unlink('f'); os.posix_fallocate(f, 0, 60000000); held.append(f)\n"
            + end,
            stopped,
            "",
        ),
        "deep_tree": Probe(
            "import os, time\nfor i in range(4900): os.mkdir('d'); os.chdir('d')\ntime.sleep(0.3)",
            ("ok", "output_limit", "error"),
            "",
        ),
        "many_folders": Probe(
            "import os\ni = 0\nwhile True:\n"
            "    os.mkdir(str(i)); os.close(os.open(f'{i}/x', os.O_CREAT)); i += 1",
            stopped,
            "",
            Limits(wall=30.0, cpu=10.0),
        ),
        "many_links": Probe(
            "import os\nopen('a', 'w').close()\nn = 0\nwhile True: os.link('a', str(n)); n += 1",
            stopped,
            "",
        ),
    }


async def fly(sandbox: WarmSandbox) -> dict[str, object]:
    """All attackers at once beside victims: what went wrong, by name."""
    await sandbox.run("1", LIMITS)
    earlier = await sandbox.run(VICTIM.replace("+ 4", "+ 0"), LIMITS)
    assert earlier.status == "ok", earlier
    tried = attackers()
    victims = [asyncio.create_task(sandbox.run(VICTIM, LIMITS)) for _ in range(2)]
    await asyncio.sleep(0.3)
    done = await asyncio.gather(*(sandbox.run(one.code, one.limits) for one in tried.values()))
    pairs = zip(tried.items(), done, strict=True)
    faults: dict[str, object] = {
        name: said for (name, one), run in pairs if (said := escapes.judge(one, run))
    }
    for number, victim in enumerate(victims):
        if fault := _harmed(await victim):
            faults[f"victim {number}"] = fault
    if (after := await sandbox.run("6 * 7", LIMITS)).value != "42":
        faults["after"] = repr(after)
    return faults


def _harmed(victim: Execution) -> str:
    whole = victim.status == "ok" and victim.value == f"['{IN_FILE}']"
    return "" if whole else repr(victim)[:600]


async def main(backend: str) -> dict[str, object]:
    """For the command line."""
    make: Any = SAFE[backend]
    sandbox: WarmSandbox = make(parallel=16)
    began = time.monotonic()
    faults = await fly(sandbox)
    await sandbox.close()
    await asyncio.sleep(0.2)
    left = escapes.survivors(os.getpid())
    seconds = time.monotonic() - began
    print(f"{len(attackers())} programs in {seconds:.1f} s", file=sys.stderr)
    return {"uid": os.getuid(), "faults": faults, "written": [], "survivors": left}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1]))))
