"""LoopEndpoint: serve Twisted protocols over the TCP transports of the reactor's event loop.

Twisted's asyncio reactor asks its loop only which sockets are ready, and then reads and
writes in Python, one loop iteration later. With LoopEndpoint the loop itself reads and
writes: uvloop does so in C, and immediately. Twisted's own Port binds and accepts the sockets.
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

MAX_ACCEPTS_A_TURN = 8
"""Connections that are accepted in one turn of the reactor: some 2 ms of work."""


def event_loop(reactor: object) -> asyncio.AbstractEventLoop | None:
    """Return the asyncio event loop that a reactor runs on, or None for any other reactor."""
    loop: asyncio.AbstractEventLoop | None = getattr(reactor, "_asyncioEventloop", None)  # there is no public name
    return loop


@implementer(IStreamServerEndpoint)
class LoopEndpoint:
    """Listen at a TCP port and serve each connection over a transport of the reactor's event loop.

    `interface` is an IPv4 or IPv6 address; an empty string means every IPv4 address.
    `backlog` is the number of connections that may wait to be accepted. Raise
    ValueError if the reactor does not run on an asyncio event loop.
    """

    def __init__(self, reactor: Any, port: int, interface: str = "", backlog: int = 50) -> None:
        loop = event_loop(reactor)
        if loop is None:
            raise ValueError("LoopEndpoint needs the asyncio reactor; with any other reactor use TCP4ServerEndpoint")
        self._reactor, self._loop = reactor, loop
        self._port, self._interface, self._backlog = port, interface, backlog

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Bind and listen immediately; the Deferred has already fired (CannotListenError if the port is in use)."""
        return execute(self._listen, protocolFactory)

    def _listen(self, factory: IProtocolFactory) -> IListeningPort:
        connections: set[LoopTransport] = set()
        transports = _TransportFactory(factory, self._loop, connections)
        port = FairPort(self._port, transports, self._backlog, self._interface, self._reactor)
        port.transport = cast(Any, _bare_socket)
        port.startListening()
        self._reactor.addSystemEventTrigger("during", "shutdown", _disconnect_all, connections)
        return port


class FairPort(Port):
    """A Port that accepts a few connections in a turn of the reactor, however many come; the others wait in the system.

    Twisted's own accepts more and more of them in a turn.
    """

    @property
    def numberAccepts(self) -> int:
        """Return how many connections are accepted in a turn."""
        return MAX_ACCEPTS_A_TURN

    @numberAccepts.setter
    def numberAccepts(self, number: int) -> None:
        """Ignore the number that Twisted would try next."""


def _disconnect_all(connections: set[LoopTransport]) -> None:
    """Lose every connection, as the reactor does for its own transports when it stops."""
    for connection in list(connections):
        connection.shut_down()


def _bare_socket(connection: socket.socket, *_: Any) -> socket.socket:
    """Return the bare socket, which a Port then passes to makeConnection in the place of a transport."""
    return connection


@implementer(IProtocolFactory, ILoggingContext)
class _TransportFactory:
    """Build a LoopTransport around each protocol of a factory; the Port treats the LoopTransport as its protocol."""

    def __init__(
        self, factory: IProtocolFactory, loop: asyncio.AbstractEventLoop, connections: set[LoopTransport]
    ) -> None:
        self._factory, self._loop, self._connections = factory, loop, connections
        self._transport_class = AsyncioTransport if isinstance(loop, asyncio.BaseEventLoop) else LoopTransport

    def logPrefix(self) -> str:
        prefixed = ILoggingContext(self._factory, None)
        return type(self._factory).__name__ if prefixed is None else prefixed.logPrefix()

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self._factory.buildProtocol(addr)
        return None if protocol is None else self._transport_class(self._loop, protocol, addr, self._connections)
