"""LoopTransport: a connection of an asyncio event loop as the transport of a Twisted protocol.

It is an asyncio Protocol to the loop and an ITCPTransport to the Twisted protocol, and
does what `twisted.internet.tcp` and `twisted.internet.abstract` do, with the loop's own
transport underneath. What these put off until everything is sent (the next pull of a
producer, the end of the connection or of its writing half) has one place here: `_settle`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IProducer,
    IProtocol,
    IPullProducer,
    IPushProducer,
    ISystemHandle,
    ITCPTransport,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

_log = Logger()

BUFFER = 64 * 1024
"""Bytes that may wait before a streaming producer is paused, until all are sent; as in Twisted's own transports."""

_DONE, _LOST, _ABORTED = Failure(ConnectionDone()), Failure(ConnectionLost()), Failure(ConnectionAborted())
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def _ignore(data: bytes) -> None:
    """Write to a connection that takes nothing more."""


@implementer(ITCPTransport, ISystemHandle, IConsumer, IPushProducer)
class LoopTransport(asyncio.Protocol):
    """The transport of a Twisted protocol, over one of an asyncio loop's.

    `write` is the loop transport's own as long as nothing stands against it, so it
    is to be looked up for each call. Differs from `twisted.internet.tcp.Server` in that
    TCP_NODELAY is on (the loop sees to it), that a failing connectionMade ends
    the connection, and that there is no startTLS. It is one of `connections` while
    it is connected.
    """

    __slots__ = (
        "__weakref__",
        "_connections",
        "_full",
        "_held",
        "_loop",
        "_paused",
        "_peer",
        "_producer_paused",
        "_reason",
        "_settling",
        "_socket",
        "_streaming",
        "_transport",
        "_write_closing",
        "_write_lost",
        "connected",
        "disconnected",
        "disconnecting",
        "producer",
        "protocol",
        "write",
    )

    write: Callable[[bytes], None]

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: IProtocol,
        peer: IPv4Address | IPv6Address,
        connections: set[LoopTransport],
    ) -> None:
        self.protocol: IProtocol | None = protocol
        self.producer: IProducer | None = None
        self.connected = self.disconnected = self.disconnecting = False
        self.write = _ignore
        self._loop, self._peer, self._connections = loop, peer, connections
        self._transport: asyncio.Transport = cast(Any, None)  # until connection_made
        self._socket: socket.socket = cast(Any, None)  # until makeConnection
        self._reason: Failure | None = None  # why it ends, once that is settled
        self._held = b""
        self._paused = False  # the protocol does not want to read
        self._full = False  # the loop has said pause_writing, and will not say it again
        self._settling = self._streaming = self._producer_paused = self._write_closing = self._write_lost = False

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
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(BUFFER, 0)
        self.connected = True
        self._connections.add(self)
        self._choose_write()
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
            self._end(_DONE)
            return False
        try:
            protocol.readConnectionLost()
        except Exception:
            self._failed()
        return True

    def pause_writing(self) -> None:
        self._full = True
        self._choose_write()
        self._pause_producer()

    def resume_writing(self) -> None:
        self._full = False
        self._choose_write()
        self._settle_soon()  # not now: asyncio would lose a connection twice that ends in here

    def connection_lost(self, exc: Exception | None) -> None:
        if self.disconnected:
            return
        reason = self._reason or (_DONE if exc is None else _LOST)
        self._connections.discard(self)
        protocol, producer = cast(IProtocol, self.protocol), self.producer
        self.connected, self.disconnected = False, True
        self.write = _ignore
        # nothing may refer back, so that all of it is freed without the garbage collector
        self.protocol = self.producer = self._reason = None
        self._transport = cast(Any, None)
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

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        if self.connected and not self.disconnecting:
            self.pauseProducing()
            self.disconnecting = True
            self._settle_soon()

    def loseWriteConnection(self) -> None:
        self._write_closing = True
        self._settle_soon()

    def abortConnection(self) -> None:
        if self.connected and self._reason is None:
            self._end(_ABORTED)

    def shut_down(self) -> None:
        """Lose the connection now, since the loop will not turn any more."""
        transport, self._reason = self._transport, _LOST
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

    # IConsumer: what is written

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        if self.producer is not None:
            raise RuntimeError(f"Cannot register {producer}: {self.producer} was never unregistered")
        if self.disconnected:
            producer.stopProducing()
            return
        self.producer, self._streaming, self._producer_paused = producer, streaming, False
        self._choose_write()
        if not streaming:
            cast(IPullProducer, producer).resumeProducing()

    def unregisterProducer(self) -> None:
        self.producer = None
        self._choose_write()
        if self.disconnecting or self._write_closing:
            self._settle_soon()

    def _choose_write(self) -> None:
        if not self.connected or self._reason is not None or self._write_lost:
            self.write = _ignore
        elif self.producer is not None and (self._full or not self._streaming):
            self.write = self._write_for_producer
        else:
            self.write = self._transport.write

    def _write_for_producer(self, data: bytes) -> None:
        self._transport.write(data)
        if self._streaming:
            self._pause_producer()
        elif data:
            self._settle_soon()

    def _pause_producer(self) -> None:
        if self.producer is not None and self._streaming and not self._producer_paused and self._reason is None:
            if self._transport.get_write_buffer_size() <= BUFFER:
                return
            self._producer_paused = True
            try:
                cast(IPushProducer, self.producer).pauseProducing()
            except Exception:
                self._failed()

    # what comes later

    def _deliver_held(self) -> None:
        if self.connected and not self._paused:
            held, self._held = self._held, b""
            self.data_received(held)
            if self.connected and not self._paused:
                self._transport.resume_reading()

    def _settle_soon(self) -> None:
        if self.connected and not self._settling:
            self._settling = True
            self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        """Do what had to wait until everything is sent, or have the loop say when that is."""
        self._settling = False
        if not self.connected or self._reason is not None:
            return
        if self._transport.get_write_buffer_size():
            if not self._full:
                self._transport.set_write_buffer_limits(0)
            return
        self._transport.set_write_buffer_limits(BUFFER, 0)
        producer = self.producer
        if producer is not None and (self._producer_paused or not self._streaming):
            self._producer_paused = False
            try:
                cast(IPullProducer, producer).resumeProducing()
            except Exception:
                self._failed()
        elif self.disconnecting:
            self._end(_DONE)
        elif self._write_closing and not self._write_lost:
            self._lose_write()

    def _lose_write(self) -> None:
        self._write_lost = True
        self._choose_write()
        self._transport.write_eof()
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is not None:
            try:
                protocol.writeConnectionLost()
            except Exception:
                self._failed()

    def _failed(self) -> None:
        """End the connection with the exception that is being handled, and have it logged."""
        failure = Failure()
        _log.failure("Unhandled error in a protocol or producer", failure)
        if self.connected:
            self._end(failure)

    def _end(self, reason: Failure) -> None:
        """Drop what is not sent; connection_lost comes in the loop's next turn."""
        self._reason = reason
        self.write = _ignore
        with suppress(OSError):  # it may be lost already
            if reason is _ABORTED:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            else:
                self._socket.shutdown(socket.SHUT_RDWR)  # lest what was not read resets it before it ends
        self._transport.abort()
