"""Lists, NAMES and presence show what the log has: a join that it may still refuse is seen by nobody else."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import DelayedLog, Server
from twisted_chat.test.support_delayed import DelayedFixture


class DurableListTests(DelayedFixture, SynchronousTestCase):
    """Account jane is in #tea; zak, an account, and guest lok ask to join, and the log is slow."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.jane, self.zak = self.server.account("jane", "#tea"), self.server.account("zak")
        self.irc = self.server.irc("kim")
        self.lok = self.server.connect()
        self.lok.say(b"register,lok\n")
        self.keep()
        self.drain(self.jane, self.zak, self.irc, self.lok)

    def all_seen(self) -> str:
        """Return everything that others can see of rooms and their members."""
        asked = [f"list,{what}" for what in ("rooms", "#tea", "#new", "friends")]
        irc = ("NAMES #tea,#new", "LIST", "LIST #new", "WHO #tea", "WHO #new", "WHOIS zak", "LUSERS", "MODE #new")
        lines = [line for request in asked for line in self.jane.ask(request)]
        self.server.clock.advance(1)
        return "\n".join(lines + [line for request in irc for line in self.irc.ask(request)] + self.jane.lines())

    def test_a_join_is_seen_when_it_is_stored(self) -> None:
        before = self.all_seen()
        self.zak.say(b"join,#tea\njoin,#new\n")
        self.lok.say(b"join,#new\n")
        self.server.turn()
        self.assertEqual(self.all_seen(), before)
        self.keep()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane,zak")
        self.assertEqual(self.jane.ask("list,rooms"), ["ok,#new,#tea"])
        self.assertEqual(self.jane.ask("list,#new"), ["ok,lok,zak"])

    def test_a_join_that_is_refused_was_seen_by_nobody(self) -> None:
        before = self.all_seen()
        self.zak.say(b"join,#tea\njoin,#new\n")
        self.lok.say(b"join,#tea\njoin,#new\n")
        self.refuse()
        self.assertEqual(self.all_seen(), before)
        self.zak.drop()
        self.lok.drop()
        self.keep()
        self.server.clock.advance(1)
        self.assertEqual([line for line in self.jane.lines() if "zak" in line or "lok" in line], [])

    def test_the_presence_of_one_whose_join_is_not_stored_is_not_told(self) -> None:
        self.zak.say(b"join,#tea\n")
        self.lok.say(b"join,#tea\nrename,loki\n")
        self.server.turn()
        self.zak.drop()
        self.server.clock.advance(1)
        self.assertEqual(self.jane.lines(), [])
        self.keep()
        self.server.clock.advance(1)
        told = [line.replace(",2,", ",").replace(",3,", ",").split(",") for line in self.jane.lines()]
        self.assertEqual(
            [line[:1] + line[-1:] if line[0] != "renamed" else line for line in told],
            [["joined", "zak"], ["joined", "lok"], ["offline", "zak"], ["renamed", "lok", "loki"]]
            if told[2][0] == "offline"
            else [["joined", "zak"], ["joined", "lok"], ["renamed", "lok", "loki"], ["offline", "zak"]],
        )

    def test_a_leave_is_seen_when_it_is_stored(self) -> None:
        self.zak.say(b"join,#tea\n")
        self.keep()
        self.zak.say(b"leave,#tea\n")
        self.server.turn()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane,zak")
        self.refuse()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane,zak")
        self.zak.say(b"leave,#tea\n")
        self.keep()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane")

    def test_ones_own_join_is_in_the_lists_that_are_asked_for_behind_it(self) -> None:
        self.zak.say(b"@1 join,#new\n@2 list,#new\n@3 list,rooms\n@4 list,mine\n@5 topic,#new\n@6 history,#new\n")
        self.irc.say(b"JOIN #new\r\nNAMES #new\r\n")
        self.server.turn()
        self.assertEqual(self.zak.lines() + self.irc.lines(), [])
        self.keep()
        answers = [line for line in self.zak.lines() if line[:2] in ("@2", "@3", "@4", "@5")]
        self.assertEqual(answers, ["@2 ok,kim,zak", "@3 ok,#new,#tea", "@4 ok,#new", "@5 ok,"])
        self.assertIn(":chat.local 353 kim = #new :kim zak", self.irc.lines())

    def test_one_whose_join_may_be_refused_reads_nothing_of_the_room(self) -> None:
        self.jane.say(b"topic,#tea,our secret\nchat,#tea,the secret word\n")
        self.keep()
        self.zak.say(b"join,#tea\ntopic,#tea\nhistory,#tea\nsearch,#tea,secret\n")
        self.server.turn()
        self.assertEqual(self.zak.lines(), [])
        self.refuse()
        self.assertNotIn("secret", "\n".join(self.zak.lines()))

    def test_the_name_of_a_guest_that_is_gone_is_free_at_once(self) -> None:
        self.lok.say(b"join,#tea\n")
        self.keep()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane,lok")
        self.lok.drop()
        other = self.server.connect()
        other.say(b"register,lok\njoin,#tea\n")
        self.server.turn()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane")
        self.keep()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane,lok")

    def test_a_member_that_leaves_and_has_another_name_is_listed_once(self) -> None:
        self.lok.say(b"join,#tea\n")
        self.keep()
        self.jane.ask("list,#tea")
        self.lok.say(b"leave,#tea\nrename,loki\n")
        self.server.turn()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane,loki")
        self.refuse()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane,loki")
        self.lok.say(b"leave,#tea\n")
        self.keep()
        self.assertEqual(self.jane.ask("list,#tea")[-1], "ok,jane")
