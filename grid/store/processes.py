"""Which process is meant, and whether it lives: recorded so that another process can judge it later."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")
ZOMBIES = "ZX"  # states of a process that has ended and whose parent has not asked for its status yet


def process_started(pid: int) -> int | None:
    """Return when a process started, in ticks since the machine did; None if none of that number lives.

    A number is used again after a while, but not with the same start. psutil tells a time of day, which moves with the
    clock of the machine.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in ZOMBIES else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def identity() -> dict[str, Any]:
    """Return what tells this process from all others, on any machine and in any container, as JSON holds it."""
    pid = os.getpid()
    return {**_machine(), "pid": pid, "started": process_started(pid)}


def lives(record: Mapping[str, Any]) -> bool | None:
    """Tell whether a process lives.

    Parameters
    ----------
    record : mapping
        What `identity` returned in that process.

    Returns
    -------
    bool or None
        None if it cannot be told from here: the process is of another machine or container, or hidden.
    """
    machine = _machine()
    is_here = machine["boot_id"] is not None and all(record.get(name) == value for name, value in machine.items())
    pid, started = record.get("pid"), record.get("started")
    if not is_here or not isinstance(pid, int) or started is None:
        return None
    return lives_here(pid, started)


def lives_here(pid: int, started: int) -> bool | None:
    """Tell whether a process of this machine and container lives; None if it is hidden."""
    now = process_started(pid)
    if now is None and _is_hidden(pid):
        return None
    return now == started


def _machine() -> dict[str, Any]:
    """Return host, boot and namespace: processes that share all three see one another by number."""
    try:
        boot_id = BOOT_ID.read_text(encoding="utf-8").strip()
        namespace = str(PID_NAMESPACE.readlink())
    except OSError:
        boot_id, namespace = None, None
    return {"host": socket.gethostname(), "boot_id": boot_id, "pid_namespace": namespace}


def _is_hidden(pid: int) -> bool:
    """Tell whether another user's process of that number lives, which /proc may hide (mounted with hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return False
