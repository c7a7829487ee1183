"""Read what the kernel knows about a process: processor time, memory, threads, context switches."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system time of all threads, including threads that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def thread_seconds(pid: int) -> float:
    """Return user and system time of the first thread, which runs the reactor."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _status(path: Path, *keys: str) -> int:
    """Return the sum of the numbers with these keys in a status file."""
    total = 0
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key in keys:
            total += int(value.split()[0])
    return total


def resident_kib(pid: int) -> int:
    """Return the resident memory."""
    return _status(Path(f"/proc/{pid}/status"), "VmRSS")


def threads(pid: int) -> int:
    """Return the number of threads."""
    return _status(Path(f"/proc/{pid}/status"), "Threads")


def switches(pid: int) -> int:
    """Return the context switches so far, voluntary or not, of the threads that still run."""
    keys = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
    return sum(_status(task / "status", *keys) for task in Path(f"/proc/{pid}/task").iterdir())


def listens(port: int) -> bool:
    """Return True if a process listens on this port of 127.0.0.1, without connecting to it."""
    address = f"0100007F:{port:04X}"
    sockets = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
    return any(fields[1] == address and fields[3] == "0A" for fields in sockets)
