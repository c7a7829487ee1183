"""The server as a service of twistd: it opens the doors when it starts, and closes them in order when it stops.

The states of a service:

    state      event                             → state      action
    NEW        privilegedStartService            → LISTENING  prepare; open the ports, while there are privileges
    NEW        startService                      → RUNNING    both: as above, then as below
    LISTENING  startService                      → RUNNING    open the store, then the control socket
    NEW, LISTENING,
    RUNNING    stopService                       → DRAINING   close the ports, then tell the clients to go
    DRAINING   all clients have gone, or
               CLOSE_TIMEOUT_SECONDS have passed → STOPPED    abort what is left, and close the store

In DRAINING and STOPPED, stopService does nothing more. `_hurried` is a fact beside the state: in DRAINING, no client
is waited for any more.
"""

from __future__ import annotations

import errno
import os
import re
import resource
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from types import TracebackType
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTime, IStreamServerEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat._version import __version__
from twisted_chat.admin.control import Control, ControlProtocol
from twisted_chat.core.errors import Notice
from twisted_chat.core.interfaces import StoreError
from twisted_chat.doors.factory import DoorFactory
from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.protocol import DoorProtocol
from twisted_chat.transports.listening import PortOpener, is_in_use
from twisted_chat.wire.terminal import printable_line

_log = Logger()

RESERVED_DESCRIPTORS = 64
"""File descriptors that are kept free for the store, the log and other files."""
MAX_DESCRIPTORS = 1_048_576
"""The soft limit that the server asks for where the hard limit is infinite."""
CLOSE_TIMEOUT_SECONDS = 3.0
"""Clients have this time to read their queued messages when the server stops."""
DRAIN_CHECK_SECONDS = 0.05


class CannotStart(Exception):
    """The server cannot start as it was told to; the text tells the operator why, and what to do."""


class State(Enum):
    """The states of a ChatService; the table is at the head of this file."""

    NEW = "not started"
    LISTENING = "listening"
    RUNNING = "running"
    DRAINING = "draining"
    STOPPED = "stopped"


class ChatService(Service):
    """Listens at `endpoints`, each given with its description, and serves the doors of `factories`.

    Connections go to `front` or, without one, to the first factory. The operator's commands come
    through `control`. `prepare` is called before any port is opened, while the process has its
    privileges; it may raise CannotStart. `transports` is their name in the start-up line. `port_timeout` is how many
    seconds the start waits, without the reactor, for ports that another program still has.
    """

    def __init__(
        self,
        factories: Sequence[DoorFactory],
        endpoints: Sequence[tuple[str, IStreamServerEndpoint]],
        clock: IReactorTime,
        *,
        front: FrontFactory | None = None,
        control: Control | None = None,
        prepare: Callable[[], None] | None = None,
        transports: str = "the reactor's transports",
        port_timeout: float = 0.0,
    ) -> None:
        self._factories, self._endpoints, self._clock = factories, endpoints, clock
        self._hub = factories[0].hub
        self._entrance: DoorFactory | FrontFactory = front or factories[0]
        self._front, self._control, self._prepare, self._transports = front, control, prepare, transports
        self._state, self._hurried = State.NEW, False
        self._port_timeout = port_timeout
        self._ports: list[IListeningPort] = []
        self._where: list[str] = []

    def privilegedStartService(self) -> None:
        """Open the ports, before twistd gives up root. Raises CannotStart."""
        with _one_line():
            self._open_ports()
        self._state = State.LISTENING

    def _open_ports(self) -> None:
        limit = raise_descriptor_limit()
        self._entrance.most = limit - RESERVED_DESCRIPTORS
        if self._entrance.most < 1:
            needed = f"the server needs more than {RESERVED_DESCRIPTORS} file descriptors, and may open {limit} only"
            raise CannotStart(f"{needed}; raise the limit: ulimit -n 1024")
        if self._prepare is not None:
            self._prepare()
        opener = PortOpener(self._entrance, self._port_timeout)
        self._where = [description for description, _ in self._endpoints]
        for number, (description, endpoint) in enumerate(self._endpoints):
            failures: list[Failure] = []
            opener.open(description, endpoint).addCallbacks(self._opened, failures.append, callbackArgs=(number,))
            for failure in failures:
                raise CannotStart(f"cannot listen at {description}: {_listen_problem(failure.value)}")

    def _opened(self, port: IListeningPort, number: int) -> None:
        self._ports.append(port)
        self._where[number] = _with_port(self._where[number], port)

    def startService(self) -> None:
        """Open the store and the control socket, and log the start-up line. Raises CannotStart."""
        if self._state is not State.LISTENING:
            self.privilegedStartService()
        with _one_line():
            self._hub.open()
        if self._control is not None:
            self._control.open()
        super().startService()  # type: ignore[no-untyped-call]
        self._state = State.RUNNING
        self._clock.callLater(0, self._log_start)  # once the reactor runs, and a signal ends the server in order

    def _log_start(self) -> None:
        _log.info(
            "twisted_chat {version} listens at {where} over {transports} and can hold {most} connections",
            version=__version__,
            where=", ".join(self._where),
            transports=self._transports,
            most=self._entrance.most,
        )

    def stopService(self) -> Deferred[None]:
        """Close the ports, send each client what is queued and the notice, and close everything."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._state in (State.DRAINING, State.STOPPED):
            return succeed(None)
        self._state = State.DRAINING
        return Deferred.fromCoroutine(self._drain())

    def hurry(self) -> None:
        """Wait for no client any more, if the server is stopping."""
        if self._state is State.DRAINING and not self._hurried:
            self._hurried = True
            _log.info("told to stop again: the clients have no more time to read what is queued for them")

    async def _drain(self) -> None:
        ports, self._ports = self._ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)
        if self._front is not None:
            self._front.shut_down()
        operators: Collection[ControlProtocol] = ()
        if self._control is not None:
            operators = self._control.connections
            await self._control.close()
        self._hub.flush()
        for connection in self._connections():
            connection.session.notify(Notice.SHUTDOWN)
            connection.close()
        deadline = self._clock.seconds() + CLOSE_TIMEOUT_SECONDS
        while (self._connections() or operators) and self._clock.seconds() < deadline and not self._hurried:
            await deferLater(self._clock, DRAIN_CHECK_SECONDS)
        for connection in self._connections():
            connection.transport.abortConnection()
        for operator in list(operators):
            operator.abort()
        await self._hub.close()
        self._state = State.STOPPED

    def _connections(self) -> list[DoorProtocol]:
        """Return the open connections of all doors."""
        return [connection for factory in self._factories for connection in factory.connections]


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open file descriptors as far as possible, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if 0 <= hard < MAX_DESCRIPTORS else max(soft, MAX_DESCRIPTORS)  # the hard limit may be infinite
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return soft
    return wanted


def _with_port(description: str, port: IListeningPort) -> str:
    """Return the endpoint's description, with the port that the system chose where port 0 was asked for."""
    chosen: Any = port.getHost()
    return re.sub(r"((?:tcp6?|ssl):|port=)0(?![^:])", lambda asked: f"{asked[1]}{chosen.port}", description, count=1)


def _listen_problem(error: BaseException | None) -> str:
    """Return why an endpoint could not be opened, and what the operator can do."""
    in_use = is_in_use(error)
    if isinstance(error, CannotListenError):
        error = error.socketError
    number = errno.EADDRINUSE if in_use else error.errno if isinstance(error, OSError) else None
    reason = os.strerror(number) if number else str(error)
    stop = "stop the program that uses it, or " if in_use else ""
    return f"{reason}; {stop}choose another address with --port or --listen"


@contextmanager
def _one_line() -> Iterator[None]:
    """Log what ends the start, and have it printed as one line when it ends the process. Raises CannotStart."""
    try:
        yield
    except (CannotStart, StoreError, KeyboardInterrupt) as problem:
        interrupted = isinstance(problem, KeyboardInterrupt)
        error = CannotStart("told to stop before the start was over" if interrupted else str(problem))
        _log.critical("{problem}", problem=error)
        sys.excepthook = _print_one_line  # twistd would print a traceback
        raise error from None


def _print_one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, CannotStart):
        print(printable_line(f"twisted_chat: {error}"), file=sys.__stderr__)
    else:
        sys.__excepthook__(kind, error, traceback)
