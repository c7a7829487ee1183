"""All doors share the connections: each network has a share, idle guests make room, accounts keep their places."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.bans import ADDRESS, Ban
from twisted_chat.doors import connections
from twisted_chat.doors.connections import FIRST_WORD_SECONDS, VICTIM_SECONDS, ConnectionRegister
from twisted_chat.doors.factory import IDLE_CHECK_SECONDS
from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.occupants import Occupant
from twisted_chat.doors.refusals import MAKING_ROOM, NETWORK_FULL, SERVER_FULL
from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.support_front import SwitchingTransport
from twisted_chat.wire.detect import IRC, LINE, WEB

MOST = 32
"""Connections that the server can hold; two of them are kept for accounts, and a share is two."""


class FromAddress(SwitchingTransport):
    """A transport whose peer has the address of the class attribute."""

    host = "192.0.2.1"

    def getPeer(self) -> IAddress:
        kind = IPv6Address if ":" in self.host else IPv4Address
        return kind("TCP", self.host, 40000)


def at(address: str) -> type[FromAddress]:
    return type("At", (FromAddress,), {"host": address})


class RegisterTestCase(SynchronousTestCase):
    """A server of all doors with room for MOST connections."""

    per_network = 1000

    def setUp(self) -> None:
        self.server = Server()
        self.server.hub.bans._now = self.clock = self.server.clock.seconds
        self.register = ConnectionRegister(self.server.clock.seconds, self.server.hub.bans, self.per_network)
        hub, clock = self.server.hub, self.server.clock
        hub.has_room_for_guest = self.register.has_room_for_guest
        line = ChatFactory(hub, clock, register=self.register, plain_passwords=True)
        irc = IrcFactory(hub, clock, register=self.register, plain_passwords=True)
        self.front = FrontFactory({LINE: line, IRC: irc, WEB: WebFactory(line)}, clock, register=self.register)
        self.front.most = MOST
        self.front.doStart()
        self.addCleanup(self.front.doStop)
        self.names = iter(range(10_000))

    def connect(self, address: str = "192.0.2.1") -> Connection:
        return Connection(self.server, self.front, at(address))

    def guest(self, address: str = "192.0.2.1") -> Connection:
        """Return a guest from this address that has got its `ack`."""
        guest = self.connect(address)
        self.assertEqual(guest.ask(f"register,guest{next(self.names)}"), ["ack"])
        return guest

    def guests(self, count: int, address: str = "192.0.2.1") -> list[Connection]:
        return [self.guest(address) for _ in range(count)]

    def pass_idle_checks(self, count: int = 2) -> None:
        self.server.clock.pump([IDLE_CHECK_SECONDS] * count)

    def refused(self, connection: Connection) -> bytes:
        said = connection.read()
        self.assertTrue(connection.closed)
        return said


class ShareTests(RegisterTestCase):
    def test_silent_guests_of_one_address_cannot_keep_others_out(self) -> None:
        crowd = self.guests(30)
        for number in range(16):
            self.guest(f"198.51.100.{number}")
        self.assertEqual(sum(one.closed for one in crowd), 16)
        self.assertIn("*** the server is full, so connections that were idle end", crowd[0].read().decode())

    def test_connections_that_say_nothing_make_room_at_once_if_one_network_has_many(self) -> None:
        crowd = [self.connect() for _ in range(30)]
        self.guest("198.51.100.1")
        self.assertEqual([one.closed for one in crowd], [True] + [False] * 29)
        self.assertEqual(crowd[0].read(), MAKING_ROOM)

    def test_one_who_has_more_than_a_share_gets_no_place_of_others(self) -> None:
        others = [self.guest(f"198.51.100.{number}") for number in range(15)]
        crowd = self.guests(15)
        self.assertEqual(self.refused(self.connect()), SERVER_FULL)
        self.pass_idle_checks()
        self.guest()
        self.assertEqual(sum(one.closed for one in crowd), 1)
        self.assertFalse(any(one.closed for one in others))

    def test_a_flood_of_newcomers_from_one_who_has_more_than_a_share_looks_for_a_place_once(self) -> None:
        self.guests(30)
        looks: list[object] = []
        may_go = self.register._may_go

        def look(one: Occupant) -> bool:
            looks.append(one)
            return may_go(one)

        self.patch(self.register, "_may_go", look)
        for _ in range(20):
            self.assertEqual(self.refused(self.connect()), SERVER_FULL)
        self.assertLessEqual(len(looks), 30)
        self.guest("198.51.100.1")  # for others there is a place

    def test_with_many_connections_some_are_looked_at_and_others_the_next_time(self) -> None:
        self.patch(connections, "MAX_LOOKED_AT", 8)
        guests = [self.guest(f"198.51.100.{number}") for number in range(30)]
        self.pass_idle_checks()
        self.register._choose_victims()
        self.assertEqual(len(self.register._victims), 8)
        for number in range(16):
            self.guest(f"203.0.113.{number}")
            self.server.clock.advance(VICTIM_SECONDS)
        self.assertEqual(sum(one.closed for one in guests), 16)

    def test_among_equals_the_guest_that_was_idle_longest_goes(self) -> None:
        guests = [self.guest(f"198.51.100.{number}") for number in range(30)]
        self.assertTrue(len(self.register) == 30)
        self.pass_idle_checks()
        for one in guests[:3] + guests[4:]:
            one.ask("ping,")
        self.guest("203.0.113.1")
        self.assertEqual([number for number, one in enumerate(guests) if one.closed], [3])

    def test_people_who_talk_are_never_sent_away(self) -> None:
        guests = [self.guest(f"198.51.100.{number}") for number in range(30)]
        newcomer = self.connect("203.0.113.1")
        self.assertEqual(
            newcomer.ask("register,late"),
            ["error,unavailable,the server is full for guests; try again later, or sign in to an account"],
        )
        self.assertFalse(any(one.closed for one in guests))

    def test_four_addresses_whose_guests_talk_keep_nobody_out(self) -> None:
        crowd = [guest for number in range(4) for guest in self.guests(7, f"192.0.2.{number}")]
        for _ in range(3):
            for one in crowd:
                one.ask("ping,")
            self.pass_idle_checks(1)
        for one in crowd:
            one.ask("ping,")
        for number in range(10):
            self.guest(f"198.51.100.{number}")
        self.assertEqual(sum(one.closed for one in crowd), 8)

    def test_one_customer_with_a_wide_ipv6_network_keeps_nobody_out(self) -> None:
        crowd = [self.guest(f"2001:db8:0:{number:x}::1") for number in range(0, 30 * 256, 256)]
        for one in crowd:
            one.ask("ping,")
        for number in range(5):
            self.guest(f"2001:db8:{number + 1}::1")
        self.assertEqual(sum(one.closed for one in crowd), 5)

    def test_newcomers_without_a_name_do_not_take_the_places_of_accounts(self) -> None:
        for number in range(32):
            self.connect(f"192.0.2.{number % 4}")
        for number in range(5):
            one = self.connect(f"198.51.100.{number}")
            self.assertEqual(one.ask(f"register,account{number},account{number}"), ["ack"])

    def test_accounts_are_never_sent_away_and_get_the_places_that_are_kept(self) -> None:
        accounts = []
        for number in range(30):
            accounts.append(self.connect("192.0.2.9"))
            self.assertEqual(accounts[-1].ask(f"register,account{number},account{number}"), ["ack"])
        self.pass_idle_checks()
        for number in range(30, 32):
            one = self.connect("198.51.100.7")
            self.assertEqual(one.ask(f"register,account{number},account{number}"), ["ack"])
        self.assertEqual(self.refused(self.connect("198.51.100.8")), SERVER_FULL)
        self.assertFalse(any(one.closed for one in accounts))

    def test_a_client_that_is_silent_without_a_name_makes_room_after_a_moment(self) -> None:
        silent = [self.connect(f"198.51.100.{number}") for number in range(30)]
        newcomer = self.connect("203.0.113.1")
        self.assertIn("error,unavailable", newcomer.ask("register,late")[0])
        newcomer.drop()
        self.server.clock.advance(FIRST_WORD_SECONDS + VICTIM_SECONDS)
        self.guest("203.0.113.1")
        self.assertEqual([one.closed for one in silent[:2]], [True, False])

    def test_a_count_follows_each_connection_through_its_doors(self) -> None:
        line, irc, web, new = (self.connect(f"198.51.100.{number}") for number in range(4))
        line.ask("register,jane")
        irc.say(b"NICK kim\r\nUSER kim 0 * :Kim\r\n")
        web.say(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        doors = sorted((one.door, one.address) for one in self.register.connections())
        self.assertEqual(
            doors,
            [("irc", "198.51.100.1"), ("line", "198.51.100.0"), ("new", "198.51.100.3"), ("web", "198.51.100.2")],
        )
        for one in (line, irc, web, new):
            one.drop()
        self.assertEqual((len(self.register), dict(self.register._by_network)), (0, {}))


class NetworkBoundTests(RegisterTestCase):
    per_network = 4

    def test_a_network_has_a_bound_and_others_do_not_notice(self) -> None:
        crowd = self.guests(4)
        self.assertEqual(self.refused(self.connect()), NETWORK_FULL)
        self.guest("192.0.2.2")
        crowd[0].drop()
        self.server.clock.advance(1)
        self.guest()

    def test_a_wide_ipv6_network_has_a_bound_of_its_own(self) -> None:
        for number in range(16):
            self.guest(f"2001:db8:0:{number * 256:x}::1")
        self.assertEqual(self.refused(self.connect("2001:db8:0:ffff::1")), NETWORK_FULL)
        self.guest("2001:db8:1::1")

    def test_one_who_connects_again_and_again_waits_and_nobody_else(self) -> None:
        for _ in range(4):
            self.guest().drop()
        waiting = self.connect()
        waiting.say(b"register,jane\n")
        self.assertEqual(waiting.lines(), [])
        self.assertTrue(waiting.paused)
        self.guest("192.0.2.2")
        self.server.clock.advance(0.05)
        self.assertEqual(waiting.lines(), ["ack"])

    def test_clients_that_leave_while_they_wait_do_not_delay_those_who_come_later(self) -> None:
        for _ in range(4):
            self.guest().drop()
        for _ in range(1000):
            self.connect().drop()
        late = self.connect()
        late.say(b"register,jane\n")
        self.server.clock.advance(0.05)
        self.assertEqual(late.lines(), ["ack"])

    def test_a_client_that_leaves_while_it_waits_is_forgotten(self) -> None:
        for _ in range(4):
            self.guest().drop()
        self.connect().drop()
        self.server.clock.advance(1)
        self.assertEqual(len(self.register), 0)


class BannedAddressTests(RegisterTestCase):
    def test_each_door_says_so_in_its_own_way(self) -> None:
        self.server.hub.bans.add(Ban(ADDRESS, "192.0.2.0/24", reason="too loud"))
        sentence = b"the operator does not admit you here: too loud"
        for said, answer in (
            (b"register,jane\n", b"error,not-allowed,%b\n"),
            (b"NICK jane\r\nUSER j 0 * :J\r\n", b"ERROR :%b\r\n"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"%b\n"),
        ):
            stranger = self.connect("192.0.2.77")
            stranger.say(said)
            self.assertTrue(stranger.read().endswith(answer % sentence))
        self.guest("192.0.3.1")

    def test_a_ban_ends_by_itself(self) -> None:
        self.server.hub.bans.add(Ban(ADDRESS, "192.0.2.1/32", until=5000))
        stranger = self.connect()
        stranger.say(b"register,jane\n")
        self.assertIn(b"not-allowed", stranger.read())
        self.server.clock.advance(5)
        self.guest()


class RowsTests(RegisterTestCase):
    per_network = 10

    def test_limits_name_the_networks_that_are_held_back(self) -> None:
        self.guests(9)
        rows = {row.subject: row for row in self.register.rows()}
        self.assertEqual((rows["connections"].bound, rows["connections"].now), ("32, 2 kept for accounts", "9"))
        self.assertEqual(rows["connections of a network"].held, ["192.0.2.1 (9)"])
        self.guest().drop()
        self.connect()
        [held] = {row.subject: row for row in self.register.rows()}["new connections of a network"].held
        self.assertIn("192.0.2.1", held)
