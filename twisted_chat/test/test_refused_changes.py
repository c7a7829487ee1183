"""Joins, leaves and topics that the log cannot keep: nobody is told, or shown, anything that depends on them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.messages import JOINED, LEFT
from twisted_chat.test.support import Connection, DelayedLog, Server
from twisted_chat.test.support_delayed import DelayedFixture


class RefusedChangeTests(DelayedFixture, SynchronousTestCase):
    """Account zak is connected twice, and account jane is in #tea."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.jane = self.server.account("jane", "#tea")
        self.zak, self.other = self.server.account("zak"), self.server.account("zak")
        self.keep()
        self.drain(self.jane, self.zak, self.other)

    def answers(self, client: Connection) -> list[str]:
        """Return the beginnings of the labelled lines that a client got."""
        return [",".join(line.split(",")[:2]) for line in client.lines() if line.startswith("@")]

    def joined(self) -> None:
        """Have zak be a member of #tea."""
        self.zak.say(b"join,#tea\n")
        self.keep()
        self.drain(self.jane, self.zak, self.other)

    def assert_members(self, *names: str) -> None:
        self.assertEqual(self.server.hub.rooms.find("#tea").names(), list(names))
        self.assertEqual([membership.identity for membership in self.log.restore().memberships], [1, 2][: len(names)])

    def test_a_second_join_waits_for_the_first_and_is_carried_out_when_that_is_refused(self) -> None:
        self.zak.say(b"@1 join,#tea\n")
        self.server.turn()
        self.other.say(b"@2 join,#tea\n")
        self.server.turn()
        self.assertEqual(self.answers(self.other), [])
        self.refuse()
        self.assertEqual((self.answers(self.zak), self.answers(self.other)), (["@1 error,unavailable"], []))
        self.keep()
        self.assertEqual(self.answers(self.other), ["@2 ok,2"])
        self.assert_members("jane", "zak")

    def test_a_second_join_of_the_same_connection(self) -> None:
        self.zak.say(b"@1 join,#tea\n@2 join,#tea\n")
        self.refuse()
        self.refuse()
        self.assertEqual(self.answers(self.zak), ["@1 error,unavailable", "@2 error,unavailable"])
        self.assert_members("jane")

    def test_a_second_join_says_ok_when_the_first_is_stored(self) -> None:
        self.zak.say(b"@1 join,#tea\n")
        self.server.turn()
        self.other.say(b"@2 join,#tea\n")
        self.keep()
        self.assertEqual((self.answers(self.zak), self.answers(self.other)), (["@1 ok,2"], ["@2 ok,2"]))

    def test_a_second_leave_waits_for_the_first(self) -> None:
        self.joined()
        self.zak.say(b"@1 leave,#tea\n")
        self.server.turn()
        self.other.say(b"@2 leave,#tea\n")
        self.refuse()
        self.assertEqual((self.answers(self.zak), self.answers(self.other)), (["@1 error,unavailable"], []))
        self.refuse()
        self.assertEqual(self.answers(self.other), ["@2 error,unavailable"])
        self.assert_members("jane", "zak")

    def speak_while_leaving(self) -> None:
        """Have one connection of zak leave the room, and the other speak there before the leave is stored."""
        self.joined()
        self.zak.say(b"leave,#tea\n")
        self.server.turn()
        self.other.say(b"@2 chat,#tea,hello\n@3 topic,#tea,Assam\n")

    def test_what_is_said_during_a_leave_that_is_refused_is_said_by_a_member(self) -> None:
        self.speak_while_leaving()
        self.refuse()
        self.keep()
        self.assertEqual(self.answers(self.other), ["@2 ok,3", "@3 ok,4"])

    def test_what_is_said_during_a_leave_that_is_stored_is_refused(self) -> None:
        self.speak_while_leaving()
        self.keep()
        self.assertEqual(self.answers(self.other), ["@2 error,not-a-member", "@3 error,not-a-member"])

    def test_a_topic_is_not_told_before_it_is_stored(self) -> None:
        self.joined()
        self.jane.say(b"topic,#tea,Assam\n")
        self.server.turn()
        self.zak.say(b"@2 topic,#tea\n")
        self.server.turn()
        self.assertEqual(self.zak.lines(), [])
        self.refuse()
        self.assertEqual(self.zak.lines(), ["@2 ok,"])

    def test_one_whose_join_is_refused_gets_nothing_that_was_said_meanwhile(self) -> None:
        self.zak.say(b"join,#tea\n")
        self.server.turn()
        self.jane.say(b"chat,#tea,for members\n")
        self.refuse(entries=1)
        self.keep()
        self.assertNotIn("for members", "".join(self.zak.lines() + self.other.lines()))
        self.joined()
        self.jane.say(b"chat,#tea,welcome\n")
        self.keep()
        self.assertIn("welcome", "".join(self.zak.lines()))

    def test_the_leave_of_a_guest_that_is_gone_is_stored_before_the_next_join(self) -> None:
        lok = self.server.connect()
        lok.say(b"register,lok\njoin,#den\n")
        self.keep()
        lok.drop()
        self.refuse()
        self.zak.say(b"join,#den\n")
        self.keep()
        moves = [(r.kind, r.sender) for r in self.log._ring.oldest(0) if r.to == "#den"]
        self.assertEqual(moves, [(JOINED, "lok"), (LEFT, "lok"), (JOINED, "zak")])

    def test_the_leave_of_a_guest_that_is_gone_is_stored_when_the_log_can_write_again(self) -> None:
        lok = self.server.connect()
        lok.say(b"register,lok\njoin,#tea\n")
        self.keep()
        lok.drop()
        self.refuse()
        self.jane.say(b"chat,#tea,one\n")
        self.refuse()
        self.jane.say(b"chat,#tea,two\n")
        self.keep()
        self.jane.say(b"chat,#tea,three\n")
        self.keep()
        moves = [(r.kind, r.sender) for r in self.log._ring.oldest(0) if r.kind == LEFT]
        self.assertEqual(moves, [(LEFT, "lok")])


class RefusedChangeIrcTests(DelayedFixture, SynchronousTestCase):
    """The same at the IRC door."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.jane = self.server.irc("jane", "#tea", capabilities="labeled-response")
        self.log.keep()
        self.zak = self.server.account("zak")
        self.other = self.server.irc("zak", password="zak", capabilities="labeled-response echo-message")
        self.drain(self.jane, self.zak, self.other)

    def test_a_second_join_is_carried_out_when_the_first_is_refused(self) -> None:
        self.zak.say(b"join,#tea\n")
        self.server.turn()
        self.other.say(b"@label=x JOIN #tea\r\n")
        self.refuse()
        self.assertEqual(self.other.lines(), [])
        self.keep()
        self.assertIn("JOIN", self.other.lines()[0])
        self.assertEqual(self.server.hub.rooms.find("#tea").names(), ["jane", "zak"])

    def test_a_part_and_a_message_during_a_leave_that_is_refused(self) -> None:
        self.zak.say(b"join,#tea\n")
        self.keep()
        self.zak.say(b"leave,#tea\n")
        self.server.turn()
        self.other.read()
        self.other.say(b"PRIVMSG #tea :hello\r\nNOTICE #tea :well\r\nTOPIC #tea :Assam\r\nPART #tea\r\n")
        self.refuse()
        self.keep()
        lines = self.other.lines()
        self.assertEqual([line for line in lines if " 442 " in line or " 403 " in line], [])
        self.assertEqual([line.split()[1] for line in lines], ["PRIVMSG", "NOTICE", "TOPIC", "PART"])

    def test_a_part_after_a_leave_that_is_stored(self) -> None:
        self.zak.say(b"join,#tea\n")
        self.keep()
        self.zak.say(b"leave,#tea\n")
        self.server.turn()
        self.other.read()
        self.other.say(b"PART #tea\r\n")
        self.keep()
        self.assertTrue(any(" 442 " in line for line in self.other.lines()))
