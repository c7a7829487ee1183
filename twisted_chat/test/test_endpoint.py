"""LoopTransport on an event loop in memory behaves to its protocol as Twisted's own TCP transport does."""

from __future__ import annotations

import socket

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IProtocol,
    IPushProducer,
    IStreamServerEndpoint,
    ISystemHandle,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from twisted_chat.test.support_endpoint import (
    HalfCloseableRecorder,
    Loop,
    Producer,
    Recorder,
    Socket,
    TransportTestCase,
    Wire,
)
from twisted_chat.transports.endpoint import MAX_ACCEPTS_A_TURN, FairPort, LoopEndpoint, event_loop
from twisted_chat.transports.loop import AsyncioTransport, LoopTransport
from twisted_chat.transports.loop_writer import WRITE_HIGH_WATER_BYTES


class Connected(TransportTestCase):
    def test_it_provides_its_interfaces(self) -> None:
        for interface in (ITCPTransport, ISystemHandle, IConsumer, IPushProducer):
            verifyObject(interface, self.transport)

    def test_the_protocol_gets_events_in_order_and_one_loss(self) -> None:
        self.transport.data_received(b"one")
        self.transport.data_received(b"two")
        self.transport.eof_received()
        self.loop.turn()
        self.transport.connection_lost(None)
        self.assertEqual(self.calls, ["made", b"one", b"two", ConnectionDone])
        self.assertEqual(self.connections, set())

    def test_write_is_the_loops_own_method(self) -> None:
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
        self.assertEqual(self.calls, ["made", ConnectionLost])
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
        self.assertEqual(self.calls, ["made"])
        self.wire.make_room(1000)
        self.loop.turn()
        self.assertEqual(self.wire.sent, b"x" * 150 + b"last")
        self.assertEqual(self.calls, ["made", ConnectionDone])
        self.assertTrue(self.socket.shut)

    def test_nothing_is_received_after_the_protocol_lost_the_connection(self) -> None:
        self.transport.loseConnection()
        self.transport.data_received(b"x")
        self.transport.resumeProducing()
        self.loop.turn()
        self.assertEqual(self.calls, ["made", ConnectionDone])

    def test_an_abort_drops_what_is_queued_and_resets(self) -> None:
        self.transport.write(b"x" * 150)
        self.transport.loseConnection()
        self.transport.abortConnection()
        self.transport.write(b"x")
        self.assertEqual(self.calls, ["made"])
        self.loop.turn()
        self.assertEqual(self.calls, ["made", ConnectionAborted])
        self.assertEqual(self.socket.options, [socket.SO_LINGER])

    def test_the_end_of_input_drops_what_is_queued(self) -> None:
        self.transport.write(b"x" * 150)
        self.assertFalse(self.transport.eof_received())
        self.loop.turn()
        self.assertEqual(self.calls, ["made", ConnectionDone])

    def test_an_exception_ends_the_connection_and_is_logged(self) -> None:
        self.does = self.raises
        self.transport.data_received(b"x")
        self.loop.turn()
        self.assertEqual(self.calls, ["made", b"x", ZeroDivisionError])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_exception_at_the_loss_is_logged(self) -> None:
        self.protocol.connectionLost = lambda reason=connectionDone: self.raises()  # type: ignore[method-assign]
        self.transport.connection_lost(None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_bytes_that_come_although_reading_is_paused_are_held(self) -> None:
        self.transport.pauseProducing()
        self.wire.reading = True  # as uvloop does after connection_made
        self.transport.data_received(b"x")
        self.assertFalse(self.wire.reading)
        self.transport.resumeProducing()
        self.assertEqual(self.calls, ["made"])
        self.loop.turn()
        self.assertEqual(self.calls, ["made", b"x"])
        self.assertTrue(self.wire.reading)

    def test_asyncio_reads_into_a_buffer_that_all_connections_share(self) -> None:
        peer = IPv4Address("TCP", "192.0.2.1", 1)
        transport = AsyncioTransport(self.loop, self.protocol, peer, set())  # type: ignore[arg-type]
        transport.connection_made(self.wire)  # type: ignore[arg-type]
        for data in (b"one", b"four"):
            transport.get_buffer(-1)[: len(data)] = data
            transport.buffer_updated(len(data))
        self.assertEqual(self.calls, ["made", "made", b"one", b"four"])

    def test_the_protocol_may_be_replaced(self) -> None:
        other = Recorder(lambda: None)
        self.transport.protocol = other
        self.transport.data_received(b"x")
        self.transport.connection_lost(None)
        self.assertEqual(self.calls, ["made"])
        self.assertEqual(other.calls, [b"x", ConnectionDone])

    def test_a_shutdown_loses_the_connection_at_once(self) -> None:
        self.transport.shut_down()
        self.assertEqual(self.calls, ["made", ConnectionLost])
        self.loop.turn()
        self.assertEqual(self.calls, ["made", ConnectionLost])


class Producers(TransportTestCase):
    def produce(self, streaming: bool, *gives: bytes) -> Producer:
        producer = Producer(self.transport, *gives)
        self.transport.registerProducer(producer, streaming)
        return producer

    def test_a_push_producer_is_paused_past_64_kib_and_resumed_when_all_is_sent(self) -> None:
        producer = self.produce(True)
        self.transport.write(b"x" * (100 + WRITE_HIGH_WATER_BYTES))
        self.assertEqual(producer.calls, [])
        self.transport.write(b"x")
        self.assertEqual(producer.calls, ["pause"])
        self.wire.make_room(WRITE_HIGH_WATER_BYTES)
        self.loop.turn()
        self.assertEqual(producer.calls, ["pause"])
        self.wire.make_room(1)
        self.loop.turn()
        self.assertEqual(producer.calls, ["pause", "resume"])

    def test_a_producer_that_is_registered_past_the_mark_is_paused_at_its_next_write(self) -> None:
        self.transport.write(b"x" * 2 * WRITE_HIGH_WATER_BYTES)
        producer = self.produce(True)
        self.assertEqual(producer.calls, [])
        self.transport.write(b"x")
        self.transport.write(b"x")
        self.assertEqual(producer.calls, ["pause"])
        self.wire.make_room(4 * WRITE_HIGH_WATER_BYTES)
        self.loop.turn()
        self.assertEqual(producer.calls, ["pause", "resume"])
        self.assertEqual(self.transport.write, self.wire.write)

    def test_a_pull_producer_is_resumed_once_an_iteration_when_all_is_sent(self) -> None:
        producer = self.produce(False, b"x", b"x" * 150, b"x")
        self.assertEqual(producer.calls, ["resume"])
        self.loop.turn()
        self.assertEqual(producer.calls, ["resume"] * 2)
        self.wire.make_room(1000)
        self.loop.turn()
        self.assertEqual(producer.calls, ["resume"] * 4)
        self.assertEqual(self.wire.sent, b"x" * 152)

    def test_the_end_waits_for_a_pull_producer(self) -> None:
        self.produce(False, *[b"x"] * 20)
        self.transport.loseConnection()
        self.loop.turn()
        self.assertEqual(self.wire.sent, b"x" * 20)
        self.assertEqual(self.calls, ["made"])
        self.transport.unregisterProducer()
        self.loop.turn()
        self.assertEqual(self.calls, ["made", ConnectionDone])

    def test_the_end_waits_for_a_paused_push_producer(self) -> None:
        producer = self.produce(True, b"the rest")
        self.transport.write(b"x" * 2 * WRITE_HIGH_WATER_BYTES)
        self.transport.loseConnection()
        self.wire.make_room(4 * WRITE_HIGH_WATER_BYTES)
        self.loop.turn()
        self.assertEqual(producer.calls, ["pause", "resume"])
        self.assertEqual(self.calls, ["made"])
        self.transport.unregisterProducer()
        self.loop.turn()
        self.assertTrue(self.wire.sent.endswith(b"xthe rest"))
        self.assertEqual(self.calls, ["made", ConnectionDone])

    def test_a_producer_that_writes_while_the_end_waits_is_paused_as_before(self) -> None:
        producer = self.produce(True)
        self.transport.write(b"x" * 200)
        self.transport.loseConnection()
        self.loop.turn()
        self.assertEqual(producer.calls, [])
        self.transport.write(b"x" * 2 * WRITE_HIGH_WATER_BYTES)
        self.assertEqual(producer.calls, ["pause"])

    def test_a_producer_is_stopped_before_the_protocol_gets_the_loss(self) -> None:
        producer = self.produce(True)
        producer.calls = self.calls  # type: ignore[assignment]
        self.transport.connection_lost(ConnectionResetError())
        self.assertEqual(self.calls, ["made", "stop", ConnectionLost])
        self.assertEqual(self.produce(True).calls, ["stop"])

    def test_only_one_producer_may_be_registered(self) -> None:
        self.produce(True)
        with self.assertRaises(RuntimeError):
            self.produce(True)

    def test_an_exception_in_a_producer_ends_the_connection(self) -> None:
        for name in ("pauseProducing", "resumeProducing"):
            self.setUp()
            producer = self.produce(True)
            setattr(producer, name, self.raises)
            self.transport.write(b"x" * 2 * WRITE_HIGH_WATER_BYTES)
            self.wire.make_room(2 * WRITE_HIGH_WATER_BYTES)
            self.loop.turn()
            self.assertEqual(self.calls, ["made", ZeroDivisionError])
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Halves(TransportTestCase):
    protocol_class = HalfCloseableRecorder

    def test_the_reading_half_may_end_first(self) -> None:
        self.assertTrue(self.transport.eof_received())
        self.transport.write(b"still here")
        self.transport.loseConnection()
        self.loop.turn()
        self.assertEqual(self.wire.sent, b"still here")
        self.assertEqual(self.calls, ["made", "read lost", ConnectionDone])

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
        self.assertEqual(self.calls, ["made", "write lost", b"x", ConnectionDone])

    def test_the_writing_half_waits_for_a_pull_producer(self) -> None:
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
            self.assertEqual(self.calls[-1], ZeroDivisionError)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Unmade(SynchronousTestCase):
    def test_a_protocol_that_fails_to_begin_ends_the_connection(self) -> None:
        loop, calls = Loop(), []

        class Fails(Protocol):
            def connectionMade(self) -> None:
                raise ZeroDivisionError

            def connectionLost(self, reason: Failure = connectionDone) -> None:
                calls.append(reason.type)

        peer = IPv4Address("TCP", "192.0.2.1", 1)
        transport = LoopTransport(loop, IProtocol(Fails()), peer, set())  # type: ignore[arg-type]
        transport._socket = Socket()  # type: ignore[assignment]
        wire = Wire(loop, 0)
        wire.protocol = transport
        transport.connection_made(wire)  # type: ignore[arg-type]
        loop.turn()
        self.assertEqual(calls, [ZeroDivisionError])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Endpoints(SynchronousTestCase):
    def test_a_reactor_without_an_event_loop_is_refused(self) -> None:
        self.assertIsNone(event_loop(Clock()))
        with self.assertRaises(ValueError):
            LoopEndpoint(Clock(), 0)

    def test_a_reactor_with_an_event_loop_is_accepted(self) -> None:
        reactor = Clock()
        reactor._asyncioEventloop = loop = Loop()  # type: ignore[attr-defined]
        self.assertIs(event_loop(reactor), loop)
        verifyObject(IStreamServerEndpoint, LoopEndpoint(reactor, 0))

    def test_so_many_connections_are_accepted_in_a_turn_however_many_come(self) -> None:
        port = FairPort(0, Factory(), reactor=Clock())
        port.numberAccepts += 20  # as Twisted does when it has accepted as many as it may
        self.assertEqual(port.numberAccepts, MAX_ACCEPTS_A_TURN)
