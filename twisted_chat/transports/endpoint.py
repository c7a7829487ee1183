"""LoopEndpoint: Twisted protocols on the event loop's own TCP transports.

Twisted's asyncio reactor only asks its loop which descriptors are ready, and reads and
writes itself. Here the loop does that: uvloop in C, and at once instead of a
turn later. Sockets are bound and accepted by Twisted's own Port, which knows how.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IListeningPort, ILoggingContext, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.tcp import Port
from zope.interface import implementer

from twisted_chat.transports.loop import AsyncioTransport, LoopTransport


def event_loop(reactor: object) -> asyncio.AbstractEventLoop | None:
    """The asyncio event loop that a reactor runs on, None for reactors that have none."""
    loop: asyncio.AbstractEventLoop | None = getattr(reactor, "_asyncioEventloop", None)  # there is no public name
    return loop


@implementer(IStreamServerEndpoint)
class LoopEndpoint:
    """Listens at a TCP port, and serves each connection with a transport of the reactor's event loop.

    `interface` is an IPv4 or IPv6 address to listen at, all of IPv4's if it is empty;
    `backlog` connections may wait to be accepted. Raises ValueError if the reactor
    runs on no asyncio event loop.
    """

    def __init__(self, reactor: Any, port: int, interface: str = "", backlog: int = 50) -> None:
        loop = event_loop(reactor)
        if loop is None:
            raise ValueError("LoopEndpoint needs Twisted's asyncio reactor; use TCP4ServerEndpoint with another one")
        self._reactor, self._loop = reactor, loop
        self._port, self._interface, self._backlog = port, interface, backlog

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Bind and listen at once; the Deferred has the outcome already (CannotListenError if the port is taken)."""
        return execute(self._listen, protocolFactory)

    def _listen(self, factory: IProtocolFactory) -> IListeningPort:
        connections: set[LoopTransport] = set()
        adopting = _Adopting(factory, self._loop, connections)
        port = Port(self._port, adopting, self._backlog, self._interface, self._reactor)
        port.transport = cast(Any, _only_the_socket)
        port.startListening()
        self._reactor.addSystemEventTrigger("during", "shutdown", _disconnect_all, connections)
        return port


def _disconnect_all(connections: set[LoopTransport]) -> None:
    """What the reactor does for its own transports when it stops."""
    for connection in list(connections):
        connection.shut_down()


def _only_the_socket(connection: socket.socket, *_: Any) -> socket.socket:
    """What a Port gives to makeConnection."""
    return connection


@implementer(IProtocolFactory, ILoggingContext)
class _Adopting:
    """Makes a LoopTransport, which a Port takes for a protocol, around each protocol of a factory."""

    def __init__(
        self, factory: IProtocolFactory, loop: asyncio.AbstractEventLoop, connections: set[LoopTransport]
    ) -> None:
        self._factory, self._loop, self._connections = factory, loop, connections
        self._kind = AsyncioTransport if isinstance(loop, asyncio.BaseEventLoop) else LoopTransport

    def logPrefix(self) -> str:
        prefixed = ILoggingContext(self._factory, None)
        return type(self._factory).__name__ if prefixed is None else prefixed.logPrefix()

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self._factory.buildProtocol(addr)
        return None if protocol is None else self._kind(self._loop, protocol, addr, self._connections)
