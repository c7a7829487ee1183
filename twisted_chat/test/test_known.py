"""The networks that an account has signed in from."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.known import MAX_KNOWN_NAMES, MAX_KNOWN_NETWORKS_PER_NAME, KnownNetworks


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
