"""The IRC door for accounts: rooms that outlive a connection, unread messages, several clients at once."""

from __future__ import annotations

from twisted_chat.core.archive import UNREAD_SHOWN
from twisted_chat.core.errors import Notice
from twisted_chat.test.support import Connection
from twisted_chat.test.support_times import at
from twisted_chat.test.test_irc_door import IrcTestCase

JOINED = [
    ":kim!u@account JOIN #tea",
    ":chat.local 353 kim = #tea :kim",
    ":chat.local 366 kim #tea :End of /NAMES list",
]


class SignInAgainTests(IrcTestCase):
    """Kim has an account and was in #tea and #ops; jane is in #tea."""

    def setUp(self) -> None:
        super().setUp()
        kim = self.server.irc("kim", "#tea", "#ops", password="secret")
        self.jane = self.server.irc("jane", "#tea")
        self.jane.ask("TOPIC #tea :Assam")
        kim.ask("QUIT")
        self.jane.read()

    def sign_in_again(self, capabilities: str = "") -> list[str]:
        """Return the lines that kim gets behind the message of the day."""
        kim = self.server.irc_stranger()
        begin = f"CAP REQ :{capabilities}\r\n" if capabilities else ""
        end = "CAP END\r\n" if capabilities else ""
        kim.say(f"{begin}PASS secret\r\nNICK kim\r\nUSER k 0 * :K\r\n{end}".encode())
        lines = kim.lines()
        [start] = [index for index, line in enumerate(lines) if " 422 " in line]
        return lines[start + 1 :]

    def test_the_account_is_back_in_its_rooms(self) -> None:
        self.assertEqual(
            self.sign_in_again(),
            [
                ":kim!u@account JOIN #ops",
                ":chat.local 353 kim = #ops :kim",
                ":chat.local 366 kim #ops :End of /NAMES list",
                ":kim!u@account JOIN #tea",
                ":chat.local 332 kim #tea :Assam",
                ":chat.local 353 kim = #tea :jane kim",
                ":chat.local 366 kim #tea :End of /NAMES list",
            ],
        )
        self.assertEqual(self.jane.lines(), [], "for the others it was a member all the time")
        self.assertIn(":kim!u@account JOIN #tea kim kim", self.sign_in_again("extended-join"))

    def test_unread_messages_come_with_their_time(self) -> None:
        self.jane.ask("PRIVMSG #tea :where is kim?")
        self.jane.ask("PRIVMSG kim :\x01ACTION waits\x01")
        self.assertEqual(
            self.sign_in_again("server-time")[-2:],
            [
                f"@time={at(5)} :jane!u@guest PRIVMSG #tea :where is kim?",
                f"@time={at(6)} :jane!u@guest PRIVMSG kim :\x01ACTION waits\x01",
            ],
        )

    def test_without_tags_the_time_is_in_the_text(self) -> None:
        self.jane.ask("PRIVMSG #tea :where is kim?")
        self.assertEqual(self.sign_in_again()[-1], ":jane!u@guest PRIVMSG #tea :[1970-01-01 00:00:00] where is kim?")

    def test_only_the_newest_unread_messages_are_sent(self) -> None:
        for number in range(UNREAD_SHOWN + 10):
            self.jane.ask(f"PRIVMSG kim :{number}")
        *_, notice, first = self.sign_in_again()[: -UNREAD_SHOWN + 1]
        self.assertEqual(
            notice,
            f":chat.local NOTICE kim :you have {UNREAD_SHOWN + 10} unread messages; the last {UNREAD_SHOWN} follow",
        )
        self.assertTrue(first.endswith(" 10"))

    def test_a_client_that_asks_for_history_itself_is_not_sent_them(self) -> None:
        self.jane.ask("PRIVMSG kim :psst")
        self.assertTrue(self.sign_in_again("draft/chathistory batch")[-1].startswith(":chat.local 366 "))

    def test_messages_that_were_sent_are_not_unread_again(self) -> None:
        self.jane.ask("PRIVMSG kim :psst")
        self.assertTrue(self.sign_in_again()[-1].endswith(" psst"))
        for connection in list(self.server.irc_factory.connections):
            if connection is not self.jane.protocol:
                connection.close()
        self.assertTrue(self.sign_in_again()[-1].startswith(":chat.local 366 "))


class SeveralClientsTests(IrcTestCase):
    """Kim's account has two IRC clients and a program at the line door."""

    def setUp(self) -> None:
        super().setUp()
        self.program = self.server.account("kim")
        self.echoed, self.simple = self.client("echo-message"), self.client("")

    def client(self, capabilities: str) -> Connection:
        return self.server.irc("kim", capabilities=capabilities, password="kim")

    def test_when_one_client_joins_all_are_in_the_room(self) -> None:
        self.program.ask("join,#tea")
        self.assertEqual(self.echoed.lines(), JOINED)
        self.assertEqual(self.simple.lines(), JOINED)
        self.simple.ask("PART #tea")
        self.assertEqual(self.echoed.lines(), [":kim!u@account PART #tea"])

    def test_a_message_to_a_room_reaches_the_other_clients(self) -> None:
        self.program.ask("join,#tea")
        self.echoed.read(), self.simple.read()
        self.assertEqual(self.simple.ask("PRIVMSG #tea :hi"), [])
        self.assertEqual(self.echoed.lines(), [":kim!u@account PRIVMSG #tea :hi"])
        self.assertEqual(self.program.lines()[-1], f"message,2,{at(2)},kim,#tea,hi")

    def test_another_clients_message_to_a_friend_is_shown_with_echo_message_only(self) -> None:
        self.server.plain("jane")
        self.program.ask("chat,jane,hello")
        self.assertEqual(self.echoed.lines(), [":kim!u@account PRIVMSG jane :hello"])
        self.assertEqual(self.simple.lines(), [])

    def test_catching_up_shows_the_same(self) -> None:
        self.server.plain("jane")
        for client in (self.echoed, self.simple):
            client.irc.session.hold()
        self.program.say(b"chat,jane,hello\njoin,#tea\nchat,kim,me\n")
        self.server.turn()
        for client in (self.echoed, self.simple):
            client.irc.session.release()
        mine = ":kim!u@account PRIVMSG kim :me"
        self.assertEqual(self.echoed.lines(), [":kim!u@account PRIVMSG jane :hello", *JOINED, mine])
        self.assertEqual(self.simple.lines(), [*JOINED, mine])

    def test_a_read_marker_is_not_sent_and_a_disabled_account_is_disconnected(self) -> None:
        self.program.ask("seen,kim,0")
        user = self.server.hub.registry.find("kim")
        self.server.hub.disconnect_user(user, Notice.DISABLED)
        self.assertEqual(self.simple.lines(), ["ERROR :this account has been disabled"])
        self.assertTrue(self.simple.closed)
