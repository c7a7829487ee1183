"""Opens the server's ports at the start, and waits a few seconds for a program that still has one of them.

That is the server of before, mostly, which was told to stop. The reactor does not run yet, so waiting holds up nothing.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.transports.proxy import ProxyEndpoint

_log = Logger()

PORT_TIMEOUT_SECONDS = 5.0
"""All ports together are waited for so long."""
PORT_RETRY_SECONDS = 0.1
LEFT_OVER_SECONDS = 1.0
"""A Unix socket that has answered nobody for so long was left by a server that was killed, and is removed."""
LOCK_IS_HELD = "Cannot acquire lock"
"""What Twisted says of a Unix socket whose lock names a process that runs, be it another program by now."""


class PortOpener:
    """Opens ports for `factory`; from its first wait on, it waits `timeout` seconds in all.

    `sleep` and `now` are those of a monotonic clock.
    """

    def __init__(
        self,
        factory: IProtocolFactory,
        timeout: float,
        sleep: Callable[[float], object] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._factory, self._timeout, self._sleep, self._now = factory, timeout, sleep, now
        self._deadline: float | None = None

    def open(self, description: str, endpoint: IStreamServerEndpoint) -> Deferred[IListeningPort]:
        """Listen at an endpoint. The Deferred fails if it is still in use when the time is over."""
        began = None
        while True:
            failures: list[Failure] = []
            listening = endpoint.listen(self._factory).addErrback(_note, failures)
            if not failures or not is_in_use(failures[0].value) or not self._has_time():
                return listening
            listening.addErrback(_drop)
            if began is None:
                began = self._now()
                _log.info("waiting for another program to stop listening at {where}", where=description)
            self._sleep(PORT_RETRY_SECONDS)
            if self._now() - began >= LEFT_OVER_SECONDS:
                _remove_left_over(_socket_path(endpoint))

    def _has_time(self) -> bool:
        if self._deadline is None:
            self._deadline = self._now() + self._timeout
        return self._now() < self._deadline


def is_in_use(error: BaseException | None) -> bool:
    """Return True if an endpoint could not be opened because another program has its address."""
    problem: Any = error.socketError if isinstance(error, CannotListenError) else error
    return problem == LOCK_IS_HELD or (isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE)


def _note(failure: Failure, failures: list[Failure]) -> Failure:
    failures.append(failure)
    return failure


def _drop(failure: Failure) -> None:
    """Take a failure as handled."""


def _socket_path(endpoint: IStreamServerEndpoint) -> str | None:
    """Return the path of a Unix socket's endpoint, and None for others."""
    if isinstance(endpoint, ProxyEndpoint):
        return _socket_path(endpoint.inner)
    unix: Any = endpoint  # its address has no public name
    path: str | None = unix._address if isinstance(endpoint, UNIXServerEndpoint) else None
    return path if path and path[0] != "\0" else None


def _remove_left_over(path: str | None) -> None:
    """Remove a Unix socket and its lock, unless a program answers there or there is something else."""
    if path is None or not _is_left_over(path):
        return
    for name in (path, f"{path}.lock"):
        with suppress(OSError):
            if name != path or stat.S_ISSOCK(os.lstat(name).st_mode):
                os.unlink(name)
    _log.info("removed the socket {path}, which a server has left behind", path=path)


def _is_left_over(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(LEFT_OVER_SECONDS)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except OSError:
            return False
    return False
