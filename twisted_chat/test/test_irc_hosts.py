"""The hosts of guests at the IRC door: cloaks, by which masks and ignores tell guests of one network from others."""

from __future__ import annotations

import os

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.changes import MAX_REASON_CHARACTERS
from twisted_chat.doors.irc.hosts import CLOAK_BYTES, Hosts, hosts_of, use_hosts
from twisted_chat.test.support import Connection, MemoryTransport, Server
from twisted_chat.test.support_sqlite import sqlite_log
from twisted_chat.wire.irc.message import parse


class CloakTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server(cloaks=True)
        self.reader = self.guest("reader", "198.51.100.9")

    def guest(self, name: str, address: str, server: Server | None = None) -> Connection:
        """Return a guest in #tea who comes from an address."""

        class Transport(MemoryTransport):
            def getPeer(self) -> IPv4Address | IPv6Address:
                return (IPv6Address if ":" in address else IPv4Address)("TCP", address, 1)

        server = server or self.server
        guest = Connection(server, server.irc_factory, Transport)
        guest.say(f"NICK {name}\r\nUSER {name} 0 * :x\r\nJOIN #tea\r\n".encode())
        guest.read()
        return guest

    def host(self, name: str, address: str) -> str:
        """Return the host that another guest sees when a guest from an address speaks."""
        guest = self.guest(name, address)
        guest.ask("PRIVMSG #tea :hi")
        [line] = [line for line in self.reader.lines() if f":{name}!" in line and line.endswith(" :hi")]
        guest.ask("QUIT")
        return line.partition("@")[2].partition(" ")[0]

    def test_guests_of_one_network_have_one_host_and_others_have_others(self) -> None:
        first = self.host("a", "192.0.2.1")
        self.assertRegex(first, "^guest-[a-z2-7]{13}$")
        self.assertEqual(len(first), len("guest-") + (CLOAK_BYTES * 8 + 4) // 5)
        self.assertEqual(self.host("b", "192.0.2.1"), first)
        self.assertEqual(self.host("c", "::ffff:192.0.2.1"), first)
        link = self.host("e", "2001:db8:0:1::1")
        self.assertEqual(self.host("f", "2001:db8:0:1:9::2"), link)
        self.assertEqual(len({first, link, self.host("d", "192.0.2.2"), self.host("g", "2001:db8:0:2::1")}), 4)

    def test_the_address_is_nowhere(self) -> None:
        guest = self.guest("jane", "192.0.2.1")
        for line in ("WHOIS jane", "WHO jane", "WHO jane %nihu", "USERHOST jane", "PRIVMSG reader :hi", "NICK joan"):
            guest.ask(line)
            self.reader.ask(line)
        self.assertNotIn("192.0.2", "".join(self.reader.lines()))

    def test_all_answers_name_the_same_host(self) -> None:
        guest = self.guest("jane", "192.0.2.1")
        [join] = [line for line in self.reader.lines() if " JOIN " in line]
        host = join.partition("@")[2].split()[0]
        self.assertIn(f" jane u {host} ", self.reader.ask("WHOIS jane")[0])
        self.assertIn(f" u {host} ", self.reader.ask("WHO jane")[0])
        self.assertIn(f"u@{host}", self.reader.ask("USERHOST jane")[0])
        guest.ask("NICK joan")
        self.assertEqual(self.reader.lines(), [f":jane!u@{host} NICK joan"])

    def test_a_join_shows_the_real_name_where_it_is_wanted(self) -> None:
        zak = self.server.irc("zak", "#tea", capabilities="extended-join")
        jane = self.server.irc_stranger()
        jane.say("NICK jane\r\nUSER j 0 * :Jané of the \x02Meadow\x02 \r\nJOIN #tea\r\n".encode())
        self.assertRegex(zak.lines()[-1], "^:jane!u@guest-[a-z2-7]{13} JOIN #tea [*] :Jané of the Meadow$")
        kim = self.server.irc_stranger()
        lines = kim.ask("CAP REQ extended-join\r\nPASS secret\r\nNICK kim\r\nUSER k 0 * :Kim K\r\nCAP END\r\nJOIN #tea")
        self.assertIn(":kim!u@account/kim JOIN #tea kim :Kim K", lines)
        lines = self.server.irc_stranger().ask(
            "CAP REQ extended-join\r\nPASS secret\r\nNICK kim\r\nUSER k 0 * :Kim K\r\nCAP END"
        )
        self.assertIn(":kim!u@account/kim JOIN #tea kim :Kim K", lines, "also for a room that it is in already")

    def test_what_a_guest_said_who_is_gone_has_the_same_host(self) -> None:
        host = self.host("jane", "192.0.2.1")
        [line] = [line for line in self.reader.ask("CHATHISTORY LATEST #tea * 5") if line.endswith(" :hi")]
        self.assertEqual(line, f":jane!u@{host} PRIVMSG #tea :hi")

    def test_a_long_text_has_the_same_parts_when_the_cloak_is_forgotten(self) -> None:
        jane = self.guest("jane", "192.0.2.1")
        kim = self.server.irc("kim", capabilities="message-tags", password="secret")
        jane.ask("PRIVMSG kim :" + "long text " * 48)
        live = [parse(line.encode()) for line in kim.lines()]
        self.assertEqual(len(live), 2)
        jane.ask("QUIT")
        use_hosts(self.server.hub, Hosts(self.server.hub.registry, self.server.hub.log))  # as after a restart
        kim = self.server.irc("kim", capabilities="message-tags draft/chathistory", password="secret")
        past = [parse(line.encode()) for line in kim.ask("CHATHISTORY LATEST jane * 5")]
        self.assertEqual([line.source for line in past], ["jane!u@guest"] * 2)
        self.assertEqual([(line.tags, line.params) for line in past], [(line.tags, line.params) for line in live])

    def test_accounts_have_their_own(self) -> None:
        kim = self.server.irc("kim", "#tea", password="secret")
        kim.ask("PRIVMSG #tea :hi")
        self.assertEqual(self.reader.lines()[-1], ":kim!u@account/kim PRIVMSG #tea :hi")

    def test_a_cloak_stays_over_restarts_and_is_another_for_another_store(self) -> None:
        def host(path: str) -> str:
            log = sqlite_log(path, self.server.clock, self.server.clock.seconds)
            server = Server(log, clock=self.server.clock, cloaks=True)
            self.guest("jane", "192.0.2.1", server)
            [user] = server.hub.registry.online()
            found = hosts_of(server.hub).of(user.identity)
            self.successResultOf(server.hub.close())
            return found

        folder = self.mktemp()
        os.makedirs(folder)
        first = host(f"{folder}/a")
        self.assertEqual(host(f"{folder}/a"), first)
        self.assertNotEqual(host(f"{folder}/b"), first)


class LeavingTests(SynchronousTestCase):
    """A guest who parts gives a reason, and one who disconnects quits."""

    def setUp(self) -> None:
        self.server = Server(cloaks=True)
        self.jane = self.server.irc("jane", "#tea", "#ops")
        self.zak = self.server.irc("zak", "#tea", "#ops", capabilities="message-tags")
        self.program = self.server.program("bot", "#tea")
        self.zak.read(), self.jane.read()

    def seen(self) -> list[str]:
        """Return what zak sees, without sources."""
        return [line.split(" ", 2)[2] for line in self.zak.lines()]

    def test_the_reason_of_a_part_is_shown_and_kept(self) -> None:
        self.program.read()
        own = self.jane.ask("PART #tea :time \x02for\x02 bed")
        self.assertTrue(own[0].endswith(" PART #tea :time for bed"), own)
        self.assertEqual(self.seen(), ["PART #tea :time for bed"])
        self.assertTrue(self.program.lines()[0].endswith(",#tea,jane,time for bed"))
        self.zak.ask("CAP REQ :draft/chathistory draft/event-playback batch")
        self.assertTrue(self.zak.ask("CHATHISTORY LATEST #tea * 1")[1].endswith(" PART #tea :time for bed"))

    def test_a_guest_who_quits_is_seen_to_quit_once(self) -> None:
        self.jane.ask("QUIT :good night")
        self.assertEqual(self.seen(), ["QUIT :Quit: good night"])
        self.server.plain("person", "#tea").ask("quit")
        self.assertEqual(self.seen(), ["JOIN #tea", "QUIT :Left"])

    def test_a_lost_connection_and_a_bad_reason_quit_without_one(self) -> None:
        self.jane.drop()
        self.assertEqual(self.seen(), ["QUIT :Left"])
        other = self.server.irc("other", "#tea")
        other.say(b"QUIT :\x1b[2J\r\n")
        self.server.turn()
        self.assertTrue(other.closed)
        self.assertEqual(self.seen()[-1], "QUIT :Left")

    def test_a_part_is_no_quit_whatever_its_reason(self) -> None:
        self.jane.ask("PART #ops :Quit: nothing")
        self.assertEqual(self.seen(), ["PART #ops :Quit: nothing"])

    def test_a_long_reason_is_cut(self) -> None:
        self.jane.ask("PART #tea :" + "é" * 240)
        self.assertEqual(self.seen(), ["PART #tea " + "é" * MAX_REASON_CHARACTERS])
