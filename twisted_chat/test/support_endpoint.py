"""Fakes for the tests of LoopTransport: an event loop in memory, its transport and socket, and recording protocols."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHalfCloseableProtocol, IPullProducer, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from twisted_chat.transports.faults import FAULTS
from twisted_chat.transports.loop import LoopTransport
from twisted_chat.transports.loop_writer import WRITE_HIGH_WATER_BYTES


class Loop:
    """An event loop that runs only when a test says so."""

    def __init__(self) -> None:
        self._soon: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()

    def call_soon(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._soon.append((function, arguments))

    def iterate(self) -> None:
        """Run one iteration: the calls that are scheduled now, not those that they schedule."""
        for _ in range(len(self._soon)):
            function, arguments = self._soon.popleft()
            function(*arguments)

    def turn(self) -> None:
        """Run iterations until nothing is scheduled."""
        while self._soon:
            self.iterate()


class Socket:
    """Record the options that are set and the shutdown."""

    def __init__(self) -> None:
        self.options: list[int] = []
        self.shut = False

    def setsockopt(self, level: int, option: int, value: object) -> None:
        self.options.append(option)

    def shutdown(self, how: int) -> None:
        self.shut = True


class Wire:
    """A loop's transport whose peer accepts `room` bytes and then no more."""

    def __init__(self, loop: Loop, room: int) -> None:
        self.loop, self.room = loop, room
        self.protocol: LoopTransport
        self.sent = self.queue = b""
        self.reading, self.closing, self.eof, self.full = True, False, False, False
        self.high, self.low = WRITE_HIGH_WATER_BYTES, WRITE_HIGH_WATER_BYTES // 4

    def set_write_buffer_limits(self, high: int, low: int = 0) -> None:
        assert not self.closing
        self.high, self.low = high, low
        self._pause()

    def get_write_buffer_size(self) -> int:
        return len(self.queue)

    def write(self, data: bytes) -> None:
        assert not self.eof
        assert not self.closing
        self.queue += data
        self.make_room(0)
        self._pause()

    def _pause(self) -> None:
        if not self.full and len(self.queue) > self.high:
            self.full = True
            self.protocol.pause_writing()

    def make_room(self, room: int) -> None:
        """Let the peer accept `room` more bytes."""
        self.room += room
        data, self.queue = self.queue[: self.room], self.queue[self.room :]
        self.room -= len(data)
        self.sent += data
        if self.full and len(self.queue) <= self.low:
            self.full = False
            self.protocol.resume_writing()

    def write_eof(self) -> None:
        assert not self.closing
        self.eof = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        assert not self.closing
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.closing
        self.reading = True

    def abort(self, problem: Exception | None = None) -> None:
        if not self.closing:
            self.closing, self.queue = True, b""
            self.loop.call_soon(self.protocol.connection_lost, problem)


class Recorder(Protocol):
    """Record in `calls` what the transport calls; call `does` for each read and each half that is lost."""

    def __init__(self, does: Callable[[], object]) -> None:
        self.does = does
        self.calls: list[object] = []

    def connectionMade(self) -> None:
        self.calls.append("made")

    def dataReceived(self, data: bytes) -> None:
        self.calls.append(data)
        self.does()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.calls.append(reason.type)


@implementer(IHalfCloseableProtocol)
class HalfCloseableRecorder(Recorder):
    """A Recorder that goes on with half of a connection."""

    def readConnectionLost(self) -> None:
        self.calls.append("read lost")
        self.does()

    def writeConnectionLost(self) -> None:
        self.calls.append("write lost")
        self.does()


@implementer(IPushProducer, IPullProducer)
class Producer:
    """Record the calls in `calls`; write the next of `gives` for each resumeProducing."""

    def __init__(self, transport: LoopTransport, *gives: bytes) -> None:
        self.transport, self.gives = transport, list(gives)
        self.calls: list[str] = []

    def resumeProducing(self) -> None:
        self.calls.append("resume")
        if self.gives:
            self.transport.write(self.gives.pop(0))

    def pauseProducing(self) -> None:
        self.calls.append("pause")

    def stopProducing(self) -> None:
        self.calls.append("stop")


class TransportTestCase(SynchronousTestCase):
    """A LoopTransport that is connected to a Recorder."""

    transport_class: type[LoopTransport] = LoopTransport
    protocol_class: type[Recorder] = Recorder

    def setUp(self) -> None:
        self.accept()
        self.transport.connection_made(self.wire)  # type: ignore[arg-type]

    def accept(self) -> None:
        """Make the transport of an accepted socket, which the loop has not connected yet."""
        FAULTS.clear()  # those of another test
        self.does: Callable[[], object] = lambda: None
        self.loop, self.socket = Loop(), Socket()
        self.protocol = self.protocol_class(lambda: self.does())
        self.connections: set[LoopTransport] = set()
        peer = IPv4Address("TCP", "192.0.2.1", 1)
        self.transport = self.transport_class(self.loop, self.protocol, peer, self.connections)  # type: ignore[arg-type]
        self.transport._socket = self.socket  # type: ignore[assignment]
        self.wire = Wire(self.loop, 100)
        self.wire.protocol = self.transport
        self.calls = self.protocol.calls

    def raises(self) -> None:
        raise ZeroDivisionError
