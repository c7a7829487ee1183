"""The networks of an address, and those that an account has signed in from."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.networks import (
    MAX_KNOWN_NAMES,
    MAX_KNOWN_NETWORKS_PER_NAME,
    KnownNetworks,
    network_of,
    networks_of,
)


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


class KnownNetworksTests(SynchronousTestCase):
    def test_the_last_few_networks_of_an_account_are_known(self) -> None:
        known = KnownNetworks()
        for number in range(MAX_KNOWN_NETWORKS_PER_NAME):
            known.add("kim", f"192.0.2.{number}")
        known.add("kim", "192.0.2.0")
        known.add("kim", "192.0.2.99")
        self.assertTrue(known.has("kim", "192.0.2.0"))
        self.assertFalse(known.has("kim", "192.0.2.1"))
        self.assertTrue(known.has("kim", "192.0.2.99"))
        self.assertFalse(known.has("zak", "192.0.2.99"))

    def test_the_account_that_has_not_signed_in_for_the_longest_time_is_forgotten(self) -> None:
        known = KnownNetworks()
        for number in range(MAX_KNOWN_NAMES):
            known.add(f"user{number}", "192.0.2.1")
        known.add("user0", "192.0.2.1")
        known.add("kim", "192.0.2.1")
        self.assertEqual(len(known), MAX_KNOWN_NAMES)
        self.assertTrue(known.has("user0", "192.0.2.1"))
        self.assertFalse(known.has("user1", "192.0.2.1"))
