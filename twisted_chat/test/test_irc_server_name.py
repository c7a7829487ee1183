"""The server's own name: the source of all its lines, which fit in a line of IRC whatever the names are."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.doors.irc.hosts import DEFAULT_SERVER_NAME, MAX_SERVER_NAME_CHARACTERS
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, parse

NAME = "irc.example.org"
REQUESTS = (
    "JOIN #tea", "NAMES #tea", "NAMES #no", "LIST", "WHO #tea", "WHO #tea %tcuihsnfdlaor,7", "WHO jane", "WHOIS jane",
    "WHOIS no", "WHOWAS jane", "ISON jane", "USERHOST jane", "MODE #tea", "MODE #tea +b", "MODE jane", "TOPIC #tea",
    "TOPIC #tea :hot", "TOPIC #tea", "MOTD", "LUSERS", "VERSION", "TIME", "AWAY :out", "PRIVMSG jane :me", "AWAY",
    "CHATHISTORY LATEST #tea * 5", "CHATHISTORY LATEST #no * 5", "CHATHISTORY FOO", "KICK #tea x", "OPER a b", "NS x",
    "CHATHISTORY TARGETS timestamp=1969-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 9", "PING x", "FOO",
    "PRIVMSG NickServ :x", "PRIVMSG a,b,c,d,e :x", "PRIVMSG #tea :\x01ACTION \x01", "CAP LS", "CAP LIST", "CAP FOO",
    "PASS x", "USER a b c d", "AUTHENTICATE x", "@label=7 PING x", "@label=8 TAGMSG #tea", "@label=9 PRIVMSG #tea :x",
    "@label=10 NAMES #tea,#no", "PART #tea",
)  # fmt: skip


class ServerNameTests(SynchronousTestCase):
    def connect(self, name: str, nick: str = "jane", capabilities: str = "") -> Connection:
        self.server = Server(cloaks=True)
        self.server.irc_factory.server_name = name
        return self.server.irc(nick, capabilities=capabilities)

    def test_all_lines_of_the_server_have_it(self) -> None:
        self.assertEqual(
            {request.split()[1 if request[0] == "@" else 0] for request in REQUESTS} - COMMANDS.keys(), {"FOO"}
        )
        for capabilities in ("", " ".join(CAPABILITIES)):
            jane = self.connect(NAME, capabilities=capabilities)
            lines = [line for request in REQUESTS for line in jane.ask(request)]
            for _ in range(2):
                self.server.irc_factory.idle_check()
            lines += jane.lines()
            self.assertIn(f"PING {NAME}", lines)
            sources = {parse(line.encode()).source for line in lines}
            self.assertEqual({source for source in sources if "!" not in source}, {NAME, ""})
            self.assertNotIn(DEFAULT_SERVER_NAME, "".join(lines))

    def test_the_welcome_has_it(self) -> None:
        self.connect(NAME)
        client = self.server.irc_stranger()
        lines = client.ask("NICK zak") + client.ask("USER z 0 * :Z")
        self.assertEqual({parse(line.encode()).source for line in lines}, {NAME})
        self.assertEqual(lines[3].split()[3], NAME)

    def test_no_line_is_too_long_with_the_longest_names(self) -> None:
        name = f"{'x' * (MAX_SERVER_NAME_CHARACTERS - 4)}.org"
        self.server = Server(cloaks=True)
        self.server.irc_factory.server_name = name
        self.server.irc_factory.network = "n" * 64
        self.server.irc_factory.motd = ["m" * 400, "", "\u8336" * 133]
        nick = "\u8336" * 32
        client = self.server.irc_stranger()
        lines = client.ask(f"NICK {nick}") + client.ask(f"USER {'u' * 90} 0 * :{chr(0x8336) * 100}")
        self.assertEqual(lines[-1].split()[1], "376")
        room = "#" + "\u6e6f" * 32
        self.server.irc("zak", room)
        for request in REQUESTS:
            lines += client.ask(request.replace("#tea", room).replace("jane", nick))
        for number in range(40):
            self.server.irc(f"{chr(0x9000 + number) * 31}x", room)
        lines += client.ask(f"NAMES {room}") + client.ask(f"WHO {room}")
        self.assertEqual([line for line in lines if len(line.partition(" :")[0].encode()) > MAX_BODY_BYTES], [])
        self.assertEqual([line for line in lines if len(line.encode()) > MAX_BODY_BYTES], [])

    def test_a_name_that_is_none_is_refused(self) -> None:
        factory = Server(cloaks=True).irc_factory
        for name in ("", "chat", "a b.c", "x" * 60 + ".org"):
            self.assertRaises(ValueError, setattr, factory, "server_name", name)
        self.assertEqual(factory.server_name, DEFAULT_SERVER_NAME)

    def test_a_network_of_two_words_is_one_token(self) -> None:
        self.connect(NAME)
        self.server.irc_factory.network = "Tea Net"
        client = self.server.irc_stranger()
        lines = client.ask("NICK zak") + client.ask("USER z 0 * :Z")
        self.assertIn(r" NETWORK=Tea\x20Net CASEMAPPING=", lines[4])
