"""Run one server process, alone on one core, for the time of a `with` block."""

import contextlib
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator

import proc

START = 15.0
END = 5.0


def cores() -> tuple[int, int]:
    """Return the core for the server and the core for all other processes; the same if there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def raise_limits() -> None:
    """Raise the limit of descriptors, for this process and its children, as far as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def serving(command: list[str], pinned: bool = True) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a server in a folder of its own, wait until it listens, yield it and its port, and stop it afterwards.

    Without `pinned` the server may use all cores.
    """
    folder = tempfile.TemporaryDirectory()
    null = subprocess.DEVNULL
    server = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, cwd=folder.name)
    try:
        if pinned:
            os.sched_setaffinity(server.pid, {cores()[0]})
        deadline = time.monotonic() + START
        while (port := proc.listening_port(server.pid)) is None:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start")
            time.sleep(0.02)
        yield server, port
    finally:
        server.terminate()
        try:
            server.wait(END)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        folder.cleanup()
