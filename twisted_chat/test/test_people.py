"""The operator's hand: who is connected, kick and ban, at once and at every door, also after a restart."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred

from twisted_chat.admin import control, people
from twisted_chat.admin.accounts import AccountAdmin
from twisted_chat.admin.control import handle_request
from twisted_chat.admin.people import PeopleAdmin
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Verified
from twisted_chat.core.names import user_name
from twisted_chat.test.support import Connection
from twisted_chat.test.test_connections import RegisterTestCase


class PeopleTestCase(RegisterTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.people = PeopleAdmin(self.server.hub, self.register)
        assert self.server.hub.accounts is not None
        self.admin = AccountAdmin(self.server.hub, self.server.hub.accounts, None)

    def done(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(doing))

    def ask(self, **request: str) -> Any:
        """Return the response of the control socket, as its client reads it."""
        return json.loads(json.dumps(self.done(handle_request(self.admin, request, self.people))))

    def person(self, name: str, address: str = "192.0.2.1", password: str = "") -> Connection:
        person = self.connect(address)
        self.assertEqual(person.ask(f"register,{name}" + (f",{password}" if password else "")), ["ack"])
        return person

    def irc_person(self, name: str, address: str = "192.0.2.1") -> Connection:
        person = self.connect(address)
        person.say(f"NICK {name}\r\nUSER u 0 * :r\r\n".encode())
        self.assertIn(b" 001 ", person.read())
        return person


class ListTests(PeopleTestCase):
    def test_each_connection_is_listed_with_its_door_address_name_and_times(self) -> None:
        self.person("jane", "192.0.2.1", "jane"), self.irc_person("kim", "2001:db8::1"), self.connect("192.0.2.3")
        self.server.clock.advance(60)
        rows = [tuple(row.values())[1:] for row in self.ask(do="people")["people"]]
        self.assertEqual(
            sorted(rows),
            [
                ("irc", "2001:db8::1", "kim", "guest", 60, 0),
                ("line", "192.0.2.1", "jane", "account", 60, 0),
                ("new", "192.0.2.3", "", "no name", 60, 0),
            ],
        )
        self.server.clock.pump([60] * 3)
        self.assertEqual({row["idle"] for row in self.ask(do="people")["people"] if row["door"] == "line"}, {180})

    def test_the_list_comes_in_pages(self) -> None:
        names = [self.person(f"p{number}") and f"p{number}" for number in range(5)]
        with patch.object(people, "PEOPLE_PER_PAGE", 2), patch.object(control, "PEOPLE_PER_PAGE", 2):
            after, seen, more = "0", [], True
            while more:
                page = self.ask(do="people", after=after)
                seen += [row["name"] for row in page["people"]]
                after, more = str(page["people"][-1]["connection"]), page["more"]
        self.assertEqual(seen, names)

    def test_limits_are_listed(self) -> None:
        self.server.hub.limits.add(self.register.rows)
        self.assertIn("connections", [row["subject"] for row in self.ask(do="limits")["limits"]])

    def test_without_a_server_there_is_nobody(self) -> None:
        self.people.register = None
        for kind in ("people", "limits", "kick"):
            self.assertIn("no server uses this file now", self.ask(do=kind, target="jane")["error"])

    def test_what_is_no_number_is_refused(self) -> None:
        for request in ({"do": "people", "after": "x"}, {"do": "ban", "target": "jane", "seconds": "9" * 5000}):
            self.assertIn("error", self.ask(**request))


class KickTests(PeopleTestCase):
    def test_a_name_an_address_a_network_and_a_number(self) -> None:
        for target in ("JANE", "192.0.2.1", "192.0.0.0/16", None):
            jane, zak = self.person("jane"), self.person("zak", "198.51.100.1")
            if target is None:
                [number] = [row["connection"] for row in self.ask(do="people")["people"] if row["name"] == "jane"]
                target = f"@{number}"
            done = self.ask(do="kick", target=target, reason="too\nloud")["done"]
            self.assertEqual(done, f"{target}: 1 connection ended")
            self.assertEqual(jane.lines(), ["*** the operator has ended this connection: too loud"])
            self.assertTrue(jane.closed)
            self.assertFalse(zak.closed)
            self.assertEqual(self.server.names(), ["zak"])
            zak.drop()
            self.person("jane").drop()

    def test_at_every_door(self) -> None:
        irc, new, web = self.irc_person("kim"), self.connect(), self.connect()
        web.say(b"GET / HTTP/1.1\r\n")
        self.assertEqual(self.ask(do="kick", target="192.0.2.1")["done"], "192.0.2.1: 3 connections ended")
        self.assertIn(b"ERROR :the operator has ended this connection\r\n", irc.read())
        self.assertTrue(irc.closed and new.closed and web.closed)

    def test_what_is_not_there_is_an_error(self) -> None:
        self.person("jane")
        for target in ("kim", "203.0.113.1", "@999"):
            self.assertIn(f"no connection of {target}", self.ask(do="kick", target=target)["error"])
        self.assertIn("error", self.ask(do="kick", target="not a name"))


class BanTests(PeopleTestCase):
    def test_an_account_is_ended_and_kept_out_with_its_ticket(self) -> None:
        jane = self.person("jane", "192.0.2.1", "jane")
        [answer] = jane.ask("@1 resume")
        ticket = answer.split(",")[1]
        sentence = "jane is banned: spam; 1 connection ended"
        self.assertEqual(self.ask(do="ban", target="jane", reason="spam")["done"], sentence)
        self.assertTrue(jane.closed)
        for request in ("register,jane,jane", f"resume,jane,{ticket}", "register,jane"):
            [answer] = self.connect("203.0.113.1").ask(request)
            self.assertEqual(answer, "error,not-allowed,the operator does not admit you here: spam")
        self.assertEqual(self.ask(do="unban", target="JANE")["done"], "JANE is not banned any more")
        self.assertIn("gone", self.connect().ask(f"resume,jane,{ticket}")[0])
        self.person("jane", password="jane")

    def test_a_guests_name_is_kept_out_also_by_rename(self) -> None:
        kim = self.irc_person("kim")
        self.assertIn("it is no account: ban the address, too", self.ask(do="ban", target="kim")["done"])
        self.assertTrue(kim.closed)
        zak = self.person("zak")
        self.assertIn("error,not-allowed", zak.ask("rename,Kim")[0])
        self.assertIn("error,not-allowed", self.connect().ask("register,KIM")[0])

    def test_a_network_is_ended_at_every_door_and_kept_out(self) -> None:
        inside = [self.person("jane"), self.irc_person("kim"), self.connect()]
        outside = self.person("zak", "198.51.100.1")
        self.assertEqual(
            self.ask(do="ban", target="192.0.2.9/24", seconds="60")["done"],
            "192.0.2.0/24 is banned; 3 connections ended",
        )
        self.assertTrue(all(one.closed for one in inside))
        self.assertFalse(outside.closed)
        self.assertIn("error,not-allowed", self.connect("192.0.2.200").ask("register,late")[0])
        self.server.clock.advance(60)
        self.person("late", "192.0.2.200")

    def test_a_sign_in_that_is_under_way_comes_too_late(self) -> None:
        self.person("jane", password="jane").drop()
        checked: Deferred[Verified] = Deferred()
        with patch.object(self.server.hub, "_authenticator") as authenticator:
            authenticator.verify.return_value = checked
            jane = self.connect()
            jane.say(b"register,jane,jane\n")
            self.done(self.people.ban("jane"))
            checked.callback(Verified(user_name("jane")))
        self.assertIn("error,not-allowed", jane.lines()[0])
        self.assertEqual(self.server.names(), [])

    def test_bans_are_stored_and_listed(self) -> None:
        self.ask(do="ban", target="jane", seconds="3600", reason="a")
        self.server.clock.advance(1)
        self.ask(do="ban", target="2001:db8::/48", reason="b")
        bans = self.ask(do="bans")["bans"]
        self.assertEqual(
            [(ban["kind"], ban["target"]) for ban in bans], [("name", "jane"), ("address", "2001:db8::/48")]
        )
        assert self.server.hub.accounts is not None
        self.assertEqual([ban._asdict() for ban in self.server.hub.accounts.bans()], bans)
        restarted = self.server.restarted().hub.bans
        self.assertIsNotNone(restarted.of_address("2001:db8::1"))
        self.assertEqual(self.ask(do="unban", target="zak")["done"], "zak was not banned")

    def test_there_is_a_bound(self) -> None:
        with patch.object(people, "MAX_BANS", 1):
            self.ask(do="ban", target="jane")
            self.assertIn("there are 1 bans, which is the limit", self.ask(do="ban", target="kim")["error"])

    def test_a_name_that_no_one_can_have_is_refused(self) -> None:
        problem = self.failureResultOf(Deferred.fromCoroutine(self.people.ban("a b")), ChatError).value
        self.assertEqual(problem.reason, Reason.NAME_CHARACTERS)
