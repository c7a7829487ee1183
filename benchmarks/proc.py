"""Read what the kernel knows about a process: processor time, memory, threads, context switches."""

import contextlib
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


def listening_port(pid: int) -> int | None:
    """Return the TCP port of 127.0.0.1 at which a process listens, or None; no connection is made to it."""
    own: set[str] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            own.add(str(descriptor.readlink()))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == "0A" and local.startswith("0100007F:") and f"socket:[{inode}]" in own:
            return int(local.partition(":")[2], 16)
    return None
