"""The server as a service: its doors open when it starts, and close in order when it stops."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTime, IStreamServerEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat import __version__
from twisted_chat.admin.control import Control, ControlProtocol
from twisted_chat.core.interfaces import StoreError
from twisted_chat.doors.factory import DoorFactory
from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.protocol import DoorProtocol

_log = Logger()

RESERVED = 64
"""Descriptors kept for everything that is no client."""
ENOUGH = 1_048_576
"""Descriptors beyond which a limit is as good as none."""
PATIENCE = 3.0
"""Seconds that clients have, at the end, to read what is queued for them."""


class CannotStart(Exception):
    """The server cannot do what it was told to; its text is for the operator."""


class ChatService(Service):
    """Listens at endpoints, given with their descriptions, for as long as it runs.

    DoorFactory come in by the `front` door, or straight to the first of the factories if there is none;
    operators by `control`. `prepare` is called before anything is opened, while there are privileges; it
    may raise CannotStart. `transports` is what the start-up line says of these.
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
    ) -> None:
        self._factories, self._endpoints, self._clock = factories, endpoints, clock
        self._hub = factories[0].hub
        self._entrance: DoorFactory | FrontFactory = front or factories[0]
        self._front, self._control, self._prepare, self._transports = front, control, prepare, transports
        self._ports: list[IListeningPort] = []
        self._where: list[str] = []

    def privilegedStartService(self) -> None:
        """Open the doors, while ports below 1024 may be opened; raises CannotStart."""
        self._entrance.most = descriptors() - RESERVED
        try:
            if self._prepare is not None:
                self._prepare()
        except CannotStart as problem:
            raise _cannot(problem) from None
        self._where = [description for description, _ in self._endpoints]
        for number, (description, endpoint) in enumerate(self._endpoints):
            failures: list[Failure] = []
            endpoint.listen(self._entrance).addCallbacks(self._opened, failures.append, callbackArgs=(number,))
            for failure in failures:
                raise _cannot(CannotStart(f"cannot listen at {description}: {_reason(failure.value)}"))

    def _opened(self, port: IListeningPort, number: int) -> None:
        self._ports.append(port)
        self._where[number] = _with_port(self._where[number], port)

    def startService(self) -> None:
        if not self._ports:
            self.privilegedStartService()
        try:
            self._hub.open()
        except StoreError as problem:
            raise _cannot(CannotStart(str(problem))) from None
        if self._control is not None:
            self._control.open()
        super().startService()  # type: ignore[no-untyped-call]
        _log.info(
            "twisted_chat {version} listens at {where} over {transports} and can hold {most} connections",
            version=__version__,
            where=", ".join(self._where),
            transports=self._transports,
            most=self._entrance.most,
        )

    def stopService(self) -> Deferred[None]:
        """Let nobody in, tell everyone, send what is queued, and cut off who does not read it."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._drain())

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
            connection.session.notify("shutdown", "the server is shutting down; come back in a while")
            connection.close()
        deadline = self._clock.seconds() + PATIENCE
        while (self._connections() or operators) and self._clock.seconds() < deadline:
            await deferLater(self._clock, 0.05)
        for connection in self._connections():
            connection.transport.abortConnection()
        for operator in list(operators):
            operator.abort()
        await self._hub.close()

    def _connections(self) -> list[DoorProtocol]:
        """Those that are open now, at all doors."""
        return [connection for factory in self._factories for connection in factory.connections]


def descriptors() -> int:
    """How many descriptors this process may open, with the soft limit raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if 0 <= hard < ENOUGH else max(soft, ENOUGH)  # a hard limit may be infinite
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return soft
    return wanted


def _with_port(description: str, port: IListeningPort) -> str:
    """Return the endpoint's description, with the port that the system chose where port 0 was asked for."""
    chosen: Any = port.getHost()
    return re.sub(r"((?:tcp6?|ssl):|port=)0(?![^:])", lambda asked: f"{asked[1]}{chosen.port}", description, count=1)


def _reason(problem: BaseException | None) -> str:
    error = problem.socketError if isinstance(problem, CannotListenError) else problem
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def _cannot(problem: CannotStart) -> CannotStart:
    """Have the problem logged, and shown as one line."""
    _log.critical("{problem}", problem=problem)
    sys.excepthook = _one_line  # twistd would show a traceback
    return problem


def _one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, CannotStart):
        print(f"twisted_chat: {error}", file=sys.__stderr__)
    else:
        sys.__excepthook__(kind, error, traceback)
