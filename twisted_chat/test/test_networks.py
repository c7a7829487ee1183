"""The networks of an address."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.networks import network_of, networks_of


class NetworksOfTests(SynchronousTestCase):
    def test_an_ipv4_address_is_the_same_in_both_notations(self) -> None:
        self.assertEqual(networks_of("192.0.2.1"), ("192.0.2.1",))
        self.assertEqual(networks_of("::ffff:192.0.2.1"), ("192.0.2.1",))

    def test_an_ipv6_address_has_three_networks(self) -> None:
        self.assertEqual(
            networks_of("2001:db8:1:2345:3:4:5:6"), ("2001:db8:1:2345::", "2001:db8:1:2300::/56", "2001:db8:1::/48")
        )
        self.assertEqual(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::")
        self.assertEqual(network_of("fe80::1%eth0"), "fe80::")

    def test_any_other_text_is_returned_unchanged(self) -> None:
        for text in ("somewhere", ""):
            self.assertEqual(networks_of(text), (text,))
