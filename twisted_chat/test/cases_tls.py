"""TLS at the same port as the other protocols, with the same front door behind it; and the reload of a certificate."""

from __future__ import annotations

import gc
import weakref
from time import time

from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from twisted_chat.doors.connections import MIN_TLS_BYTES, ConnectionRegister
from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.front_connection import IDLE_CHECK_SECONDS, TLS_RETRY_SECONDS
from twisted_chat.doors.front_state import MAX_IDLE_CHECKS, State
from twisted_chat.test.contract_door import DoorContract, Visitor
from twisted_chat.test.support import Server
from twisted_chat.test.support_doors import CAPABILITIES, EventsVisitor, IrcVisitor, PlainVisitor
from twisted_chat.test.support_front import FrontServer, RecordingDoor, SwitchingTransport
from twisted_chat.test.support_tls import Secure, SecureConnection, TlsTestCase
from twisted_chat.test.support_web import Socket
from twisted_chat.transports import tls
from twisted_chat.transports.tls import CLOSE_TIMEOUT_SECONDS, CertificateError, ReloadingCertificate, with_tls
from twisted_chat.transports.tls_memory import TLS_CONNECTION_BYTES, TLS_HANDSHAKE_BYTES
from twisted_chat.wire.detect import IRC, LINE, WEB

FIRST = {WEB: b"GET / HTTP/1.1\r\n\r\n", IRC: b"CAP LS 302\r\n", LINE: b"register,jane\n"}


class TlsFrontTests(TlsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.certificate.open()
        self.doors = {name: RecordingDoor() for name in FIRST}
        self.factory = FrontFactory(self.doors, self.clock, tls=with_tls(self.certificate, self.clock), tls_only=True)
        self.factory.doStart()

    def connect(self) -> Secure:
        client = Secure(self.factory, self.clock)
        client.shake_hands()
        return client

    def idle_checks(self, count: int) -> None:
        self.clock.pump([IDLE_CHECK_SECONDS] * count)

    def test_behind_tls_each_language_has_its_door(self) -> None:
        for name, data in FIRST.items():
            self.connect().says(data)
            [one] = self.doors[name].connections
            self.assertEqual(one.reads, [data])

    def test_wherever_the_first_bytes_are_cut_the_door_gets_the_same_reads(self) -> None:
        for name, data in FIRST.items():
            for size in range(1, len(data)):
                self.connect().says(data[:size], data[size:])
                self.assertEqual(self.doors[name].connections[-1].reads, [data[:size], data[size:]])

    def test_wherever_the_handshake_is_cut_it_succeeds(self) -> None:
        for size in (1, 2, 3, 5, 100):
            client = Secure(self.factory, self.clock)
            client.shake_hands(size)
            client.says(FIRST[LINE])
            self.assertEqual(self.doors[LINE].connections[-1].reads, [FIRST[LINE]])

    def test_a_protocol_that_a_client_offers_is_agreed_on_if_a_door_speaks_it(self) -> None:
        for offered, agreed in ((None, None), ([b"irc"], b"irc"), ([b"h2", b"http/1.1"], b"http/1.1")):
            client = Secure(self.factory, self.clock, alpn=offered)
            client.shake_hands()
            self.assertEqual(client.tls.negotiatedProtocol, agreed)
            client.says(FIRST[LINE])
            self.assertEqual(self.doors[LINE].connections[-1].reads, [FIRST[LINE]])

    def test_a_client_that_offers_only_other_protocols_gets_an_alert(self) -> None:
        client = Secure(self.factory, self.clock, alpn=[b"h2"])
        client.reads = False
        client.shake_hands()
        self.assertTrue(client.closed)
        no_application_protocol = 120  # RFC 7301 section 3.2
        self.assertEqual(client.transport.writes, [b"\x15\x03\x03\x00\x02\x02%c" % no_application_protocol])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_tls_1_2_has_the_suites_of_mozillas_intermediate_configuration(self) -> None:
        ciphers = self.certificate.serverConnectionForTLS(None).get_cipher_list()  # type: ignore[arg-type]
        for name in ciphers:
            self.assertTrue(name.startswith(("TLS_", "ECDHE-")), name)
            self.assertTrue("GCM" in name or "POLY1305" in name, name)

    def test_there_is_no_tls_within_tls(self) -> None:
        client = self.connect()
        client.says(b"\x16\x03\x01")
        self.assertEqual(client.heard()[:1], b"\x15")
        self.assertTrue(client.closed)

    def test_a_handshake_takes_no_longer_than_it_may(self) -> None:
        client = Secure(self.factory, self.clock)
        client.transport.incoming(client.wire.value()[:100])
        self.idle_checks(MAX_IDLE_CHECKS[State.HANDSHAKING] - 1)
        self.assertFalse(client.closed)
        self.idle_checks(1)
        self.assertTrue(client.closed)

    def test_after_the_handshake_a_client_may_be_silent_as_long_as_without_tls(self) -> None:
        client = self.connect()
        self.idle_checks(MAX_IDLE_CHECKS[State.UNDECIDED] - 1)
        self.assertFalse(client.closed)
        self.idle_checks(1)
        self.assertIn(b"silent", client.heard())

    def test_a_peer_that_never_closes_is_cut_off(self) -> None:
        client = self.connect()
        client.says(FIRST[WEB])
        client.reads = False
        transport = self.doors[WEB].connections[0].transport
        assert transport is not None
        transport.loseConnection()
        self.assertFalse(client.closed)
        self.clock.advance(CLOSE_TIMEOUT_SECONDS)
        self.assertTrue(client.closed)

    def test_a_full_server_waits_for_no_handshake(self) -> None:
        self.factory.most = 0
        endpoint = TLSMemoryBIOFactory(self.certificate, False, self.factory, self.clock)
        transport = StringTransport()
        endpoint.buildProtocol(None).makeConnection(transport)
        self.assertTrue(transport.disconnected)

    def test_what_is_no_handshake_ends(self) -> None:
        client = Secure(self.factory, self.clock)
        client.transport.incoming(b"\x16\x03\x01\x00\x05hello")
        self.assertTrue(client.closed)
        self.assertEqual(self.factory.connections, set())


class MemoryTests(TlsTestCase):
    """TLS connections take bytes of their network's share: many during the handshake, and fewer later."""

    HELLO = b"\x16\x03\x01\x40\x00\x01\x01\xff\xff\x03\x03" + b"x" * 100
    """The first bytes of a handshake that announce 128 KiB, for which OpenSSL makes room."""

    def setUp(self) -> None:
        super().setUp()
        self.certificate.open()
        self.server = Server(clock=self.clock)
        self.register = ConnectionRegister(self.clock.seconds, per_network=20)
        wrap = with_tls(self.certificate, self.clock, self.register.tls)
        self.factory = FrontFactory({LINE: self.server.factory}, self.clock, tls=wrap, register=self.register)
        self.factory.doStart()
        self.addCleanup(self.factory.doStop)

    def secure(self) -> Secure:
        client = Secure(self.factory, self.clock)
        client.shake_hands()
        return client

    def half_hello(self, client: Secure) -> Secure:
        client.transport.incoming(self.HELLO)
        return client

    def test_a_connection_takes_its_share_until_it_ends(self) -> None:
        client = Secure(self.factory, self.clock)
        self.assertEqual(self.register.tls.used, 0)
        client.transport.incoming(client.wire.value())
        client.wire.clear()
        self.assertEqual(self.register.tls.used, TLS_HANDSHAKE_BYTES)
        client.shake_hands()
        self.assertEqual(self.register.tls.used, TLS_CONNECTION_BYTES)
        client.says(b"register,jane\n")
        self.assertEqual(client.heard(), b"ack\n")
        client.transport.end(ConnectionLost())
        self.assertEqual(self.register.tls.used, 0)

    def test_a_handshake_that_fails_gives_its_share_back(self) -> None:
        client = Secure(self.factory, self.clock)
        client.transport.incoming(b"\x16\x03\x01\x00\x05hello")
        self.assertTrue(client.closed)
        self.assertEqual(self.register.tls.used, 0)

    def test_handshakes_beyond_the_share_wait(self) -> None:
        crowd = [self.half_hello(Secure(self.factory, self.clock)) for _ in range(MIN_TLS_BYTES // TLS_HANDSHAKE_BYTES)]
        late = self.secure()
        self.assertEqual((late.transport.producerState, late.closed), ("paused", False))
        crowd[0].transport.end(ConnectionLost())
        self.clock.advance(TLS_RETRY_SECONDS)
        late.says(b"register,late\n")
        self.assertEqual(late.heard(), b"ack\n")

    def test_connections_beyond_the_share_end_after_some_time(self) -> None:
        crowd = [self.secure() for _ in range(20)]
        self.assertLessEqual(self.register.tls.used, MIN_TLS_BYTES)
        waiting = [client for client in crowd if client.transport.producerState == "paused"]
        self.assertEqual(len(waiting), 20 - (MIN_TLS_BYTES - TLS_HANDSHAKE_BYTES) // TLS_CONNECTION_BYTES - 1)
        for client in crowd:
            client.says(b"register,jane%d\n" % id(client))
        self.clock.pump([IDLE_CHECK_SECONDS] * MAX_IDLE_CHECKS[State.DELAYED])
        self.assertTrue(all(client.closed for client in waiting))
        self.assertEqual(self.register.rows()[-1].now, f"{self.register.tls.used // 1024} KiB")

    def test_the_share_is_what_idle_connections_without_tls_may_take(self) -> None:
        tls = ConnectionRegister(self.clock.seconds).tls
        self.assertTrue(tls.take("192.0.2.1", 1000 * TLS_CONNECTION_BYTES))
        self.assertFalse(tls.take("192.0.2.1", 64 * 1024 * 1024 - 1000 * TLS_CONNECTION_BYTES + 1))
        self.assertTrue(tls.take("192.0.2.2", TLS_HANDSHAKE_BYTES))


class GarbageTests(TlsTestCase):
    def test_nothing_of_a_closed_connection_waits_for_the_garbage_collector(self) -> None:
        self.certificate.open()
        server = Server(clock=self.clock)
        factory = FrontFactory({LINE: server.factory}, self.clock, tls=with_tls(self.certificate, self.clock))
        gc.disable()
        self.addCleanup(gc.enable)
        kept: list[weakref.ref[object]] = []
        for words in (b"register,jane\n", b""):
            client = Secure(factory, self.clock)
            client.shake_hands()
            client.says(words)
            assert isinstance(client.transport, SwitchingTransport)
            protocol = client.transport.protocol
            assert isinstance(protocol, tls.Tls)
            kept += [weakref.ref(part) for part in (protocol, protocol.wrappedProtocol, protocol.getHandle())]
            client.transport.end(ConnectionLost())
            del client, protocol
        self.clock.advance(1)
        self.assertEqual([part() for part in kept], [None] * len(kept))


class CertificateTests(TlsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.events: list[LogEvent] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            if event["log_namespace"] == tls.__name__:
                self.events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def works_for(self, name: str) -> bool:
        """Return True if a client that expects a server of this name trusts a new connection."""
        door = RecordingDoor()
        factory = FrontFactory({LINE: door}, self.clock, tls=with_tls(self.certificate, self.clock))
        client = Secure(factory, self.clock, name)
        client.shake_hands()
        client.says(FIRST[LINE])
        return bool(door.connections)

    def cannot_open(self) -> str:
        problem: CertificateError = self.assertRaises(CertificateError, self.certificate.open)
        return str(problem)

    def test_a_certificate_is_used_with_its_chain(self) -> None:
        self.certificate.open()
        self.assertTrue(self.works_for("chat.example"))
        self.assertFalse(self.works_for("other.example"))

    def test_a_renewed_one_is_used_for_new_connections(self) -> None:
        self.certificate.open()
        self.issue("other.example")
        self.assertTrue(self.works_for("chat.example"))
        self.clock.advance(tls.FILE_CHECK_SECONDS)
        self.assertTrue(self.works_for("other.example"))
        self.assertEqual(len(self.events), 1)

    def test_a_bad_one_is_logged_once_and_the_previous_one_stays_in_use(self) -> None:
        self.certificate.open()
        for bad in (b"nonsense", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", None):
            self.events.clear()
            if bad is None:
                self.chain.unlink()
            else:
                self.write(self.chain, bad)
            for _ in range(3):
                self.clock.advance(tls.FILE_CHECK_SECONDS)
                self.assertTrue(self.works_for("chat.example"))
            [event] = self.events
            self.assertIn(str(self.chain), str(event["problem"]))
        self.issue("other.example")
        self.clock.advance(tls.FILE_CHECK_SECONDS)
        self.assertTrue(self.works_for("other.example"))

    def test_a_key_that_others_can_read_or_change_is_refused(self) -> None:
        for mode, word in ((0o644, "can read"), (0o604, "can read"), (0o620, "can change"), (0o602, "can change")):
            self.key.chmod(mode)
            self.assertIn(word, self.cannot_open())
            self.assertIn(f"chmod 640 {self.key}", self.cannot_open())
        for mode in (0o600, 0o400, 0o640):
            self.key.chmod(mode)
            self.certificate.open()

    def test_a_key_that_others_may_read_after_a_renewal_is_not_used(self) -> None:
        self.certificate.open()
        self.issue("other.example")
        self.key.chmod(0o644)
        self.clock.advance(tls.FILE_CHECK_SECONDS)
        self.assertTrue(self.works_for("chat.example"))
        self.assertIn("can read the key", str(self.events[0]["problem"]))

    def test_a_certificate_outside_its_dates_is_warned_about_at_the_start_and_daily(self) -> None:
        now = [0.0]
        certificate = ReloadingCertificate(str(self.chain), str(self.key), self.clock, [], lambda: now[0])
        certificate.open()
        self.assertIn("not valid before", self.events[0]["log_format"])
        now[0] = 4 * 10.0**10
        self.clock.advance(tls.DATE_CHECK_SECONDS)
        self.assertIn("has expired", self.events[1]["log_format"])
        now[0] = time()
        self.clock.advance(tls.DATE_CHECK_SECONDS)
        certificate.close()
        self.assertEqual((len(self.events), self.clock.getDelayedCalls()), (2, []))

    def test_the_names_are_those_of_the_certificate_in_use(self) -> None:
        self.certificate.open()
        self.assertEqual(self.certificate.names, {"chat.example"})
        self.issue("other.example")
        self.clock.advance(tls.FILE_CHECK_SECONDS)
        self.certificate.reload_if_changed()
        self.assertEqual(self.certificate.names, {"other.example"})

    def test_files_that_cannot_be_used_at_the_start_are_an_error_that_says_why(self) -> None:
        key, self.events = self.key.read_bytes(), []
        self.issue("other.example")
        self.write(self.key, key)
        self.assertIn("are not a certificate and its key", self.cannot_open())
        self.write(self.key, b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----\n")
        self.assertIn("passphrase", self.cannot_open())
        self.write(self.chain, b"")
        self.assertIn("no -----BEGIN CERTIFICATE-----", self.cannot_open())
        self.key.unlink()
        self.assertIn(f"cannot read {self.key}: No such file", self.cannot_open())


class SecureContract(DoorContract, TlsTestCase):
    """The contract of every door, over TLS."""

    def make_server(self) -> FrontServer:
        TlsTestCase.setUp(self)
        self.certificate.open()
        server = FrontServer()
        server.front.tls = with_tls(self.certificate, server.clock)
        return server


class SecureEventsTests(SecureContract):
    def visitor(self, server: FrontServer) -> Visitor:
        return EventsVisitor(SecureConnection(server))


class SecurePersonAndIrcTests(SecureContract):
    def visitor(self, server: FrontServer) -> Visitor:
        return PlainVisitor(SecureConnection(server))

    def other_visitor(self, server: FrontServer) -> Visitor:
        return IrcVisitor(server.irc_stranger())


class SecureIrcAndBrowserTests(SecureContract):
    def visitor(self, server: FrontServer) -> Visitor:
        stranger = SecureConnection(server)
        stranger.say(b"CAP LIST\r\n")
        stranger.read()
        return IrcVisitor(stranger, CAPABILITIES)

    def other_visitor(self, server: FrontServer) -> Visitor:
        return EventsVisitor(Socket(server.browse()))


del DoorContract, SecureContract  # they have no door of their own
