"""Who holds a lease, told so exactly that a worker can know when a holder on its machine is dead.

An owner is ``<machine>/<process>/<number>``. The machine is the boot and the process namespace (a
container has its own), the process its id and start time, so that neither a reused id nor another
host or container can be taken for a dead one.
"""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path

_numbers = itertools.count(1)


def machine() -> str:
    """This boot of this host and process namespace."""
    return f"{socket.gethostname()}:{_boot()}:{_namespace()}"


def process(pid: int | None = None) -> str:
    """A living process, by default this one."""
    pid = os.getpid() if pid is None else pid
    return f"{pid}@{_started(pid)}"


def owner() -> str:
    """A new name for one lease of this process."""
    return f"{machine()}/{process()}/{next(_numbers)}"


def process_of(name: str) -> str:
    """The owner's process as ``process`` tells it; empty if it is not of this machine."""
    where, _, rest = name.partition("/")
    return rest.partition("/")[0] if where == machine() else ""


def is_dead(name: str) -> bool:
    """Whether the owner was a process of this machine that has ended; False if that is not sure."""
    known = process_of(name)
    pid = known.partition("@")[0]
    return pid.isdigit() and bool(_boot()) and known != process(int(pid))


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return ""


def _namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _started(pid: int) -> str:
    """Clock ticks since boot at the process's start; 'ended' for a zombie or no process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "ended"
    # After the name, which may hold spaces: the state is field 3 and the start field 22.
    fields = text.rpartition(")")[2].split()
    return "ended" if fields[0] in "ZX" else fields[19]
