"""A network in memory: data arrives at once, in order, and the same way every time.

Only transports that have data are visited.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import cast

from twisted.internet.address import HostnameAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
)
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IHalfCloseableProtocol,
    IProducer,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.core.hub import Hub
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.stores.memory import MemoryLog

MAX_BUFFER_BYTES = 64 * 1024
"""With more data under way, the writer's producer is paused."""


@implementer(ITransport, IConsumer, IPushProducer)
class MemoryTransport:
    """One end of a connection. It behaves like TCP: with half-close, reset and backpressure."""

    __slots__ = (
        "_clock",
        "_closing",
        "_ended",
        "_full",
        "_host",
        "_inbox",
        "_lost",
        "_paused",
        "_producer",
        "_reset",
        "_size",
        "_woken",
        "peer",
        "protocol",
    )

    peer: MemoryTransport
    protocol: IProtocol

    def __init__(self, clock: VirtualClock, host: IAddress) -> None:
        self._clock, self._host = clock, host
        self._inbox: list[bytes] = []
        self._size = 0
        self._producer: IPushProducer | None = None
        self._woken = self._paused = self._full = self._closing = False
        self._ended = self._reset = self._lost = False

    # writing

    def write(self, data: bytes) -> None:
        peer = self.peer
        if self._closing or self._lost or not data:
            return
        if peer._lost:
            self._reset = True
            self._wake()
            return
        peer._inbox.append(data)
        peer._size += len(data)
        if not peer._woken:
            peer._woken = True
            peer._clock.soon(peer._arrive)
        if peer._size > MAX_BUFFER_BYTES and not self._full:
            self._full = True
            if self._producer is not None:
                self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        self._producer = cast(IPushProducer, producer)
        if self._full:
            self._producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self._producer = None

    def loseConnection(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._full:
                self._clock.soon(self._close)

    def loseWriteConnection(self) -> None:
        """Close the writing half of the connection, and read on."""
        self._closing = True
        self.peer._end()

    def abortConnection(self) -> None:
        self._closing = True
        self.peer._reset = True
        self.peer._wake()
        self._clock.soon(lambda: self._lose(ConnectionAborted()))

    # reading

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        self._wake()

    def stopProducing(self) -> None:
        self.loseConnection()

    def getPeer(self) -> IAddress:
        return self.peer._host

    def getHost(self) -> IAddress:
        return self._host

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._clock.soon(self._arrive)

    def _arrive(self) -> None:
        self._woken = False
        inbox = self._inbox
        if inbox and not self._paused and not self._lost:
            data = inbox[0] if len(inbox) == 1 else b"".join(inbox)
            inbox.clear()
            self._size = 0
            if self.peer._full:
                self._clock.soon(self.peer._drained)
            self.protocol.dataReceived(data)
        if self._ended or self._reset:
            self._arrive_at_the_end()

    def _arrive_at_the_end(self) -> None:
        if self._reset:
            self._lose(ConnectionLost())
        elif not self._inbox and not self._paused and not self._lost:
            self._ended = False
            if IHalfCloseableProtocol.providedBy(self.protocol):
                IHalfCloseableProtocol(self.protocol).readConnectionLost()
            else:
                self._closing = True
                self._close()

    def _drained(self) -> None:
        self._full = False
        if self._closing:
            self._close()
        elif self._producer is not None:
            self._producer.resumeProducing()

    def _close(self) -> None:
        """End the connection behind the data that is under way."""
        self.peer._end()
        self._lose(ConnectionDone())

    def _end(self) -> None:
        if not self._lost:
            self._ended = True
            self._wake()

    def _lose(self, reason: Exception) -> None:
        if self._lost:
            return
        self._lost = True
        self._inbox.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        self.protocol.connectionLost(Failure(reason))


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """The endpoint of a server in memory, which listens from the start."""

    def __init__(self, clock: VirtualClock, server: Factory) -> None:
        self._clock, self._server = clock, server
        self._numbers = count(1)
        self._open: list[MemoryTransport] = []
        self._listening = True
        server.doStart()

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        number = next(self._numbers)
        address = HostnameAddress(b"memory", number)
        here = MemoryTransport(self._clock, address)
        there = MemoryTransport(self._clock, HostnameAddress(b"memory", 0))
        here.peer, there.peer = there, here
        server = self._server.buildProtocol(address) if self._listening else None
        client = protocolFactory.buildProtocol(there.getHost()) if server is not None else None
        if server is None or client is None:
            return fail(ConnectionRefusedError())
        there.protocol, here.protocol = server, client
        if number % 1024 == 0:
            self._open = [transport for transport in self._open if not transport._lost]
        self._open.append(there)
        server.makeConnection(there)
        client.makeConnection(here)
        return succeed(client)

    def kill(self) -> None:
        """End the server as a crash would: reset every connection, and refuse new ones."""
        self._listening = False
        for transport in self._open:
            transport.abortConnection()
        self._server.doStop()


def memory_server(clock: VirtualClock) -> MemoryEndpoint:
    """Start a chat server in memory, on a clock, and return its endpoint."""
    return MemoryEndpoint(clock, ChatFactory(Hub(MemoryLog(now=clock.seconds)), clock))
