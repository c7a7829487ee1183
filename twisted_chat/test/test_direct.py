"""DirectWriter sends the same bytes in the same order, however many bytes the socket accepts at a time."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from twisted_chat.test.support import Server
from twisted_chat.transports.direct import DirectWriter


class Reactor:
    """Record the descriptors that wait until they can write."""

    def __init__(self) -> None:
        self.writers: set[object] = set()

    def addWriter(self, writer: object) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: object) -> None:
        self.writers.discard(writer)

    def removeReader(self, reader: object) -> None:
        """Do nothing: these tests read nothing."""


class Socket(FileDescriptor):
    """A reactor connection whose socket accepts `room` bytes and then no more."""

    def __init__(self, room: int) -> None:
        self.loop = Reactor()
        super().__init__(self.loop)  # type: ignore[arg-type]  # all that it asks of a reactor
        self.connected = 1
        self.room = room
        self.sent = b""
        self.broken = False

    def writeSomeData(self, data: bytes) -> Any:
        if self.broken:
            return CONNECTION_LOST
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def make_room(self, room: int) -> None:
        """Let the peer read, and let the reactor report the socket as writable while the connection waits for that."""
        self.room = room
        while self in self.loop.writers and self.room:
            result = self.doWrite()
            if result is not None:
                self.loop.removeWriter(self)
                self.connectionLost(Failure(result))

    def abort(self) -> None:
        self.connectionLost(Failure(ConnectionDone()))


@implementer(IPushProducer)
class Producer:
    """Count how often it was paused and resumed."""

    def __init__(self) -> None:
        self.paused = False
        self.turns = 0

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        self.turns += 1

    def stopProducing(self) -> None:
        """Do nothing: the transport is gone."""


class DirectWriterTests(SynchronousTestCase):
    def begin(self, room: int) -> None:
        self.socket, self.producer = Socket(room), Producer()
        self.transport = DirectWriter(self.socket)  # type: ignore[arg-type]  # a Connection in all that is used
        self.transport.registerProducer(self.producer, True)

    def test_what_the_socket_accepts_is_sent_at_once(self) -> None:
        self.begin(room=100)
        self.transport.write(b"hello\n")
        self.assertEqual(self.socket.sent, b"hello\n")
        self.assertFalse(self.producer.paused)
        self.assertEqual(self.socket.loop.writers, set())

    def test_what_it_does_not_accept_waits_and_the_producer_pauses(self) -> None:
        self.begin(room=3)
        self.transport.write(b"hello\n")
        self.assertEqual(self.socket.sent, b"hel")
        self.assertTrue(self.producer.paused)
        self.socket.make_room(100)
        self.assertEqual(self.socket.sent, b"hello\n")
        self.assertEqual((self.producer.paused, self.producer.turns), (False, 1))

    def test_what_is_written_meanwhile_does_not_overtake(self) -> None:
        self.begin(room=3)
        self.transport.write(b"one\n")
        self.socket.room = 100
        self.transport.write(b"two\n")
        self.assertEqual(self.socket.sent, b"one")
        self.socket.make_room(100)
        self.assertEqual(self.socket.sent, b"one\ntwo\n")

    def test_it_writes_directly_again_once_everything_is_sent(self) -> None:
        self.begin(room=1)
        self.transport.write(b"one\n")
        self.socket.make_room(3)
        self.socket.make_room(4)
        self.transport.write(b"two\n")
        self.assertEqual(self.socket.sent, b"one\ntwo\n")
        self.assertEqual(self.socket.loop.writers, set())

    def test_every_cut_gives_the_same_bytes(self) -> None:
        parts = [b"one\n", b"two\n", b"three\n", b"four\n"]
        for first in range(20):
            self.begin(first)
            for part in parts:
                self.transport.write(part)
            while self.socket.loop.writers:
                self.socket.make_room(3)
            self.assertEqual(self.socket.sent, b"".join(parts))
            self.assertFalse(self.producer.paused)

    def test_closing_sends_what_waits_first(self) -> None:
        self.begin(room=3)
        self.transport.write(b"hello\n")
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        self.socket.make_room(100)
        self.assertEqual(self.socket.sent, b"hello\n")
        self.assertTrue(self.socket.disconnected)

    def test_what_is_written_without_a_producer_is_sent_too(self) -> None:
        self.begin(room=3)
        self.transport.unregisterProducer()
        self.transport.write(b"hello\n")
        self.socket.make_room(100)
        self.assertEqual(self.socket.sent, b"hello\n")

    def test_two_writes_without_a_producer_keep_their_order(self) -> None:
        self.begin(room=3)
        self.transport.unregisterProducer()
        self.transport.write(b"one\n")
        self.socket.room = 100
        self.transport.write(b"two\n")
        self.socket.make_room(100)
        self.assertEqual(self.socket.sent, b"one\ntwo\n")

    def test_a_producer_that_replaces_another_while_bytes_wait_is_paused_until_they_are_sent(self) -> None:
        self.begin(room=3)
        self.transport.write(b"one\n")
        self.transport.unregisterProducer()
        second = Producer()
        self.transport.registerProducer(second, True)
        self.assertTrue(second.paused)
        self.socket.make_room(3)
        self.assertEqual((self.socket.sent, second.paused, second.turns), (b"one\n", False, 1))
        self.assertEqual(self.producer.turns, 0)
        self.transport.write(b"three\n")
        self.assertEqual((self.socket.sent, second.paused), (b"one\nth", True))

    def test_the_reactor_ends_the_connection_after_a_socket_error(self) -> None:
        self.begin(room=100)
        self.socket.broken = True
        self.transport.write(b"hello\n")
        self.assertTrue(self.producer.paused)
        self.assertEqual(self.socket.loop.writers, {self.socket})
        self.socket.make_room(100)
        self.assertTrue(self.socket.disconnected)

    def test_nothing_is_written_to_a_connection_that_is_gone(self) -> None:
        self.begin(room=100)
        self.socket.abort()
        self.transport.write(b"hello\n")
        self.assertEqual(self.socket.sent, b"")

    def test_a_slow_client_of_the_server_gets_everything_in_order(self) -> None:
        server = Server()
        zak = server.plain("zak")
        jane = server.factory.buildProtocol(None)
        assert jane is not None
        socket = Socket(room=0)
        writer = DirectWriter(socket)  # type: ignore[arg-type]
        jane.makeConnection(writer)
        jane.dataReceived(b"register,jane\n")
        for number in range(100):
            zak.say(b"chat,jane,%d\n" % number)
        server.turn()
        while socket.loop.writers:
            socket.make_room(7)
            server.turn()
        self.assertEqual(socket.sent, b"ack\n" + b"".join(b"zak says %d\n" % number for number in range(100)))
