"""Bans: what is kept out, for how long, and how an address is written."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.bans import ADDRESS, NAME, Ban, Bans, network_text
from twisted_chat.core.errors import ChatError, Reason


class BansTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.bans = Bans(lambda: self.now)

    def test_a_network_contains_its_addresses_and_no_others(self) -> None:
        for network, inside, outside in (
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/48", "2001:db8:0:ff::1", "2001:db8:1::1"),
            ("192.0.2.7/32", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
            ("fe80::/10", "fe80::1%eth0", "1::"),
        ):
            ban = Ban(ADDRESS, network)
            self.bans.add(ban)
            self.assertEqual(self.bans.of_address(inside), ban, network)
            self.assertIsNone(self.bans.of_address(outside), network)
            self.assertTrue(self.bans.remove(ADDRESS, network))
            self.assertIsNone(self.bans.of_address(inside), network)
            self.assertFalse(self.bans.remove(ADDRESS, network))

    def test_what_is_no_address_is_not_banned(self) -> None:
        self.bans.add(Ban(ADDRESS, "0.0.0.0/0"))
        for address in ("", "a unix socket", "kim"):
            self.assertIsNone(self.bans.of_address(address))

    def test_a_ban_ends_at_its_time(self) -> None:
        for ban in (Ban(NAME, "kim", 1_001_000), Ban(ADDRESS, "192.0.2.0/24", 1_001_000)):
            self.bans.add(ban)
        self.assertEqual(len(self.bans.all()), 2)
        self.assertRaises(ChatError, self.bans.check, "kim", "")
        self.now = 1001.0
        self.bans.check("kim", "192.0.2.1")
        self.assertEqual(self.bans.all(), [])

    def test_the_error_names_the_reason(self) -> None:
        self.bans.load([Ban(NAME, "kim", reason="too loud"), Ban(ADDRESS, "192.0.2.0/24")])
        for name, address, why in (("kim", "", ": too loud"), ("zak", "192.0.2.1", "")):
            problem = self.assertRaises(ChatError, self.bans.check, name, address)
            self.assertEqual((problem.reason, problem.facts), (Reason.BANNED, {"why": why}))
        self.bans.check("zak", "192.0.3.1")

    def test_each_network_has_one_form(self) -> None:
        for text, form in (
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("2001:DB8::1/48", "2001:db8::/48"),
            ("fe80::1%eth0", "fe80::1/128"),
            ("kim", None),
            ("192.0.2", None),
            ("", None),
            ("1", None),
        ):
            self.assertEqual(network_text(text), form, text)
