"""Being away at all doors: it belongs to the connection that says so, and a person is away with all connections."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.irc.messaging import AWAY_BUT_HERE, NOW_AWAY
from twisted_chat.test.support import Connection, Server


class AwayTests(SynchronousTestCase):
    """Kim has an account, with an IRC client and an events client; jane writes from IRC, zak from the line door."""

    def setUp(self) -> None:
        self.server = Server()
        self.irc = self.server.irc("kim", "#tea", password="kim")
        self.desk = self.server.account("kim", client="desk")
        self.jane, self.zak = self.server.irc("jane", "#tea"), self.server.plain("zak")
        self.irc.read()
        self.desk.read()

    def absence(self) -> tuple[bool, str]:
        """Return if IRC shows kim as gone, and what zak is told when he writes to her."""
        told = [line for line in self.zak.ask("chat,kim,hello") if line.startswith("***")]
        [whois] = [line for line in self.jane.ask("WHO kim") if " 352 " in line]
        away = [line.rpartition(":")[2] for line in self.jane.ask("WHOIS kim") if " 301 " in line]
        gone = " G " in whois
        self.assertEqual(gone, bool(away))
        return gone, "".join(told) or "".join(away)

    def test_one_of_two_connections(self) -> None:
        [said] = self.irc.ask("AWAY :at lunch")
        self.assertTrue(said.endswith(f" :{AWAY_BUT_HERE}"))
        self.assertEqual(self.absence(), (False, ""))

    def test_all_connections_at_different_doors(self) -> None:
        self.irc.ask("AWAY :at lunch")
        self.assertEqual(self.desk.ask("away,asleep"), ["ok"])
        self.assertEqual(self.absence(), (True, '*** kim is away: "asleep"'))
        self.assertTrue(self.irc.ask("AWAY :at tea")[-1].endswith(f" :{NOW_AWAY}"))
        self.assertEqual(self.absence(), (True, '*** kim is away: "at tea"'))
        self.desk.ask("away")
        self.assertEqual(self.absence(), (False, ""))

    def test_a_new_connection_and_one_that_goes(self) -> None:
        self.irc.ask("AWAY :at lunch")
        self.desk.drop()
        self.assertEqual(self.absence(), (True, '*** kim is away: "at lunch"'))
        phone = self.server.account("kim", client="phone")
        self.assertEqual(self.absence(), (False, ""))
        self.irc.drop()
        self.assertEqual(self.absence(), (False, ""))
        phone.drop()
        again: Connection = self.server.irc("kim", password="kim")
        self.assertEqual(self.absence(), (False, ""), "a connection that is gone leaves nothing")
        again.ask("AWAY :x")
        self.assertEqual(self.absence()[0], True)

    def test_guests_have_one_connection(self) -> None:
        self.zak.ask("away,gone for tea")
        self.assertEqual(self.jane.ask("PRIVMSG zak :hi"), [":chat.local 301 jane zak :gone for tea"])
        self.zak.ask("away")
        self.assertEqual(self.jane.ask("PRIVMSG zak :hi"), [])
