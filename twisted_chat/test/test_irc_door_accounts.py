"""The IRC door for accounts: rooms that outlive a connection, unread messages, several clients at once."""

from __future__ import annotations

from twisted_chat.core.archive import UNREAD_SHOWN
from twisted_chat.core.errors import Notice
from twisted_chat.core.interfaces import MAX_DEVICES_PER_ACCOUNT
from twisted_chat.doors.irc import devices
from twisted_chat.doors.protocol import CLOSE_TIMEOUT_SECONDS
from twisted_chat.test.support import Connection, Server, SlowAccounts
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
        self.assertIn(":kim!u@account JOIN #tea kim K", self.sign_in_again("extended-join"))

    def test_unread_messages_come_with_their_time(self) -> None:
        self.jane.ask("PRIVMSG #tea :where is kim?")
        self.jane.ask("PRIVMSG kim :\x01ACTION waits\x01")
        self.assertEqual(
            self.sign_in_again("server-time")[-3:],
            [
                f"@time={at(5)} :jane!u@guest PRIVMSG #tea :where is kim?",
                f"@time={at(6)} :jane!u@guest PRIVMSG kim :\x01ACTION waits\x01",
                "PING chat.local",
            ],
        )

    def test_without_tags_the_time_is_in_the_text(self) -> None:
        self.jane.ask("PRIVMSG #tea :where is kim?")
        self.assertEqual(self.sign_in_again()[-2], ":jane!u@guest PRIVMSG #tea :[1970-01-01 00:00:00] where is kim?")

    def test_only_the_newest_unread_messages_are_sent(self) -> None:
        for number in range(UNREAD_SHOWN + 10):
            self.jane.ask(f"PRIVMSG kim :{number}")
        *_, notice, first = self.sign_in_again()[:-UNREAD_SHOWN]
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
        self.assertTrue(self.sign_in_again()[-2].endswith(" psst"))
        for connection in list(self.server.irc_factory.connections):
            if connection is not self.jane.protocol:
                connection.close()
        self.assertTrue(self.sign_in_again()[-1].startswith(":chat.local 366 "))


class PlaybackTestCase(IrcTestCase):
    """Kim has an account, and jane writes to it."""

    def setUp(self) -> None:
        super().setUp()
        self.server.irc("kim", "#tea", password="secret").ask("QUIT")
        self.jane = self.server.irc("jane", "#tea")

    def connect(self, capabilities: str = "", user: str = "k", name: str = "kim") -> tuple[Connection, list[str]]:
        """Sign in; return the client, and what it was played back."""
        kim = self.server.irc_stranger()
        begin = f"CAP REQ :{capabilities}\r\n" if capabilities else ""
        end = "CAP END\r\n" if capabilities else ""
        kim.say(f"{begin}PASS {name}:secret\r\nNICK kim\r\nUSER {user} 0 * :K\r\n{end}".encode())
        return kim, [line for line in kim.lines() if " PRIVMSG " in line or "BATCH" in line]

    def texts(self, lines: list[str]) -> list[str]:
        return [line.split()[-1] for line in lines]


class PlaybackTests(PlaybackTestCase):
    """What was shown is known by device, and confirmed by an answer."""

    def test_a_client_that_comes_back_while_the_old_connection_is_half_open_is_played_back(self) -> None:
        old, _ = self.connect()
        old.stop_reading()
        self.jane.ask("PRIVMSG kim :one")
        self.jane.ask("PRIVMSG #tea :two")
        new, lines = self.connect()
        self.assertEqual(self.texts(lines), ["one", "two"])
        new.ask("PONG chat.local")
        for _ in range(4):
            self.server.irc_factory.idle_check()
            new.ask("PONG x")
        self.server.clock.advance(CLOSE_TIMEOUT_SECONDS)
        self.assertTrue(old.closed)
        new.ask("QUIT")
        self.assertEqual(self.connect()[1], [])

    def test_the_end_of_a_silent_connection_does_not_make_what_was_sent_to_it_read(self) -> None:
        old, _ = self.connect()
        old.stop_reading()
        self.jane.ask("PRIVMSG kim :one")
        for _ in range(4):
            self.server.irc_factory.idle_check()
        old.drop()
        self.assertEqual(self.texts(self.connect()[1]), ["one"])

    def test_a_second_device_gets_what_was_said_before_it_came(self) -> None:
        first, _ = self.connect(user="laptop")
        self.jane.ask("PRIVMSG kim :one")
        self.assertEqual(len(first.lines()), 1)
        for _ in range(3):
            self.server.irc_factory.idle_check()
            first.ask("PONG x")
        second, lines = self.connect(user="phone")
        self.assertEqual(self.texts(lines), ["one"])
        first.ask("QUIT"), second.ask("QUIT")
        self.assertEqual(self.connect(user="laptop")[1] + self.connect(user="phone")[1], [])
        self.assertEqual(self.texts(self.connect(name="kim@tablet")[1]), ["one"])

    def test_a_named_device_is_the_same_whatever_else_it_says(self) -> None:
        self.jane.ask("PRIVMSG kim :one")
        kim, lines = self.connect(name="kim@phone")
        self.assertEqual(self.texts(lines), ["one"])
        kim.ask("QUIT")
        self.assertEqual(self.connect("batch", user="other", name="kim@phone")[1], [])

    def test_what_the_client_has_confirmed_is_not_shown_again_after_a_reset(self) -> None:
        self.jane.ask("PRIVMSG kim :one")
        kim, lines = self.connect()
        self.assertEqual(self.texts(lines), ["one"])
        kim.drop()
        kim, lines = self.connect()
        self.assertEqual(self.texts(lines), ["one"], "it was perhaps not received")
        kim.ask("PONG chat.local")
        kim.drop()
        self.assertEqual(self.connect()[1], [])

    def test_what_was_read_elsewhere_is_not_shown(self) -> None:
        self.jane.ask("PRIVMSG #tea :one")
        self.jane.ask("PRIVMSG kim :two")
        page = self.server.connect()
        page.say(b"hello,events\nregister,kim,secret\n")
        page.ask(f"seen,#tea,{self.server.log.last - 1}")
        self.assertEqual(self.texts(self.connect()[1]), ["two"])
        page.ask(f"seen,jane,{self.server.log.last}")
        self.assertEqual(self.connect(user="other")[1], [])

    def test_each_conversation_is_a_batch_where_the_client_has_batches(self) -> None:
        for text in ("PRIVMSG #tea :one", "PRIVMSG kim :two", "PRIVMSG #tea :three"):
            self.jane.ask(text)
        _, lines = self.connect("batch server-time")
        self.assertEqual(
            [line.partition(" ")[2] for line in lines],
            [
                "BATCH +1 chathistory #tea",
                ":jane!u@guest PRIVMSG #tea :one",
                ":jane!u@guest PRIVMSG #tea :three",
                "BATCH -1",
                "BATCH +2 chathistory jane",
                ":jane!u@guest PRIVMSG kim :two",
                "BATCH -2",
            ],
        )
        self.assertTrue(all(line.startswith("@batch=") for line in lines if "PRIVMSG" in line))

    def test_devices_that_are_not_known_any_more_are_shown_more_rather_than_less(self) -> None:
        self.jane.ask("PRIVMSG kim :one")
        for number in range(MAX_DEVICES_PER_ACCOUNT + 1):
            self.connect(name=f"kim@{number}")[0].ask("QUIT")
        self.assertEqual(self.connect(name=f"kim@{MAX_DEVICES_PER_ACCOUNT}")[1], [])
        self.assertEqual(self.texts(self.connect(name="kim@0")[1]), ["one"])


class RestartTests(PlaybackTestCase):
    """The same when the server was restarted: what each device was shown outlasts it."""

    def restart(self) -> None:
        """End the server like a killed process, and start it again; jane comes back."""
        self.server = self.server.restarted()
        self.jane = self.server.irc("jane", "#tea")

    def test_what_was_shown_before_is_not_shown_again(self) -> None:
        self.jane.ask("PRIVMSG kim :one")
        self.connect(name="kim@phone")[0].ask("QUIT")
        self.restart()
        self.assertEqual(self.connect(name="kim@phone")[1], [])

    def test_what_a_connected_client_has_confirmed_is_not_shown_again(self) -> None:
        self.jane.ask("PRIVMSG kim :one")
        kim, lines = self.connect()
        self.assertEqual(self.texts(lines), ["one"])
        kim.ask("PONG chat.local")
        self.restart()
        self.assertEqual(self.connect()[1], [])

    def test_what_a_connected_client_has_read_is_not_shown_again(self) -> None:
        kim, _ = self.connect()
        self.jane.ask("PRIVMSG kim :one")
        for _ in range(3):
            self.server.irc_factory.idle_check()
            kim.ask("PING x")
        self.restart()
        self.assertEqual(self.connect()[1], [])

    def test_a_device_that_was_not_here_is_shown_what_another_has_read(self) -> None:
        self.connect(name="kim@phone")[0].ask("QUIT")
        self.jane.ask("PRIVMSG kim :one")
        self.connect(name="kim@desk")[0].ask("QUIT")
        self.server.hub.save_read_positions()
        self.restart()
        self.assertEqual(self.texts(self.connect(name="kim@phone")[1]), ["one"])
        self.assertEqual(self.connect(name="kim@desk")[1], [])

    def test_a_server_that_stops_in_order(self) -> None:
        self.connect(name="kim@phone")
        self.jane.ask("PRIVMSG kim :one")
        for connection in list(self.server.irc_factory.connections):
            connection.close()
        self.server.turn()
        self.restart()
        self.assertEqual(self.connect(name="kim@phone")[1], [])

    def test_accounts_that_are_not_in_memory_any_more_are_read_again(self) -> None:
        self.patch(devices, "MAX_KNOWN_ACCOUNTS", 2)
        self.jane.ask("PRIVMSG kim :one")
        kim, _ = self.connect(name="kim@phone")
        for name in ("lou", "max", "zoe"):
            self.server.irc(name, password="secret")
        self.assertEqual(len(self.server.irc_factory.devices._known), 2)
        kim.ask("PONG chat.local")
        kim.ask("QUIT")
        self.assertEqual(self.connect(name="kim@phone")[1], [])

    def test_a_connection_that_ends_while_its_devices_are_read_leaves_nothing(self) -> None:
        accounts = SlowAccounts()
        server = Server(accounts=accounts)
        accounts.slow = True
        kim = server.irc_stranger()
        kim.say(b"PASS kim:secret\r\nNICK kim\r\nUSER k 0 * :K\r\n")
        self.assertEqual((kim.lines(), server.names()), ([], ["kim"]))
        kim.drop()
        accounts.go_on()
        self.assertEqual(server.irc_factory.devices._sessions, {})


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
