"""LoopTransport: a connection of an asyncio event loop as the transport of a Twisted protocol.

It is an asyncio Protocol to the loop and an ITCPTransport to the Twisted protocol, and
does what `twisted.internet.tcp` does, with the loop's own transport underneath.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IProtocol,
    IPushProducer,
    ISystemHandle,
    ITCPTransport,
)
from twisted.logger import Logger
from zope.interface import implementer

from twisted_chat.transports.loop_writer import BUFFER, DONE, LOST, LoopWriter

_log = Logger()

_read = memoryview(bytearray(BUFFER))  # one for all, since what was read is copied before anything else is


@implementer(ITCPTransport, ISystemHandle, IConsumer, IPushProducer)
class LoopTransport(LoopWriter):
    """The transport of a Twisted protocol, over one of an asyncio loop's.

    Differs from `twisted.internet.tcp.Server` in that TCP_NODELAY is on (the loop sees
    to it), that a failing connectionMade ends the connection, and that there is no
    startTLS. It is one of `connections` while it is connected.
    """

    __slots__ = ("__weakref__", "_connections", "_held", "_paused", "_peer")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: IProtocol,
        peer: IPv4Address | IPv6Address,
        connections: set[LoopTransport],
    ) -> None:
        super().__init__(loop, protocol)
        self._peer, self._connections = peer, connections
        self._held = b""
        self._paused = False  # the protocol does not want to read

    def makeConnection(self, connection: socket.socket) -> None:
        """Take over a socket that was accepted; the protocol is connected in the loop's next turn."""
        connection.setblocking(False)
        self._socket = connection
        self._loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: self, self._socket)
        except OSError as problem:  # it is gone already
            _log.info("Could not take over a connection ({problem})", problem=problem)
            self._socket.close()

    # what the loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._begin(cast(asyncio.Transport, transport))
        self._connections.add(self)
        try:
            cast(IProtocol, self.protocol).makeConnection(self)
        except Exception:
            self._failed()

    def data_received(self, data: bytes) -> None:
        if self._paused:  # uvloop begins to read after connection_made, although it was told to pause there
            self._transport.pause_reading()
            self._held += data
            return
        try:
            self.protocol.dataReceived(data)  # type: ignore[union-attr]
        except Exception:
            self._failed()

    def eof_received(self) -> bool:
        if self._paused:  # as above; reading on will come upon it again
            return True
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is None:
            self._end(DONE)
            return False
        try:
            protocol.readConnectionLost()
        except Exception:
            self._failed()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self.disconnected:
            return
        reason = self._reason or (DONE if exc is None else LOST)
        self._connections.discard(self)
        protocol, producer = cast(IProtocol, self.protocol), self.producer
        self._forget()
        self._held = b""
        try:
            if producer is not None:
                producer.stopProducing()
        except Exception:
            _log.failure("Unhandled error when a producer was stopped")
        try:
            protocol.connectionLost(reason)
        except Exception:
            _log.failure("Unhandled error when a connection was lost")

    # ITransport, ITCPTransport and ISystemHandle

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.pauseProducing()
        super().loseConnection()

    def shut_down(self) -> None:
        """Lose the connection now, since the loop will not turn any more."""
        transport, self._reason = self._transport, LOST
        self.connection_lost(None)
        transport.abort()

    def getPeer(self) -> IPv4Address | IPv6Address:
        return self._peer

    def getHost(self) -> IPv4Address | IPv6Address:
        name = self._socket.getsockname()
        if isinstance(self._peer, IPv4Address):
            return IPv4Address("TCP", *name)
        host, _ = socket.getnameinfo(name, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)  # with the scope
        return IPv6Address("TCP", host, *name[1:])

    def getHandle(self) -> socket.socket:
        return self._socket

    def getTcpNoDelay(self) -> bool:
        return bool(self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, enabled)

    def getTcpKeepAlive(self) -> bool:
        return bool(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, enabled)

    # IPushProducer: what is read

    def pauseProducing(self) -> None:
        if self.connected:
            self._paused = True
            self._transport.pause_reading()

    def resumeProducing(self) -> None:
        if self._paused and self.connected and not self.disconnecting:
            self._paused = False
            if self._held:
                self._loop.call_soon(self._deliver_held)
            else:
                self._transport.resume_reading()

    def stopProducing(self) -> None:
        self.loseConnection()

    # what comes later

    def _deliver_held(self) -> None:
        if self._held and self.connected and not self._paused:
            held, self._held = self._held, b""
            self.data_received(held)
            if self.connected and not self._paused:
                self._transport.resume_reading()


class AsyncioTransport(LoopTransport, asyncio.BufferedProtocol):
    """The same for asyncio's own loop.

    That would make room for 256 KiB before each read, and log a warning when much is
    written to a connection that is lost.
    """

    __slots__ = ()

    def get_buffer(self, sizehint: int) -> memoryview:
        return _read

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(_read[:nbytes]))

    def _loop_write(self) -> Callable[[bytes], None]:
        return self._write_unless_lost

    def _write_unless_lost(self, data: bytes) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write(data)
