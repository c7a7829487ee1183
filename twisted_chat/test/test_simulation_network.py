"""The network in memory behaves like TCP."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IPushProducer,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.network import MAX_BUFFER_BYTES, MemoryEndpoint, MemoryTransport, memory_server


class Notes(Protocol):
    """Records each read, and why the connection ended."""

    transport: MemoryTransport

    def __init__(self) -> None:
        self.reads: list[bytes] = []
        self.end: type[BaseException] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.reads.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        assert self.end is None, "it can end only once"
        self.end = reason.type


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Notes):
    ended = False

    def readConnectionLost(self) -> None:
        self.ended = True

    def writeConnectionLost(self) -> None:
        pass


@implementer(IPushProducer)
class Producer:
    def __init__(self) -> None:
        self.states: list[str] = []

    def pauseProducing(self) -> None:
        self.states.append("paused")

    def resumeProducing(self) -> None:
        self.states.append("resumed")

    def stopProducing(self) -> None:
        self.states.append("stopped")


class NetworkTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.servers: list[Notes] = []
        factory = Factory()
        factory.noisy = False
        factory.buildProtocol = self.build  # type: ignore[assignment,method-assign]
        self.server_protocol: type[Notes] = Notes
        self.endpoint = MemoryEndpoint(self.clock, factory)

    def build(self, address: object) -> Protocol:
        self.servers.append(self.server_protocol())
        return self.servers[-1]

    def pair(self, server: type[Notes] = Notes) -> tuple[Notes, Notes]:
        """Return a client and its server, connected."""
        self.server_protocol = server
        client = Notes()
        connected: Deferred[Notes] = connectProtocol(self.endpoint, client)
        self.assertIs(self.successResultOf(connected), client)
        return client, self.servers[-1]

    def settle(self) -> None:
        self.clock.advance(0)


class TransportTests(NetworkTestCase):
    def test_interfaces(self) -> None:
        client, _ = self.pair()
        for interface in (ITransport, IConsumer, IPushProducer):
            verifyObject(interface, client.transport)
        verifyObject(IStreamClientEndpoint, self.endpoint)

    def test_data_arrives_once_and_later_in_one_read(self) -> None:
        client, server = self.pair()
        client.transport.write(b"a")
        client.transport.writeSequence([b"b", b"c"])
        self.assertEqual(server.reads, [])
        self.settle()
        self.assertEqual(server.reads, [b"abc"])

    def test_a_paused_reader_is_given_nothing_until_it_reads_on(self) -> None:
        client, server = self.pair()
        server.transport.pauseProducing()
        client.transport.write(b"a")
        self.settle()
        self.assertEqual(server.reads, [])
        server.transport.resumeProducing()
        self.settle()
        self.assertEqual(server.reads, [b"a"])

    def test_a_writer_is_paused_while_its_reader_does_not_read(self) -> None:
        client, server = self.pair()
        producer = Producer()
        client.transport.registerProducer(producer, True)
        server.transport.pauseProducing()
        client.transport.write(b"x" * (MAX_BUFFER_BYTES + 1))
        client.transport.write(b"x")
        self.assertEqual(producer.states, ["paused"])
        server.transport.resumeProducing()
        self.settle()
        self.assertEqual(producer.states, ["paused", "resumed"])

    def test_the_end_comes_behind_the_data(self) -> None:
        client, server = self.pair()
        client.transport.write(b"bye")
        client.transport.loseConnection()
        client.transport.write(b"too late")
        self.settle()
        self.assertEqual((server.reads, server.end, client.end), ([b"bye"], ConnectionDone, ConnectionDone))

    def test_the_end_waits_for_a_reader_and_an_abort_does_not(self) -> None:
        client, server = self.pair()
        server.transport.pauseProducing()
        client.transport.write(b"x" * (MAX_BUFFER_BYTES + 1))
        client.transport.loseConnection()
        self.settle()
        self.assertIsNone(client.end)
        client.transport.abortConnection()
        self.settle()
        self.assertEqual((client.end, server.end), (ConnectionAborted, ConnectionLost))

    def test_an_abort_stops_the_producer(self) -> None:
        client, _ = self.pair()
        producer = Producer()
        client.transport.registerProducer(producer, True)
        client.transport.abortConnection()
        self.settle()
        self.assertEqual(producer.states, ["stopped"])

    def test_after_a_half_close_the_other_half_continues(self) -> None:
        client, server = self.pair(HalfCloseable)
        client.transport.write(b"question")
        client.transport.loseWriteConnection()
        self.settle()
        self.assertTrue(getattr(server, "ended", False))
        server.transport.write(b"answer")
        server.transport.loseConnection()
        self.settle()
        self.assertEqual((client.reads, client.end, server.end), ([b"answer"], ConnectionDone, ConnectionDone))

    def test_writing_to_a_closed_end_resets_the_connection(self) -> None:
        client, server = self.pair(HalfCloseable)
        client.transport.loseConnection()
        self.settle()
        self.assertIsNone(server.end)
        server.transport.write(b"anybody?")
        self.settle()
        self.assertEqual(server.end, ConnectionLost)


class EndpointTests(NetworkTestCase):
    def test_a_server_that_was_killed_refuses_and_resets(self) -> None:
        client, _ = self.pair()
        self.endpoint.kill()
        self.settle()
        self.assertEqual(client.end, ConnectionLost)
        self.failureResultOf(connectProtocol(self.endpoint, Notes()), ConnectionRefusedError)

    def test_a_chat_server_in_memory_answers(self) -> None:
        client = Notes()
        self.successResultOf(connectProtocol(memory_server(self.clock), client))
        client.transport.write(b"register,jane\nlist,friends\n")
        self.settle()
        self.assertEqual(b"".join(client.reads), b"ack\njane\n")
