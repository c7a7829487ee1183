"""Which connections others on the way cannot read."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, ISSLTransport
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from twisted_chat.transports.confidential import is_confidential, is_loopback, is_over_tls, is_private

PRIVATE = (
    "127.0.0.1",
    "127.9.9.9",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "169.254.1.1",
    "::1",
    "fd00::1",
    "fe80::1%eth0",
)
PUBLIC = (
    "203.0.113.9",
    "172.32.0.1",
    "100.64.0.1",
    "8.8.8.8",
    "2001:db8::1",
    "::ffff:8.8.8.8",
    "fec0::1",
    "",
    "chat.example",
)


def transport(peer: IAddress, host: IAddress | None = None) -> StringTransport:
    """Return a transport with these addresses."""
    return StringTransport(hostAddress=host or IPv4Address("TCP", "198.51.100.1", 8000), peerAddress=peer)


def tcp(address: str) -> IAddress:
    """Return the address of a TCP client."""
    return (IPv6Address if ":" in address else IPv4Address)("TCP", address, 5000)


class ConfidentialTests(SynchronousTestCase):
    def test_private_addresses(self) -> None:
        self.assertEqual([address for address in (*PRIVATE, *PUBLIC) if is_private(address)], list(PRIVATE))
        self.assertTrue(is_private("::ffff:10.0.0.1"))

    def test_loopback_addresses(self) -> None:
        addresses = (*PRIVATE, *PUBLIC, "::ffff:127.0.0.1")
        self.assertEqual(
            [address for address in addresses if is_loopback(address)], [*PRIVATE[:2], "::1", "::ffff:127.0.0.1"]
        )

    def test_without_tls_the_address_decides(self) -> None:
        for addresses, confidential in ((PRIVATE, True), (PUBLIC, False)):
            for address in addresses:
                self.assertIs(is_confidential(transport(tcp(address))), confidential, address)

    def test_this_machine_and_a_unix_socket_are_confidential(self) -> None:
        own = IPv4Address("TCP", "203.0.113.9", 8000)
        self.assertTrue(is_confidential(transport(tcp("203.0.113.9"), own)))
        self.assertTrue(is_confidential(transport(UNIXAddress(None), UNIXAddress(b"chat.sock"))))

    def test_tls_below_other_layers_is_found(self) -> None:
        public = transport(tcp("203.0.113.9"))
        wrapper: ProtocolWrapper = ProtocolWrapper(WrappingFactory(None), None)  # type: ignore[arg-type]
        wrapper.transport = public
        self.assertFalse(is_confidential(wrapper))
        directlyProvides(public, ISSLTransport)
        self.assertTrue(is_over_tls(wrapper))
        self.assertTrue(is_confidential(wrapper))

    def test_behind_a_proxy_the_way_from_the_proxy_counts(self) -> None:
        wrapper: ProtocolWrapper = ProtocolWrapper(WrappingFactory(None), None)  # type: ignore[arg-type]
        wrapper.transport = transport(tcp("10.0.0.1"))
        wrapper.getPeer = lambda: tcp("203.0.113.9")  # type: ignore[method-assign]
        self.assertTrue(is_confidential(wrapper))
