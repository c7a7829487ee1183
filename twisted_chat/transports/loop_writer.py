"""LoopWriter: the states of a connection on an asyncio loop's transport, and its write half.

It does what `twisted.internet.abstract` does. Twisted postpones three things until everything
written is sent: the next pull of a producer, the end of the connection, and the end of its
write half. `_when_drained` is the one place for them here.

    state          event                                          → state         action
    NEW            connection_made                                → OPEN          connect the protocol
    OPEN           loseWriteConnection                            → WRITE_CLOSING
    WRITE_CLOSING  drained                                        → WRITE_CLOSED  send EOF, tell the protocol
    WRITE_CLOSED   loseConnection                                 → ENDING
    OPEN, WRITE_CLOSING  loseConnection                           → CLOSING       read no more
    CLOSING        drained                                        → ENDING
    OPEN to CLOSING  abortConnection, or an exception in the
                     protocol or producer                         → ENDING        drop the unsent bytes
    OPEN to WRITE_CLOSED  end of input, while reading, and the
                     protocol is not half-closeable               → ENDING        drop the unsent bytes
    ENDING         an exception                                   → ENDING        the exception becomes the reason
    OPEN to ENDING  connection_lost, shut_down                    → LOST          tell producer and protocol

Every other event changes nothing. `write` sends in OPEN, WRITE_CLOSING and CLOSING, and discards in the others.
"Drained" means: everything is sent, no pull producer is registered, and no push producer is paused. Two facts
vary independently of the state: `_write_full` (the loop has called pause_writing) and, in LoopTransport,
`_reading_paused`. The producer has states of its own: see Production.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum, auto
from typing import Any, cast

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IProducer, IProtocol, IPullProducer, IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.transports.faults import FAULTS

_log = Logger()

WRITE_HIGH_WATER_BYTES = 1024
"""Unsent bytes past which a push producer is paused, until all are sent; the kernel has a buffer of its own. Only a
producer that is paused takes a share of the server's memory for what its client does not read."""

REASON_DONE, REASON_LOST = Failure(ConnectionDone()), Failure(ConnectionLost())
REASON_ABORTED = Failure(ConnectionAborted())

_LINGER_ZERO = struct.pack("ii", 1, 0)  # on, 0 seconds: close() sends a reset


class State(Enum):
    """The states of a connection; the table is at the head of this file."""

    NEW = auto()
    OPEN = auto()
    WRITE_CLOSING = auto()
    WRITE_CLOSED = auto()
    CLOSING = auto()
    ENDING = auto()
    LOST = auto()


_WRITABLE = (State.OPEN, State.WRITE_CLOSING, State.CLOSING)
_ALIVE = (*_WRITABLE, State.WRITE_CLOSED)


class Production(Enum):
    """The states of the registered producer.

    registerProducer enters PULL or PUSH, unregisterProducer NONE. PUSH becomes PUSH_PAUSED past the
    high-water mark, and PUSH again when everything is sent.
    """

    NONE = auto()
    PULL = auto()
    PUSH = auto()
    PUSH_PAUSED = auto()


def _discard(data: bytes) -> None:
    """Be the `write` of a connection that accepts no more bytes."""


class LoopWriter(asyncio.BaseProtocol):
    """The write half of LoopTransport: IConsumer, and the methods of ITCPTransport that end a connection.

    `write` is an attribute that changes with the state: for most of the time it is the loop
    transport's own method, so that a write costs no call in between. Look it up for each call.
    """

    __slots__ = (
        "_drain_scheduled",
        "_loop",
        "_production",
        "_reason",
        "_socket",
        "_state",
        "_transport",
        "_write_full",
        "producer",
        "protocol",
        "write",
    )

    write: Callable[[bytes], None]

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: IProtocol) -> None:
        self.protocol: IProtocol | None = protocol
        self.producer: IProducer | None = None
        self.write = _discard
        self._loop = loop
        self._transport: asyncio.Transport = cast(Any, None)  # from OPEN to ENDING
        self._socket: socket.socket = cast(Any, None)  # from makeConnection on
        self._state = State.NEW
        self._production = Production.NONE
        self._reason: Failure | None = None  # what connectionLost will get, from ENDING on
        self._write_full = False  # the loop has called pause_writing and will not call it again before resume_writing
        self._drain_scheduled = False  # the loop is going to call _when_drained

    def _enter(self, state: State) -> None:
        self._state = state
        self._choose_write()

    def _begin(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(WRITE_HIGH_WATER_BYTES, 0)
        self._enter(State.OPEN)

    def _forget(self) -> None:
        """Enter LOST, and drop each reference that would keep a cycle alive until the garbage collector runs."""
        self._enter(State.LOST)
        self.protocol = self.producer = self._reason = None
        self._production = Production.NONE
        self._transport = cast(Any, None)

    # the attributes that Twisted's own transports have

    @property
    def connected(self) -> bool:
        return self._state is not State.NEW and self._state is not State.LOST

    @property
    def disconnecting(self) -> bool:
        return self._state is State.CLOSING or self._state is State.ENDING

    @property
    def disconnected(self) -> bool:
        return self._state is State.LOST

    # ITransport and ITCPTransport

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        if self._state is State.WRITE_CLOSED:
            self._end(REASON_DONE)
        elif self._state in (State.OPEN, State.WRITE_CLOSING):
            self._enter(State.CLOSING)
            self._schedule_drain()

    def loseWriteConnection(self) -> None:
        if self._state is State.OPEN:
            self._enter(State.WRITE_CLOSING)
            self._schedule_drain()

    def abortConnection(self) -> None:
        if self._state in _ALIVE:
            self._end(REASON_ABORTED)

    # IConsumer

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        if self.producer is not None:
            raise RuntimeError(f"cannot register {producer}: unregister {self.producer} first")
        if self._state is State.LOST:
            producer.stopProducing()
            return
        self.producer, self._production = producer, Production.PUSH if streaming else Production.PULL
        self._choose_write()
        if not streaming:
            cast(IPullProducer, producer).resumeProducing()

    def unregisterProducer(self) -> None:
        self.producer, self._production = None, Production.NONE
        self._choose_write()
        if self._state in (State.CLOSING, State.WRITE_CLOSING):
            self._schedule_drain()

    # what the loop calls

    def pause_writing(self) -> None:
        self._write_full = True
        self._choose_write()
        self._pause_producer()

    def resume_writing(self) -> None:
        self._write_full = False
        self._choose_write()
        self._schedule_drain()  # not now: asyncio would lose a connection twice that ends during this call

    # how a write is made

    def _choose_write(self) -> None:
        if self._state not in _WRITABLE:
            self.write = _discard
        elif self._production is Production.PULL or (self._write_full and self._production is not Production.NONE):
            self.write = self._write_for_producer
        else:
            self.write = self._loop_write()

    def _loop_write(self) -> Callable[[bytes], None]:
        return self._transport.write

    def _write_for_producer(self, data: bytes) -> None:
        self._loop_write()(data)
        if self._production is not Production.PULL:
            self._pause_producer()
        elif data:
            self._schedule_drain()

    def _pause_producer(self) -> None:
        if self._production is Production.PUSH and self._state in _ALIVE:
            if self._transport.get_write_buffer_size() <= WRITE_HIGH_WATER_BYTES:
                return
            self._production = Production.PUSH_PAUSED
            try:
                cast(IPushProducer, self.producer).pauseProducing()
            except Exception:
                self._failed()

    # what waits until everything is sent

    def _schedule_drain(self) -> None:
        if self.connected and not self._drain_scheduled:
            self._drain_scheduled = True
            self._loop.call_soon(self._when_drained)

    def _when_drained(self) -> None:
        """Do what had to wait until everything is sent; if there is more to send, have the loop call resume_writing."""
        self._drain_scheduled = False
        if self._state not in _ALIVE:
            return
        if self._transport.get_write_buffer_size():
            if not self._write_full:
                self._transport.set_write_buffer_limits(0)
            return
        self._transport.set_write_buffer_limits(WRITE_HIGH_WATER_BYTES, 0)
        if self._production in (Production.PULL, Production.PUSH_PAUSED):
            self._resume_producer()
        elif self._state is State.CLOSING:
            self._end(REASON_DONE)
        elif self._state is State.WRITE_CLOSING:
            self._end_writing()

    def _resume_producer(self) -> None:
        if self._production is Production.PUSH_PAUSED:
            self._production = Production.PUSH
        try:
            cast(IPullProducer, self.producer).resumeProducing()
        except Exception:
            self._failed()

    def _end_writing(self) -> None:
        self._enter(State.WRITE_CLOSED)
        self._transport.write_eof()
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is not None:
            try:
                protocol.writeConnectionLost()
            except Exception:
                self._failed()

    # how a connection ends

    def _failed(self) -> None:
        """Log the exception that is being handled, and end the connection with it."""
        failure = Failure()
        FAULTS.log(_log, "unhandled error in a protocol or producer; its connection is closed", failure)
        if self.connected:
            self._end(failure)

    def _end(self, reason: Failure) -> None:
        """Enter ENDING and drop the unsent bytes; the loop calls connection_lost in its next iteration."""
        self._reason = reason
        self._enter(State.ENDING)
        with suppress(OSError):  # the socket may be disconnected already
            if reason is REASON_ABORTED:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            else:
                self._socket.shutdown(socket.SHUT_RDWR)  # otherwise unread bytes would make close() send a reset
        self._transport.abort()
