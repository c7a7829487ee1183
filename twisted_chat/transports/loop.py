"""LoopTransport: the transport of a Twisted protocol, on top of the transport of an asyncio event loop.

It is an asyncio Protocol to the loop and an ITCPTransport to the Twisted protocol, and
does what `twisted.internet.tcp` does. The states of a connection and its write half are
in loop_writer.py; here are its start, its read half, its addresses and its socket options.
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
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.transports.faults import FAULTS
from twisted_chat.transports.loop_writer import REASON_DONE, REASON_LOST, LoopWriter, State

_log = Logger()

READ_BUFFER_BYTES = 16 * 1024
"""The most that is read at a time. The loops' own 256 KiB are much memory, and much work for one connection's turn."""

_read_buffer = memoryview(bytearray(READ_BUFFER_BYTES))  # all connections share it: each read is copied before the next


class _Buffers(dict[int, memoryview]):
    """Gives the one buffer, whatever size is asked for; a look-up costs less than a call of a function."""

    def __missing__(self, size: int) -> memoryview:
        self[size] = _read_buffer
        return _read_buffer


@implementer(ITCPTransport, ISystemHandle, IConsumer, IPushProducer)
class LoopTransport(LoopWriter):
    """The transport of a Twisted protocol, on top of an asyncio loop's transport.

    Differs from `twisted.internet.tcp.Server` in three points: TCP_NODELAY is on, since the
    loop turns it on; an exception in connectionMade ends the connection; and there is no
    startTLS. `connections` contains this transport while it is connected.
    """

    __slots__ = ("__weakref__", "_connections", "_held", "_peer", "_reading_paused")

    get_buffer = _Buffers().__getitem__  # by its presence, uvloop knows that it shall read into this buffer

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: IProtocol,
        peer: IPv4Address | IPv6Address,
        connections: set[LoopTransport],
    ) -> None:
        super().__init__(loop, protocol)
        self._peer, self._connections = peer, connections
        self._held = b""  # bytes that arrived although reading is paused
        self._reading_paused = False  # by the protocol, or for good since CLOSING or ENDING

    def makeConnection(self, connection: socket.socket) -> None:
        """Take over an accepted socket; the loop connects the protocol in a later iteration."""
        connection.setblocking(False)
        self._socket = connection
        self._loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: self, self._socket)
        except OSError as problem:  # the peer has reset it already
            _log.info("cannot take over an accepted connection: {problem}", problem=problem)
            self._socket.close()

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._begin(cast(asyncio.Transport, transport))
        self._connections.add(self)
        try:
            cast(IProtocol, self.protocol).makeConnection(self)
        except Exception:
            self._failed()

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(_read_buffer[:nbytes].tobytes())

    def data_received(self, data: bytes) -> None:
        """Give the protocol what was read, or hold it."""
        if self._reading_paused:
            self._hold(data)
            return
        try:
            self.protocol.dataReceived(data)  # type: ignore[union-attr]
        except Exception:
            self._failed()

    def _hold(self, data: bytes) -> None:
        """Keep the data until reading resumes: uvloop starts to read after a connection_made that paused reading."""
        if self._state is not State.ENDING:
            self._transport.pause_reading()
            self._held += data

    def eof_received(self) -> bool:
        if self._reading_paused:  # see _hold; the loop reports the end of input again when reading resumes
            return True
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is None:
            self._end(REASON_DONE)
            return False
        try:
            protocol.readConnectionLost()
        except Exception:
            self._failed()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self.disconnected:
            return
        reason = self._reason or (REASON_DONE if exc is None else REASON_LOST)
        self._connections.discard(self)
        protocol, producer = cast(IProtocol, self.protocol), self.producer
        self._forget()
        self._held = b""
        try:
            if producer is not None:
                producer.stopProducing()
        except Exception:
            FAULTS.log(_log, "unhandled error in stopProducing of a producer")
        try:
            protocol.connectionLost(reason)
        except Exception:
            FAULTS.log(_log, "unhandled error in connectionLost of a protocol")

    # ITransport, ITCPTransport and ISystemHandle

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.pauseProducing()
        super().loseConnection()

    def _end(self, reason: Failure) -> None:
        self._reading_paused = True
        super()._end(reason)

    def shut_down(self) -> None:
        """Lose the connection now, because the reactor has stopped and the loop does not run again."""
        transport, self._reason = self._transport, REASON_LOST
        self.connection_lost(None)
        transport.abort()

    def getPeer(self) -> IPv4Address | IPv6Address:
        return self._peer

    def getHost(self) -> IPv4Address | IPv6Address:
        name = self._socket.getsockname()
        if isinstance(self._peer, IPv4Address):
            return IPv4Address("TCP", *name)
        host, _ = socket.getnameinfo(name, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)  # with the scope id
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

    # IPushProducer: the read half

    def pauseProducing(self) -> None:
        if self.connected and self._state is not State.ENDING:
            self._reading_paused = True
            self._transport.pause_reading()

    def resumeProducing(self) -> None:
        if self._reading_paused and self.connected and not self.disconnecting:
            self._reading_paused = False
            if self._held:
                self._loop.call_soon(self._deliver_held)
            else:
                self._transport.resume_reading()

    def stopProducing(self) -> None:
        self.loseConnection()

    def _deliver_held(self) -> None:
        if self._held and self.connected and not self._reading_paused:
            held, self._held = self._held, b""
            self.data_received(held)
            if self.connected and not self._reading_paused:
                self._transport.resume_reading()


class AsyncioTransport(LoopTransport, asyncio.BufferedProtocol):
    """A LoopTransport on asyncio's own loop.

    That loop looks at the type of a protocol that has a buffer, and logs a warning when a protocol
    writes repeatedly to a lost connection.
    """

    __slots__ = ()

    def _loop_write(self) -> Callable[[bytes], None]:
        return self._write_unless_lost

    def _write_unless_lost(self, data: bytes) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write(data)
