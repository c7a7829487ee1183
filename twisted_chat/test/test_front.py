"""One port for all protocols: the front door hands each connection, with all its reads, to the right door."""

from __future__ import annotations

from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.front_connection import IDLE_CHECK_SECONDS
from twisted_chat.doors.front_state import MAX_IDLE_CHECKS, State
from twisted_chat.doors.refusals import HANDSHAKE_FAILURE
from twisted_chat.test.support import MemoryTransport, Server
from twisted_chat.test.support_front import Client, OneSided, RecordingDoor, SwitchingTransport
from twisted_chat.wire.detect import IRC, LINE, WEB

FIRST = {
    WEB: b"POST /a HTTP/1.1\r\nHost: here\r\n\r\nregister,jane\n",
    IRC: b"NICK jane\r\nUSER jane 0 * :Jane\r\n",
    LINE: b"register,jane\nlist,friends\n",
}
CLIENT_HELLO = b"\x16\x03\x01\x00\x05hello"


class FrontTestCase(SynchronousTestCase):
    """A front door before doors for the line protocol, IRC and HTTP."""

    transport: type[MemoryTransport] = SwitchingTransport
    names: tuple[str, ...] = (LINE, IRC, WEB)
    tls_only = False
    most: int | None = None

    def setUp(self) -> None:
        self.clock = Clock()
        self.doors = {name: RecordingDoor() for name in self.names}
        self.factory = FrontFactory(self.doors, self.clock, tls_only=self.tls_only, most=self.most)
        self.factory.doStart()

    def connect(self) -> Client:
        return Client(self.factory, self.clock, self.transport)

    def inside(self) -> dict[str, list[list[bytes]]]:
        """Return the reads of each connection, for each door that has a connection."""
        return {name: [one.reads for one in door.connections] for name, door in self.doors.items() if door.connections}

    def idle_checks(self, count: int) -> None:
        self.clock.pump([IDLE_CHECK_SECONDS] * count)


class HandOverTests(FrontTestCase):
    def test_each_language_has_its_door(self) -> None:
        for data in FIRST.values():
            self.connect().says(data)
        self.assertEqual(self.inside(), {name: [[data]] for name, data in FIRST.items()})

    def test_wherever_the_first_bytes_are_cut_the_door_gets_the_same_reads(self) -> None:
        for name, data in FIRST.items():
            for size in range(1, len(data)):
                client, reads = self.connect(), [data[:size], data[size:]]
                client.says(*reads)
                self.assertEqual(self.inside(), {name: [reads]})
                client.transport.end(ConnectionLost())
                self.assertEqual(self.inside(), {})

    def test_bytes_that_come_one_by_one_reach_the_door_one_by_one(self) -> None:
        for name, data in FIRST.items():
            client, reads = self.connect(), [bytes([byte]) for byte in data]
            client.says(*reads)
            self.assertEqual(self.inside(), {name: [reads]})
            client.transport.end(ConnectionLost())

    def test_the_lessons_first_read_comes_at_once_and_whole(self) -> None:
        client = self.connect()
        client.says(b"register,jane")
        self.assertEqual(self.inside(), {LINE: [[b"register,jane"]]})

    def test_silence_decides_nothing(self) -> None:
        client = self.connect()
        self.idle_checks(MAX_IDLE_CHECKS[State.UNDECIDED] - 1)
        client.says(b"GET ")
        self.assertEqual(self.inside(), {})
        client.says(b"/ HTTP/1.1\r\n")
        self.assertEqual(self.inside(), {WEB: [[b"GET ", b"/ HTTP/1.1\r\n"]]})

    def test_the_front_door_forgets_a_connection_that_has_a_door(self) -> None:
        client = self.connect()
        client.says(FIRST[LINE])
        self.assertEqual(self.factory.connections, set())
        self.idle_checks(2 * MAX_IDLE_CHECKS[State.UNDECIDED])
        self.assertFalse(client.closed)
        client.says(b"GET / HTTP/1.1\r\n")
        self.assertEqual(self.inside(), {LINE: [[FIRST[LINE], b"GET / HTTP/1.1\r\n"]]})

    def test_the_end_of_input_comes_to_the_door(self) -> None:
        client = self.connect()
        client.says(FIRST[LINE])
        client.ends_input()
        [one] = self.doors[LINE].connections
        self.assertTrue(one.ended)
        self.assertFalse(client.closed)

    def test_the_end_of_the_connection_comes_to_the_door(self) -> None:
        client = self.connect()
        client.says(FIRST[IRC])
        client.transport.end(ConnectionLost())
        self.assertTrue(self.doors[IRC].gone[0].lost)

    def test_an_early_end_of_input_goes_to_the_line_door(self) -> None:
        client = self.connect()
        client.says(b"GET / HT")
        client.ends_input()
        [one] = self.doors[LINE].connections
        self.assertEqual((one.reads, one.ended), ([b"GET / HT"], True))

    def test_a_protocol_that_is_not_half_closeable_ends_with_the_input(self) -> None:
        self.doors[LINE].kind = OneSided
        client = self.connect()
        client.says(b"hel")
        client.ends_input()
        self.assertTrue(client.closed)
        self.assertEqual(self.doors[LINE].gone[0].reads, [b"hel"])

    def test_a_client_that_sends_nothing_gets_nothing(self) -> None:
        ended, dropped = self.connect(), self.connect()
        ended.ends_input()
        dropped.transport.end(ConnectionLost())
        self.assertTrue(ended.closed)
        self.assertEqual((ended.heard(), self.factory.connections), (b"", set()))

    def test_a_door_may_refuse(self) -> None:
        self.patch(self.doors[LINE], "buildProtocol", lambda addr: None)
        client = self.connect()
        client.says(FIRST[LINE])
        self.assertTrue(client.closed)


class ForwardingTests(HandOverTests):
    """The same with a transport that cannot switch its protocol: the Front passes each event on."""

    transport = MemoryTransport


class BoundTests(FrontTestCase):
    def test_a_client_whose_protocol_stays_undecided_is_told_and_closed(self) -> None:
        silent, slow = self.connect(), self.connect()
        for _ in range(MAX_IDLE_CHECKS[State.UNDECIDED] - 1):
            slow.says(b"x")
            self.idle_checks(1)
        self.assertFalse(silent.closed or slow.closed)
        self.idle_checks(1)
        for client in (silent, slow):
            self.assertIn(b"silent", client.heard())
            self.assertTrue(client.closed)
        self.assertEqual(self.factory.connections, set())

    def test_a_first_line_without_an_end_is_decided_by_how_it_begins(self) -> None:
        for name, data in ((WEB, b"GET /%b"), (LINE, b"@%b"), (LINE, b"%b")):
            client = self.connect()
            client.says(data % (b"x" * 16_000))
            self.assertEqual(list(self.inside()), [name])
            client.transport.end(ConnectionLost())

    def test_a_browser_cannot_get_past_the_web_door_with_a_long_request(self) -> None:
        client = self.connect()
        client.says(b"POST /" + b"x" * 20_000, b" HTTP/1.1\r\n\r\n", b"register,jane\nchat,#tea,hi\n")
        self.assertEqual(list(self.inside()), [WEB])

    def test_idle_checks_end_with_the_factory(self) -> None:
        self.factory.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class MostTests(FrontTestCase):
    most = 3

    def test_connections_at_every_door_count(self) -> None:
        silent, person, browser = self.connect(), self.connect(), self.connect()
        person.says(FIRST[LINE])
        browser.says(FIRST[WEB])
        late = self.connect()
        self.assertEqual(late.heard(), b"error,unavailable,the server is full; try again later\n")
        late.says(FIRST[LINE])
        self.assertTrue(late.closed)
        self.assertEqual(len(self.doors[LINE].connections), 1)
        silent.transport.end(ConnectionLost())
        self.assertFalse(self.connect().closed)


class ClosedTests(FrontTestCase):
    """The server answers in the client's protocol if no door speaks it."""

    names = (LINE,)

    def refusal(self, *reads: bytes) -> bytes:
        client = self.connect()
        client.says(*reads, b"and more")
        heard = client.heard()
        self.assertTrue(client.closed)
        self.assertEqual(self.inside(), {})
        return heard

    def test_http(self) -> None:
        answer = self.refusal(FIRST[WEB])
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 404 Not Found\r\n"))
        self.assertIn(b"Content-Length: %d\r\n" % len(body), head + b"\r\n")
        self.assertIn(b"no web door", body)

    def test_irc(self) -> None:
        self.assertEqual(self.refusal(FIRST[IRC]), b"ERROR :this server has no irc door; it has: line\r\n")

    def test_tls_without_a_certificate(self) -> None:
        self.assertEqual(self.refusal(CLIENT_HELLO), HANDSHAKE_FAILURE)

    def test_a_rejected_client_that_stays_is_aborted(self) -> None:
        client = self.connect()
        client.transport.client_reads = False
        client.says(FIRST[IRC])
        self.idle_checks(MAX_IDLE_CHECKS[State.REJECTED])
        self.assertTrue(client.closed)


class WithoutLineTests(ClosedTests):
    names = (IRC,)

    def test_irc(self) -> None:
        self.connect().says(FIRST[IRC])
        self.assertEqual(list(self.inside()), [IRC])

    def test_lines(self) -> None:
        self.assertEqual(self.refusal(FIRST[LINE]), b"error,not-allowed,this server has no line door; it has: irc\n")

    def test_an_early_end_of_input(self) -> None:
        client = self.connect()
        client.says(b"hel")
        client.ends_input()
        self.assertIn(b"no line door", client.heard())
        self.assertTrue(client.closed)

    def test_a_rejected_client_that_stays_is_aborted(self) -> None:
        client = self.connect()
        client.transport.client_reads = False
        client.says(FIRST[LINE])
        self.idle_checks(MAX_IDLE_CHECKS[State.REJECTED])
        self.assertTrue(client.closed)


class TlsOnlyTests(FrontTestCase):
    tls_only = True

    def test_a_client_without_tls_is_told_what_to_do(self) -> None:
        words = {IRC: b"ERROR :this server speaks TLS only", LINE: b"error,not-allowed,this"}
        for name, start in words.items():
            client = self.connect()
            client.says(FIRST[name])
            heard = client.heard()
            self.assertTrue(heard.startswith(start), heard)
            self.assertIn(b"TLS only", heard)
            self.assertTrue(client.closed)
        self.assertEqual(self.inside(), {})

    def test_a_browser_comes_to_the_web_door_which_redirects_it(self) -> None:
        self.connect().says(FIRST[WEB])
        self.assertEqual(self.inside(), {WEB: [[FIRST[WEB]]]})
        del self.doors[WEB]
        client = self.connect()
        client.says(FIRST[WEB])
        self.assertTrue(client.heard().startswith(b"HTTP/1.1 426 "))


class ShutDownTests(FrontTestCase):
    def test_the_line_door_says_goodbye_to_undecided_clients(self) -> None:
        silent, slow = self.connect(), self.connect()
        slow.says(b"GET ")
        self.factory.shut_down()
        self.assertCountEqual(self.inside()[LINE], [[], [b"GET "]])
        self.assertFalse(silent.closed or slow.closed)

    def test_a_rejected_client_is_aborted(self) -> None:
        client = self.connect()
        client.transport.client_reads = False
        client.says(CLIENT_HELLO)
        self.factory.shut_down()
        self.assertTrue(client.closed)


class RealDoorTests(SynchronousTestCase):
    """The front door before the real line door."""

    def setUp(self) -> None:
        self.server = Server()
        self.factory = FrontFactory({LINE: self.server.factory}, self.server.clock)

    def connect(self) -> Client:
        return Client(self.factory, self.server.clock, SwitchingTransport)

    def test_a_person_talks(self) -> None:
        jane = self.connect()
        jane.says(b"regi", b"ster,jane\nchat,jane,hello\n")
        self.assertEqual(jane.heard(), b"ack\njane says hello\n")

    def test_the_lessons_client_is_known(self) -> None:
        jane = self.connect()
        jane.says(b"register,jane")
        self.server.clock.advance(0.05)
        self.assertEqual(jane.heard(), b"ack")

    def test_what_has_no_end_is_named(self) -> None:
        jane = self.connect()
        jane.says(b"regist")
        jane.ends_input()
        self.assertIn(b"has no line ending", jane.heard())
        self.assertTrue(jane.closed)

    def test_a_first_line_may_be_as_long_as_any(self) -> None:
        jane = self.connect()
        jane.says(b"@1 ping," + b"x" * 16_000, b"\n")
        self.assertEqual(jane.heard(), b"@1 ok," + b"x" * 16_000 + b"\n")
