"""LoopWriter: what a Twisted protocol writes, and how its connection ends, on an asyncio loop's transport.

It does what `twisted.internet.abstract` does. What that puts off until everything is sent
(the next pull of a producer, the end of the connection or of its writing half) has one place
here: `_settle`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, cast

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IProducer, IProtocol, IPullProducer, IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()

BUFFER = 64 * 1024
"""Bytes that may wait before a streaming producer is paused, until all are sent; as in Twisted's own transports."""

DONE, LOST, ABORTED = Failure(ConnectionDone()), Failure(ConnectionLost()), Failure(ConnectionAborted())

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def _ignore(data: bytes) -> None:
    """Write to a connection that takes nothing more."""


class LoopWriter(asyncio.Protocol):
    """The writing half of LoopTransport: IConsumer, and the ends of ITCPTransport.

    `write` is the loop transport's own as long as nothing stands against it, so it
    is to be looked up for each call.
    """

    __slots__ = (
        "_full",
        "_loop",
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

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: IProtocol) -> None:
        self.protocol: IProtocol | None = protocol
        self.producer: IProducer | None = None
        self.connected = self.disconnected = self.disconnecting = False
        self.write = _ignore
        self._loop = loop
        self._transport: asyncio.Transport = cast(Any, None)  # while connected
        self._socket: socket.socket = cast(Any, None)  # from makeConnection on
        self._reason: Failure | None = None  # why it ends, once that is settled
        self._full = False  # the loop has said pause_writing, and will not say it again
        self._settling = self._streaming = self._producer_paused = self._write_closing = self._write_lost = False

    def _begin(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(BUFFER, 0)
        self.connected = True
        self._choose_write()

    def _forget(self) -> None:
        """Refer to nothing that refers back, so that all of it is freed without the garbage collector."""
        self.connected, self.disconnected = False, True
        self.write = _ignore
        self.protocol = self.producer = self._reason = None
        self._transport = cast(Any, None)

    # ITransport and ITCPTransport

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        if self.connected and not self.disconnecting:
            self.disconnecting = True
            self._settle_soon()

    def loseWriteConnection(self) -> None:
        self._write_closing = True
        self._settle_soon()

    def abortConnection(self) -> None:
        if self.connected and self._reason is None:
            self._end(ABORTED)

    # IConsumer

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

    # what the loop says

    def pause_writing(self) -> None:
        self._full = True
        self._choose_write()
        self._pause_producer()

    def resume_writing(self) -> None:
        self._full = False
        self._choose_write()
        self._settle_soon()  # not now: asyncio would lose a connection twice that ends in here

    # what follows from it

    def _choose_write(self) -> None:
        if not self.connected or self._reason is not None or self._write_lost:
            self.write = _ignore
        elif self.producer is not None and (self._full or not self._streaming):
            self.write = self._write_for_producer
        else:
            self.write = self._loop_write()

    def _loop_write(self) -> Callable[[bytes], None]:
        return self._transport.write

    def _write_for_producer(self, data: bytes) -> None:
        self._loop_write()(data)
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
            self._end(DONE)
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
            if reason is ABORTED:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            else:
                self._socket.shutdown(socket.SHUT_RDWR)  # lest what was not read resets it before it ends
        self._transport.abort()
