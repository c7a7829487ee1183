"""LoopTransport on a loop in memory: loop and protocol understand each other as if it were Twisted's own TCP."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IProtocol,
    IPullProducer,
    IPushProducer,
    IStreamServerEndpoint,
    ISystemHandle,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from twisted_chat.transports.endpoint import LoopEndpoint, event_loop
from twisted_chat.transports.loop import AsyncioTransport, LoopTransport
from twisted_chat.transports.loop_writer import BUFFER


class Loop:
    """An event loop that turns when it is told to."""

    def __init__(self) -> None:
        self._soon: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()

    def call_soon(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._soon.append((function, arguments))

    def turn(self) -> None:
        while self._soon:
            function, arguments = self._soon.popleft()
            function(*arguments)


class Socket:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.options: list[int] = []
        self.shut = False

    def setsockopt(self, level: int, option: int, value: object) -> None:
        self.options.append(option)

    def shutdown(self, how: int) -> None:
        self.shut = True


class Wire:
    """A loop's transport whose peer has `room` for so many bytes and then no more."""

    def __init__(self, loop: Loop, room: int) -> None:
        self.loop, self.room = loop, room
        self.protocol: LoopTransport
        self.sent = self.queue = b""
        self.reading, self.closing, self.eof, self.full = True, False, False, False
        self.high, self.low = BUFFER, BUFFER // 4

    def set_write_buffer_limits(self, high: int, low: int = 0) -> None:
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
        """The peer has read."""
        self.room += room
        data, self.queue = self.queue[: self.room], self.queue[self.room :]
        self.room -= len(data)
        self.sent += data
        if self.full and len(self.queue) <= self.low:
            self.full = False
            self.protocol.resume_writing()

    def write_eof(self) -> None:
        self.eof = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self, problem: Exception | None = None) -> None:
        if not self.closing:
            self.closing, self.queue = True, b""
            self.loop.call_soon(self.protocol.connection_lost, problem)


class Told(Protocol):
    """Notes what it is told; `does` something when it receives."""

    def __init__(self, does: Callable[[], object]) -> None:
        self.does = does
        self.told: list[object] = []

    def connectionMade(self) -> None:
        self.told.append("made")

    def dataReceived(self, data: bytes) -> None:
        self.told.append(data)
        self.does()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.told.append(reason.type)


@implementer(IHalfCloseableProtocol)
class HalfClosed(Told):
    """The same, and it can live with half of a connection."""

    def readConnectionLost(self) -> None:
        self.told.append("read lost")
        self.does()

    def writeConnectionLost(self) -> None:
        self.told.append("write lost")
        self.does()


@implementer(IPushProducer, IPullProducer)
class Producer:
    """Notes what it is told; writes `gives` when it is resumed."""

    def __init__(self, transport: LoopTransport, *gives: bytes) -> None:
        self.transport, self.gives = transport, list(gives)
        self.told: list[str] = []

    def resumeProducing(self) -> None:
        self.told.append("resume")
        if self.gives:
            self.transport.write(self.gives.pop(0))

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def stopProducing(self) -> None:
        self.told.append("stop")


class Transports(SynchronousTestCase):
    """One connection, made."""

    kind: type[Told] = Told

    def setUp(self) -> None:
        self.does: Callable[[], object] = lambda: None
        self.loop, self.socket = Loop(), Socket()
        self.protocol = self.kind(lambda: self.does())
        self.connections: set[LoopTransport] = set()
        peer = IPv4Address("TCP", "192.0.2.1", 1)
        self.transport = LoopTransport(self.loop, self.protocol, peer, self.connections)  # type: ignore[arg-type]
        self.transport._socket = self.socket  # type: ignore[assignment]
        self.wire = Wire(self.loop, 100)
        self.wire.protocol = self.transport
        self.transport.connection_made(self.wire)  # type: ignore[arg-type]
        self.told = self.protocol.told

    def raises(self) -> None:
        raise ZeroDivisionError


class Connected(Transports):
    def test_it_provides_what_it_says(self) -> None:
        for interface in (ITCPTransport, ISystemHandle, IConsumer, IPushProducer):
            verifyObject(interface, self.transport)

    def test_the_protocol_is_told_in_order_and_lost_once(self) -> None:
        self.transport.data_received(b"one")
        self.transport.data_received(b"two")
        self.transport.eof_received()
        self.loop.turn()
        self.transport.connection_lost(None)
        self.assertEqual(self.told, ["made", b"one", b"two", ConnectionDone])
        self.assertEqual(self.connections, set())

    def test_writes_reach_the_loop_by_its_own_method(self) -> None:
        self.assertEqual(self.transport.write, self.wire.write)
        self.transport.writeSequence([b"one", b"two"])
        self.assertEqual(self.wire.sent, b"onetwo")

    def test_after_a_loss_everything_is_ignored(self) -> None:
        self.transport.connection_lost(ConnectionResetError())
        self.transport.write(b"x")
        self.transport.writeSequence([b"x"])
        self.transport.loseConnection()
        self.transport.loseWriteConnection()
        self.transport.abortConnection()
        self.transport.pauseProducing()
        self.transport.resumeProducing()
        self.loop.turn()
        self.assertEqual(self.told, ["made", ConnectionLost])
        self.assertEqual(self.wire.sent, b"")
        self.assertTrue(self.transport.disconnected)
        self.assertFalse(self.transport.connected)

    def test_the_end_waits_until_all_is_sent_even_what_is_written_after_it(self) -> None:
        self.transport.write(b"x" * 150)
        self.transport.loseConnection()
        self.loop.turn()
        self.transport.write(b"last")
        self.assertTrue(self.transport.disconnecting)
        self.assertFalse(self.wire.reading)
        self.assertEqual(self.told, ["made"])
        self.wire.make_room(1000)
        self.loop.turn()
        self.assertEqual(self.wire.sent, b"x" * 150 + b"last")
        self.assertEqual(self.told, ["made", ConnectionDone])
        self.assertTrue(self.socket.shut)

    def test_nothing_is_received_after_the_protocol_lost_the_connection(self) -> None:
        self.transport.loseConnection()
        self.transport.data_received(b"x")
        self.transport.resumeProducing()
        self.loop.turn()
        self.assertEqual(self.told, ["made", ConnectionDone])

    def test_an_abort_drops_what_is_queued_and_resets(self) -> None:
        self.transport.write(b"x" * 150)
        self.transport.loseConnection()
        self.transport.abortConnection()
        self.transport.write(b"x")
        self.assertEqual(self.told, ["made"])
        self.loop.turn()
        self.assertEqual(self.told, ["made", ConnectionAborted])
        self.assertEqual(self.socket.options, [socket.SO_LINGER])

    def test_the_end_of_input_drops_what_is_queued(self) -> None:
        self.transport.write(b"x" * 150)
        self.assertFalse(self.transport.eof_received())
        self.loop.turn()
        self.assertEqual(self.told, ["made", ConnectionDone])

    def test_an_exception_ends_the_connection_and_is_logged(self) -> None:
        self.does = self.raises
        self.transport.data_received(b"x")
        self.loop.turn()
        self.assertEqual(self.told, ["made", b"x", ZeroDivisionError])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_exception_at_the_loss_is_logged(self) -> None:
        self.protocol.connectionLost = lambda reason=connectionDone: self.raises()  # type: ignore[method-assign]
        self.transport.connection_lost(None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_comes_although_reading_is_paused_is_held(self) -> None:
        self.transport.pauseProducing()
        self.wire.reading = True  # as uvloop does after connection_made
        self.transport.data_received(b"x")
        self.assertFalse(self.wire.reading)
        self.transport.resumeProducing()
        self.assertEqual(self.told, ["made"])
        self.loop.turn()
        self.assertEqual(self.told, ["made", b"x"])
        self.assertTrue(self.wire.reading)

    def test_one_may_be_read_into_a_buffer_that_all_share(self) -> None:
        peer = IPv4Address("TCP", "192.0.2.1", 1)
        transport = AsyncioTransport(self.loop, self.protocol, peer, set())  # type: ignore[arg-type]
        transport.connection_made(self.wire)  # type: ignore[arg-type]
        for data in (b"one", b"four"):
            transport.get_buffer(-1)[: len(data)] = data
            transport.buffer_updated(len(data))
        self.assertEqual(self.told, ["made", "made", b"one", b"four"])

    def test_the_protocol_may_be_replaced(self) -> None:
        other = Told(lambda: None)
        self.transport.protocol = other
        self.transport.data_received(b"x")
        self.transport.connection_lost(None)
        self.assertEqual(self.told, ["made"])
        self.assertEqual(other.told, [b"x", ConnectionDone])

    def test_a_shutdown_loses_the_connection_at_once(self) -> None:
        self.transport.shut_down()
        self.assertEqual(self.told, ["made", ConnectionLost])
        self.loop.turn()
        self.assertEqual(self.told, ["made", ConnectionLost])


class Producers(Transports):
    def produce(self, streaming: bool, *gives: bytes) -> Producer:
        producer = Producer(self.transport, *gives)
        self.transport.registerProducer(producer, streaming)
        return producer

    def test_a_streaming_one_is_paused_past_64_kib_and_resumed_when_all_is_sent(self) -> None:
        producer = self.produce(True)
        self.transport.write(b"x" * (100 + BUFFER))
        self.assertEqual(producer.told, [])
        self.transport.write(b"x")
        self.assertEqual(producer.told, ["pause"])
        self.wire.make_room(BUFFER)
        self.loop.turn()
        self.assertEqual(producer.told, ["pause"])
        self.wire.make_room(1)
        self.loop.turn()
        self.assertEqual(producer.told, ["pause", "resume"])

    def test_one_that_is_registered_while_too_much_is_queued_is_paused_at_its_next_write(self) -> None:
        self.transport.write(b"x" * 2 * BUFFER)
        producer = self.produce(True)
        self.assertEqual(producer.told, [])
        self.transport.write(b"x")
        self.transport.write(b"x")
        self.assertEqual(producer.told, ["pause"])
        self.wire.make_room(4 * BUFFER)
        self.loop.turn()
        self.assertEqual(producer.told, ["pause", "resume"])
        self.assertEqual(self.transport.write, self.wire.write)

    def test_a_pulled_one_is_asked_once_a_turn_when_all_is_sent(self) -> None:
        producer = self.produce(False, b"x", b"x" * 150, b"x")
        self.assertEqual(producer.told, ["resume"])
        self.loop.turn()
        self.assertEqual(producer.told, ["resume"] * 2)
        self.wire.make_room(1000)
        self.loop.turn()
        self.assertEqual(producer.told, ["resume"] * 4)
        self.assertEqual(self.wire.sent, b"x" * 152)

    def test_the_end_waits_for_a_pulled_one(self) -> None:
        self.produce(False, *[b"x"] * 20)
        self.transport.loseConnection()
        self.loop.turn()
        self.assertEqual(self.wire.sent, b"x" * 20)
        self.assertEqual(self.told, ["made"])
        self.transport.unregisterProducer()
        self.loop.turn()
        self.assertEqual(self.told, ["made", ConnectionDone])

    def test_the_end_waits_for_a_paused_one(self) -> None:
        producer = self.produce(True, b"the rest")
        self.transport.write(b"x" * 2 * BUFFER)
        self.transport.loseConnection()
        self.wire.make_room(4 * BUFFER)
        self.loop.turn()
        self.assertEqual(producer.told, ["pause", "resume"])
        self.assertEqual(self.told, ["made"])
        self.transport.unregisterProducer()
        self.loop.turn()
        self.assertTrue(self.wire.sent.endswith(b"xthe rest"))
        self.assertEqual(self.told, ["made", ConnectionDone])

    def test_one_that_writes_on_while_the_end_waits_is_paused_as_before(self) -> None:
        producer = self.produce(True)
        self.transport.write(b"x" * 200)
        self.transport.loseConnection()
        self.loop.turn()
        self.assertEqual(producer.told, [])
        self.transport.write(b"x" * 2 * BUFFER)
        self.assertEqual(producer.told, ["pause"])

    def test_it_is_stopped_when_the_connection_is_lost_before_the_protocol_is_told(self) -> None:
        producer = self.produce(True)
        producer.told = self.told  # type: ignore[assignment]
        self.transport.connection_lost(ConnectionResetError())
        self.assertEqual(self.told, ["made", "stop", ConnectionLost])
        self.assertEqual(self.produce(True).told, ["stop"])

    def test_there_is_one_at_a_time(self) -> None:
        self.produce(True)
        with self.assertRaises(RuntimeError):
            self.produce(True)

    def test_an_exception_in_it_ends_the_connection(self) -> None:
        for name in ("pauseProducing", "resumeProducing"):
            self.setUp()
            producer = self.produce(True)
            setattr(producer, name, self.raises)
            self.transport.write(b"x" * 2 * BUFFER)
            self.wire.make_room(2 * BUFFER)
            self.loop.turn()
            self.assertEqual(self.told, ["made", ZeroDivisionError])
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Halves(Transports):
    kind = HalfClosed

    def test_the_reading_half_may_end_first(self) -> None:
        self.assertTrue(self.transport.eof_received())
        self.transport.write(b"still here")
        self.transport.loseConnection()
        self.loop.turn()
        self.assertEqual(self.wire.sent, b"still here")
        self.assertEqual(self.told, ["made", "read lost", ConnectionDone])

    def test_the_writing_half_ends_when_all_is_sent(self) -> None:
        self.transport.write(b"x" * 150)
        self.transport.loseWriteConnection()
        self.transport.write(b"last")
        self.loop.turn()
        self.assertFalse(self.wire.eof)
        self.wire.make_room(100)
        self.loop.turn()
        self.transport.write(b"ignored")
        self.assertEqual(self.wire.sent, b"x" * 150 + b"last")
        self.assertTrue(self.wire.eof)
        self.transport.data_received(b"x")
        self.transport.loseConnection()
        self.loop.turn()
        self.assertEqual(self.told, ["made", "write lost", b"x", ConnectionDone])

    def test_the_writing_half_waits_for_a_pulled_producer(self) -> None:
        producer = Producer(self.transport, *[b"x"] * 3)
        self.transport.registerProducer(producer, False)
        self.transport.loseWriteConnection()
        self.loop.turn()
        self.assertFalse(self.wire.eof)
        self.transport.unregisterProducer()
        self.loop.turn()
        self.assertEqual((self.wire.sent, self.wire.eof), (b"xxx", True))

    def test_an_exception_in_the_protocol_ends_the_connection(self) -> None:
        for end in (lambda: self.transport.eof_received(), lambda: self.transport.loseWriteConnection()):
            self.setUp()
            self.does = self.raises
            end()
            self.loop.turn()
            self.assertEqual(self.told[-1], ZeroDivisionError)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Unmade(SynchronousTestCase):
    def test_a_protocol_that_fails_to_begin_ends_the_connection(self) -> None:
        loop, told = Loop(), []

        class Fails(Protocol):
            def connectionMade(self) -> None:
                raise ZeroDivisionError

            def connectionLost(self, reason: Failure = connectionDone) -> None:
                told.append(reason.type)

        peer = IPv4Address("TCP", "192.0.2.1", 1)
        transport = LoopTransport(loop, IProtocol(Fails()), peer, set())  # type: ignore[arg-type]
        transport._socket = Socket()  # type: ignore[assignment]
        wire = Wire(loop, 0)
        wire.protocol = transport
        transport.connection_made(wire)  # type: ignore[arg-type]
        loop.turn()
        self.assertEqual(told, [ZeroDivisionError])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Endpoints(SynchronousTestCase):
    def test_a_reactor_without_an_event_loop_is_refused(self) -> None:
        self.assertIsNone(event_loop(Clock()))
        with self.assertRaises(ValueError):
            LoopEndpoint(Clock(), 0)

    def test_one_with_an_event_loop_is_taken(self) -> None:
        reactor = Clock()
        reactor._asyncioEventloop = loop = Loop()  # type: ignore[attr-defined]
        self.assertIs(event_loop(reactor), loop)
        verifyObject(IStreamServerEndpoint, LoopEndpoint(reactor, 0))
