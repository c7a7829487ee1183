"""The PROXY protocol: its headers, and connections that begin with one."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support_front import OneSided, RecordingDoor
from twisted_chat.transports.proxy import HEADER_TIMEOUT_SECONDS, InvalidHeader, ProxyFactory, parse_header

V2 = b"\r\n\r\n\x00\r\nQUIT\n"
V1_TCP4 = b"PROXY TCP4 203.0.113.9 10.9.9.9 5000 8000\r\n"
V1_TCP6 = b"PROXY TCP6 2001:db8::1 ::1 5000 8000\r\n"
V2_TCP4 = V2 + b"\x21\x11\x00\x0c" + bytes([203, 0, 113, 9, 10, 9, 9, 9]) + b"\x13\x88\x1f\x40"
V2_TCP6 = V2 + b"\x21\x21\x00\x24" + bytes.fromhex("20010db8" + "0" * 23 + "1" + "0" * 31 + "1") + b"\x13\x88\x1f\x40"
NO_ADDRESS = {
    "unknown": b"PROXY UNKNOWN\r\n",
    "unknown with more": b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
    "local": V2 + b"\x20\x00\x00\x00",
    "local with more": V2 + b"\x20\x11\x00\x0c" + bytes(12),
    "unspecified": V2 + b"\x21\x00\x00\x00",
    "a unix socket": V2 + b"\x21\x31\x00\xd8" + bytes(216),
}
INVALID = (
    b"register,jane\n",
    b"\x16\x03\x01",
    b"PROXY\r\n",
    b"PROXY \r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP4 \xff \xff 1 2\r\n",
    b"PROXY TCP4 here there 5000 8000\r\n",
    b"PROXY TCP4 203.0.113.9 10.9.9.9 x y\r\n",
    b"PROXY TCP4 203.0.113.9 10.9.9.9 5000 80000\r\n",
    b"PROXY TCP4 203.0.113.9 10.9.9.9 -1 8000\r\n",
    b"PROXY TCP4 203.0.113.9 10.9.9.9 5000\r\n",
    b"PROXY TCP4 2001:db8::1 ::1 5000 8000\r\n",
    b"PROXY TCP6 203.0.113.9 10.9.9.9 5000 8000\r\n",
    b"PROXY TCP6 ::1 ::1 \xc2\xb2 8000\r\n",
    b"PROXY TCP6 fe80::1%\x1b[2J ::1 5000 8000\r\n",
    b"PROXY UDP4 203.0.113.9 10.9.9.9 5000 8000\r\n",
    b"PROXY TCP4 " + b"1" * 200,
    V2 + b"\x11\x11\x00\x0c" + bytes(12),
    V2 + b"\x2f\x11\x00\x0c" + bytes(12),
    V2 + b"\x21\x11\x00\x03abc",
    V2 + b"\x21\x21\x00\x0c" + bytes(12),
)


class HeaderTests(SynchronousTestCase):
    def test_both_versions_name_the_client(self) -> None:
        for data, peer in (
            (V1_TCP4, IPv4Address("TCP", "203.0.113.9", 5000)),
            (V2_TCP4, IPv4Address("TCP", "203.0.113.9", 5000)),
            (V1_TCP6, IPv6Address("TCP", "2001:db8::1", 5000)),
            (V2_TCP6, IPv6Address("TCP", "2001:db8::1", 5000)),
        ):
            header = parse_header(data + b"register,jane\n")
            assert header is not None
            self.assertEqual((header.size, header.peer), (len(data), peer))
            for size in range(len(data)):
                self.assertIsNone(parse_header(data[:size]))

    def test_a_header_may_name_no_client(self) -> None:
        for kind, data in NO_ADDRESS.items():
            header = parse_header(data)
            assert header is not None, kind
            self.assertEqual((header.size, header.peer, header.host), (len(data), None, None), kind)

    def test_everything_else_is_invalid(self) -> None:
        for data in INVALID:
            self.assertRaises(InvalidHeader, parse_header, data)


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.door = Clock(), RecordingDoor()
        self.factory = ProxyFactory(self.door, self.clock)

    def connect(self, *reads: bytes) -> StringTransport:
        self.connection = self.factory.buildProtocol(None)
        transport = StringTransport(peerAddress=IPv4Address("TCP", "10.0.0.1", 7000))
        self.connection.makeConnection(transport)
        for data in reads:
            self.connection.dataReceived(data)
        return transport

    def inner(self) -> OneSided:
        [one] = self.door.connections
        return one

    def test_what_follows_the_header_reaches_the_door_wherever_the_reads_are_cut(self) -> None:
        for header in (V1_TCP4, V2_TCP4, *NO_ADDRESS.values()):
            for size in range(1, len(header)):
                self.connect(header[:size], header[size:] + b"hi", b"there")
                self.assertEqual(self.inner().reads, [b"hi", b"there"])
                self.connection.connectionLost(Failure(ConnectionDone()))

    def test_the_door_sees_the_client_or_without_one_the_proxy(self) -> None:
        for header, host in (
            (V1_TCP4, "203.0.113.9"),
            (NO_ADDRESS["unknown"], "10.0.0.1"),
            (NO_ADDRESS["local"], "10.0.0.1"),
        ):
            self.connect(header)
            transport = self.inner().transport
            assert transport is not None
            self.assertEqual(transport.getPeer().host, host)  # type: ignore[attr-defined]
            self.connection.connectionLost(connectionDone)

    def test_an_invalid_header_ends_the_connection_without_a_traceback(self) -> None:
        for data in INVALID:
            self.assertTrue(self.connect(data).disconnecting, data)
            self.assertTrue(self.connect(*(bytes([byte]) for byte in data)).disconnecting, data)
        self.assertEqual((self.door.connections, self.flushLoggedErrors()), ([], []))

    def test_a_proxy_that_sends_no_header_is_disconnected(self) -> None:
        transport = self.connect(b"PROXY TCP4 ")
        self.clock.advance(HEADER_TIMEOUT_SECONDS - 1)
        self.assertFalse(transport.disconnecting)
        self.clock.advance(1)
        self.assertTrue(transport.disconnecting)
        self.connect(V1_TCP4)
        self.assertFalse(self.clock.getDelayedCalls())
