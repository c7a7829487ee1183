"""The IRC door: registration, messages and rooms, queries, and the numeric for each error."""

from __future__ import annotations

from base64 import b64encode

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.hub import Hub
from twisted_chat.core.rooms import MAX_ROOMS_PER_USER
from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.doors.irc.protocol import IrcProtocol
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.support_times import at
from twisted_chat.wire.irc.message import parse


class IrcTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def numbers(self, lines: list[str]) -> list[str]:
        """Return each line's command or number."""
        return [parse(line.encode()).command for line in lines]


class RegistrationTests(IrcTestCase):
    welcome = ["001", "002", "003", "004", "005", "005", "251", "252", "254", "255", "265", "266", "422"]  # noqa: RUF012

    def test_nick_and_user_in_any_order(self) -> None:
        for first, second in (("NICK jane", "USER j 0 * :Jane"), ("USER j 0 * :Jane", "NICK zak")):
            client = self.server.irc_stranger()
            self.assertEqual(client.ask(first), [])
            self.assertEqual(self.numbers(client.ask(second)), self.welcome)
        self.assertEqual(self.server.names(), ["jane", "zak"])

    def test_everything_may_come_in_one_read(self) -> None:
        client = self.server.irc_stranger()
        client.say(b"NICK jane\r\nUSER j 0 * :J\r\nJOIN #tea\r\n")
        self.assertEqual(self.numbers(client.lines()), [*self.welcome, "JOIN", "353", "366"])

    def test_negotiation_delays_the_registration_until_its_end(self) -> None:
        client = self.server.irc_stranger()
        [offered] = client.ask("CAP LS 302")
        self.assertEqual(offered.partition(" LS :")[2].split()[:1], ["message-tags"])
        self.assertIn("sasl=PLAIN", offered)
        self.assertEqual(client.ask("NICK jane") + client.ask("USER j 0 * :J"), [])
        wanted = " ".join(CAPABILITIES)
        self.assertEqual(client.ask(f"CAP REQ :{wanted}"), [f":chat.local CAP * ACK :{wanted}"])
        self.assertEqual(client.ask("CAP REQ :batch nonsense"), [":chat.local CAP * NAK :batch nonsense"])
        self.assertEqual(client.ask("CAP REQ :-sasl"), [":chat.local CAP * ACK :-sasl"])
        self.assertNotIn("sasl", client.ask("CAP LIST")[0])
        self.assertEqual(self.numbers(client.ask("CAP END"))[:1], ["001"])
        self.assertEqual(client.ask("CAP LIST")[0].split()[2], "jane")
        self.assertEqual(self.numbers(client.ask("CAP FOO")), ["410"])

    def test_an_old_client_is_offered_no_values(self) -> None:
        self.assertTrue(
            self.server.irc_stranger()
            .ask("CAP LS")[0]
            .endswith(" sasl draft/chathistory draft/event-playback cap-notify")
        )

    def test_without_accounts_there_is_no_sasl(self) -> None:
        self.assertNotIn("sasl", Server(hub=Hub(MemoryLog())).irc_stranger().ask("CAP LS 302")[0])

    def test_another_nick_may_be_tried(self) -> None:
        self.server.plain("jane")
        client = self.server.irc_stranger()
        client.ask("USER j 0 * :J")
        self.assertEqual(self.numbers(client.ask("NICK JANE")), ["433"])
        self.assertEqual(self.numbers(client.ask("NICK a*b")), ["432"])
        self.assertEqual(self.numbers(client.ask("NICK")), ["431"])
        self.assertEqual(self.numbers(client.ask("NICK jane_")), self.welcome)

    def test_the_nick_is_the_name_as_it_is_shown(self) -> None:
        client = self.server.irc_stranger()
        client.ask("NICK -a.b")
        self.assertTrue(client.ask("USER j 0 * :J")[0].startswith(":chat.local 001 \uff0da\uff0eb :"))
        self.assertEqual(self.server.names(), ["-a.b"])

    def test_a_client_registers_only_once(self) -> None:
        client = self.server.irc("jane")
        self.assertEqual(self.numbers(client.ask("USER j 0 * :J") + client.ask("PASS x")), ["462", "462"])

    def test_a_client_that_has_not_registered_may_do_nothing_else(self) -> None:
        for command, row in COMMANDS.items():
            if row.needs_name:
                stranger = self.server.irc_stranger()
                self.assertEqual(self.numbers(stranger.ask(f"{command} x y z")), ["451"])
        self.assertEqual(stranger.ask("PING x"), [":chat.local PONG chat.local x"])
        self.assertEqual(
            stranger.ask("JOIN :"), [":chat.local 451 * :You have not registered; send NICK and USER first"]
        )
        self.assertFalse(stranger.closed)

    def test_a_server_without_guests_asks_for_a_password(self) -> None:
        self.server.hub.allows_guests = False
        client = self.server.irc_stranger()
        client.ask("NICK jane")
        lines = client.ask("USER j 0 * :J")
        self.assertEqual(self.numbers(lines), ["465", "ERROR"])
        self.assertIn("PASS", lines[0])
        self.assertTrue(client.closed)

    def test_a_client_for_which_there_is_no_room_is_told_so(self) -> None:
        server = Server(most=0)
        self.assertTrue(server.irc_stranger().lines()[0].startswith("ERROR :"))


class UnknownCommandTests(IrcTestCase):
    def test_every_word_that_is_no_command_is_an_unknown_command(self) -> None:
        client = self.server.irc("jane", capabilities="labeled-response")
        for line in ("FOO", "F00 x", "F_O :a b", "é x", "12345", "@a=b :src FOO.BAR"):
            command = line.split()[-1] if line[0] == "@" else line.split()[0]
            self.assertEqual(client.ask(line), [f":chat.local 421 jane {command} :Unknown command"])
            self.assertEqual(
                client.ask(f"@label=x {line.partition(' :src ')[2] or line}"),
                [f"@label=x :chat.local 421 jane {command} :Unknown command"],
            )

    def test_what_a_client_sends_is_shown_to_it_without_control_characters(self) -> None:
        client = self.server.irc("jane")
        for line in ("\x1b[2JFOO", "\x01FOO", "\tFOO"):
            [answer] = client.ask(line)
            self.assertEqual(answer, f":chat.local 421 jane ?{line[1:]} :Unknown command")

    def test_an_empty_line_is_none(self) -> None:
        client = self.server.irc_stranger()
        client.say(b"\rNICK jane\r\n\r\n\r\r\n  USER j 0 * :J\r\n")
        self.assertEqual(self.numbers(client.lines())[:1], ["001"])
        self.assertEqual(client.ask("") + client.ask("\r"), [])


class InvalidTextTests(IrcTestCase):
    """A client that quits or parts does so, and one that registers does so or is told why, whatever the bytes are."""

    def setUp(self) -> None:
        super().setUp()
        self.zak = self.server.irc("zak", "#tea")

    def test_a_user_line_registers(self) -> None:
        for number, line in enumerate(
            (
                b"USER \xff\xfe 0 * :x", b"USER j \xff \xff \xff", b"USER j 0 * :a\0b", b"USER j 0 * :" + b"x" * 600,
                b"USER j 0 * :" + b"\xff" * 490, b":s\xff USER j 0 * :\rx", b"@label=\xff USER j 0 * :x",
                b"USER j 0 * :" + "\u8336".encode() * 190,
            )
        ):  # fmt: skip
            client = self.server.irc_stranger()
            client.say(b"NICK n%d\r\n%b\r\n" % (number, line))
            self.assertEqual(self.numbers(client.lines())[:1], ["001"], line)

    def test_a_nick_is_erroneous(self) -> None:
        client = self.server.irc_stranger()
        client.say(b"NICK J\xfcrgen\r\nUSER j 0 * :J\r\n")
        self.assertEqual(self.numbers(client.lines()), ["432"])
        self.assertEqual(self.numbers(client.ask("NICK J\u00fcrgen"))[:1], ["001"])
        client.say(b"NICK \xff\r\n")
        self.assertEqual(self.numbers(client.lines()), ["432"])

    def test_quit_and_part_are_carried_out(self) -> None:
        shown = {
            b"bye \xff": "bye ?", b"a\0b": "ab", b"\x01x": "", b"x" * 600: "x" * 200, b"\xff" * 300: "?" * 200,
            "\u202ex".encode(): "", b"   ": "", b" a ": "a", b"\x02\x02": "",
        }  # fmt: skip
        for number, (reason, text) in enumerate(shown.items()):
            client = self.server.irc(f"n{number}", "#tea")
            self.zak.read()
            client.say(b"PART #tea :" + reason + b"\r\n")
            self.assertEqual(parse(client.lines()[0].encode()).params, ("#tea", text) if text else ("#tea",))
            client.ask("JOIN #tea"), self.zak.read()
            client.say(b"QUIT :" + reason + b"\r\n")
            client.read()
            self.assertTrue(client.closed, reason)
            self.assertEqual(parse(self.zak.lines()[0].encode()).params, (f"Quit: {text}" if text else "Left",))

    def test_all_other_commands_are_refused(self) -> None:
        for line in (b"PRIVMSG #tea :\xff", b"TOPIC #tea :\xff", b"AWAY :\xff", b"JOIN #\xff", b"FOO \xff"):
            self.zak.say(line + b"\r\n")
            self.assertEqual(self.numbers(self.zak.lines()), ["NOTICE"], line)

    def test_empty_names_in_a_list_are_none(self) -> None:
        self.assertEqual(self.numbers(self.zak.ask("JOIN ,#ops,")), ["JOIN", "353", "366"])
        self.assertEqual(self.numbers(self.zak.ask("PART #tea,,#ops,")), ["PART", "PART"])
        self.assertEqual(self.numbers(self.zak.ask("JOIN ,")), ["476"])


class RealNameTests(IrcTestCase):
    def test_the_real_name_is_kept(self) -> None:
        jane = self.server.irc_stranger()
        jane.say("NICK jane\r\nUSER j 0 * :Jane \x02D\x02oe é\r\nJOIN #tea\r\n".encode())
        jane.read()
        self.assertTrue(jane.ask("WHOIS jane")[0].endswith(" * :Jane Doe é"))
        self.assertTrue(jane.ask("WHO #tea")[0].endswith(" :0 Jane Doe é"))
        self.assertTrue(jane.ask("WHO jane %nr")[0].endswith(" jane :Jane Doe é"))

    def test_a_real_name_that_is_not_utf_8_registers(self) -> None:
        client = self.server.irc_stranger()
        client.say(b"NICK jane\r\nUSER j 0 * :J\xffane\r\n")
        self.assertEqual(self.numbers(client.lines())[:1], ["001"])


class PasswordTests(IrcTestCase):
    def register(self, *lines: str) -> tuple[Connection, list[str]]:
        client = self.server.irc_stranger()
        return client, [line for one in lines for line in client.ask(one)]

    def test_a_password_makes_an_account_and_is_needed_from_then_on(self) -> None:
        first, lines = self.register("PASS :open sesame", "NICK jane", "USER j 0 * :J")
        self.assertEqual(self.numbers(lines)[:1], ["001"])
        first.drop()
        client, lines = self.register("PASS wrong", "NICK jane", "USER j 0 * :J")
        self.assertEqual(self.numbers(lines), ["464", "ERROR"])
        self.assertTrue(client.closed)
        client, lines = self.register("NICK jane", "USER j 0 * :J")
        self.assertEqual(self.numbers(lines), ["433"])
        self.assertIn("PASS", lines[0])

    def test_a_name_before_the_password_becomes_the_nick(self) -> None:
        self.server.account("jane")
        _, lines = self.register("PASS jane:jane", "NICK jane_", "USER j 0 * :J")
        self.assertTrue(lines[0].startswith(":chat.local 001 jane :"))

    def test_a_password_without_a_colon_is_the_rest_of_the_line(self) -> None:
        for line in ("PASS kim:correct horse", "PASS :kim:correct horse", "PASS  kim:correct horse"):
            client, lines = self.register(line, "NICK kim", "USER k 0 * :K")
            self.assertEqual(self.numbers(lines)[:1], ["001"], line)
            client.drop()
        self.assertEqual(self.numbers(self.register("PASS kim:correct", "NICK kim", "USER k 0 * :K")[1])[:1], ["464"])

    def test_a_password_keeps_its_spaces_and_colons(self) -> None:
        for line in ("PASS kim:a  b :c", "PASS :kim:a  b :c"):
            client, lines = self.register(line, "NICK kim", "USER k 0 * :K")
            self.assertEqual(self.numbers(lines)[:1], ["001"], line)
            client.drop()

    def test_a_password_does_not_take_the_name_of_a_guest(self) -> None:
        self.server.plain("jane")
        client, lines = self.register("PASS secret", "NICK jane", "USER j 0 * :J")
        self.assertEqual(self.numbers(lines), ["464", "ERROR"])
        self.assertTrue(client.closed)

    def test_an_account_keeps_its_nick(self) -> None:
        client, _ = self.register("PASS secret", "NICK jane", "USER j 0 * :J")
        self.assertEqual(self.numbers(client.ask("NICK joan")), ["432"])
        self.assertEqual(client.ask("NICK jane"), [])

    def sasl(self, response: bytes | str, mechanism: str = "PLAIN") -> tuple[Connection, list[str]]:
        coded = response if isinstance(response, str) else b64encode(response).decode()
        return self.register(
            "CAP REQ :sasl", "NICK foo", "USER j 0 * :J", f"AUTHENTICATE {mechanism}", f"AUTHENTICATE {coded}"
        )

    def test_sasl_plain(self) -> None:
        client, lines = self.sasl(b"\0jane\0secret")
        self.assertEqual(self.numbers(lines), ["CAP", "AUTHENTICATE", "900", "903"])
        self.assertEqual(lines[2], ":chat.local 900 jane jane!u@account jane :You are now logged in as jane")
        self.assertEqual(self.numbers(client.ask("AUTHENTICATE PLAIN")), ["907"])
        self.assertTrue(client.ask("CAP END")[0].startswith(":chat.local 001 jane :"))

    def test_a_message_between_sasl_and_the_end_of_registration_comes_after_it(self) -> None:
        client, _ = self.sasl(b"jane\0jane\0secret")
        self.server.plain("zak").ask("chat,jane,quick")
        self.assertEqual(client.lines(), [])
        self.assertEqual(client.ask("CAP END")[-1], ":zak!u@guest PRIVMSG jane :quick")

    def test_invalid_responses_and_wrong_passwords_fail(self) -> None:
        self.server.account("jane")
        for wrong in (b"\0jane\0wrong", b"\0jane\0", b"zak\0jane\0jane", b"jane", b"\xff\0\xff\0x", "!!!", b"\0a b\0x"):
            _, lines = self.sasl(wrong)
            self.assertEqual(self.numbers(lines[-1:]), ["904"], wrong)
        self.assertEqual(self.numbers(self.sasl(b"", "EXTERNAL")[1][1:]), ["908", "904", "461"])
        self.assertEqual(self.numbers(self.sasl("*")[1][-1:]), ["906"])
        self.assertEqual(self.numbers(self.sasl("x" * 401)[1][-1:]), ["905"])
        self.assertEqual(self.numbers(self.register("AUTHENTICATE PLAIN")[1]), ["904"])

    def test_a_long_response_comes_in_chunks_up_to_a_limit(self) -> None:
        long = b64encode(b"\0jane\0" + b"x" * 594).decode()
        self.assertEqual(len(long), 800)
        client, _ = self.sasl(long[:400])
        client.ask(f"AUTHENTICATE {long[400:]}")
        self.assertEqual(self.numbers(client.ask("AUTHENTICATE +")), ["900", "903"])
        client, lines = self.register("CAP REQ :sasl", "AUTHENTICATE PLAIN", *["AUTHENTICATE " + "x" * 400] * 9)
        self.assertEqual(self.numbers(lines[-1:]), ["904"], "905 is for a chunk that is too long")

    def test_after_the_registration_it_is_too_late_for_sasl(self) -> None:
        guest = self.server.irc("zak", capabilities="sasl")
        self.assertEqual(self.numbers(guest.ask("AUTHENTICATE PLAIN")), ["462"], "it has not authenticated")
        account = self.server.irc("jane", capabilities="sasl", password="secret")
        self.assertEqual(self.numbers(account.ask("AUTHENTICATE PLAIN")), ["907"])


class TalkTests(IrcTestCase):
    """Jane has no capabilities, zak has all that change what is shown; both are in #tea (ids 1 and 2)."""

    def setUp(self) -> None:
        super().setUp()
        self.jane = self.server.irc("jane", "#tea")
        everything = "message-tags server-time account-tag extended-join echo-message labeled-response batch"
        self.zak = self.server.irc("zak", "#tea", capabilities=everything + " standard-replies")
        self.jane.read()

    def test_a_message_with_and_without_tags(self) -> None:
        self.assertEqual(self.jane.ask("PRIVMSG #tea,zak :hello"), [])
        self.assertEqual(
            self.zak.lines(),
            [f"@time={at(id)};msgid={id} :jane!u@guest PRIVMSG {to} :hello" for id, to in ((3, "#tea"), (4, "zak"))],
        )
        self.assertEqual(self.zak.ask("PRIVMSG jane :hi"), [f"@time={at(5)};msgid=5 :zak!u@guest PRIVMSG jane :hi"])
        self.assertEqual(self.jane.lines(), [":zak!u@guest PRIVMSG jane :hi"])

    def test_an_account_is_named_in_its_tag(self) -> None:
        kim = self.server.irc("kim", "#tea", password="secret")
        kim.ask("PRIVMSG #tea :hi")
        self.assertEqual(
            self.zak.lines(),
            [
                f"@time={at(3)};msgid=3;account=kim :kim!u@account JOIN #tea kim kim",
                f"@time={at(4)};msgid=4;account=kim :kim!u@account PRIVMSG #tea :hi",
            ],
        )

    def test_notices_and_actions(self) -> None:
        person = self.server.plain("person", "#tea")
        self.zak.ask("PRIVMSG #tea :\x01ACTION waves\x01")
        self.zak.ask("NOTICE #tea :it is five")
        self.assertEqual(person.lines(), ["* zak in #tea waves", "-zak in #tea- it is five"])
        self.assertEqual(
            self.jane.lines()[1:],
            [":zak!u@guest PRIVMSG #tea :\x01ACTION waves\x01", ":zak!u@guest NOTICE #tea :it is five"],
        )

    def test_ctcp_is_not_passed_on(self) -> None:
        for line in ("PRIVMSG #tea :\x01VERSION\x01", "NOTICE #tea :\x01VERSION x\x01", "TAGMSG #tea"):
            self.assertEqual(self.jane.ask(line), [])
        self.assertEqual(self.zak.lines(), [])

    def test_formatting_is_removed_and_control_characters_are_refused(self) -> None:
        self.jane.ask("PRIVMSG zak :\x02bold\x02 \x0304red")
        self.assertTrue(self.zak.lines()[0].endswith(":bold red"))
        self.assertEqual(self.numbers(self.jane.ask("PRIVMSG zak :\x1b[2J")), ["400"])
        self.assertTrue(self.zak.ask("PRIVMSG jane :\x1b[2J")[0].startswith(":chat.local FAIL PRIVMSG BAD_TEXT :"))

    def test_a_long_text_of_several_lines_becomes_several_messages_and_the_first_has_the_id(self) -> None:
        program = self.server.program("bot")
        program.ask("chat,zak," + "x" * 600 + "\\nshort")
        lines = [parse(line.encode()) for line in self.zak.lines()]
        self.assertEqual([line.tags["msgid"] for line in lines], ["3", "3.1", "3.2"])
        self.assertEqual("".join(line.params[1] for line in lines), "x" * 600 + "short")

    def test_a_topic_of_several_lines_is_one(self) -> None:
        program = self.server.program("bot", "#tea")
        program.ask("topic,#tea,one\\ntwo")
        self.assertEqual(self.jane.lines()[-1], ":bot!u@guest TOPIC #tea :one…")
        self.assertEqual(self.jane.ask("TOPIC #tea"), [":chat.local 332 jane #tea :one…"])

    def test_a_message_to_oneself_is_delivered_and_echoed(self) -> None:
        self.assertEqual(self.jane.ask("PRIVMSG jane :note"), [":jane!u@guest PRIVMSG jane :note"])
        echoed = f"time={at(4)};msgid=4 :zak!u@guest PRIVMSG zak :note"
        self.assertEqual(self.zak.ask("@label=x PRIVMSG zak :note"), [f"@{echoed}", f"@label=x;{echoed}"])

    def test_a_label_is_answered_exactly_once(self) -> None:
        self.assertEqual(
            self.zak.ask("@label=a PRIVMSG #tea :x"), [f"@label=a;time={at(3)};msgid=3 :zak!u@guest PRIVMSG #tea :x"]
        )
        for line, command in (
            ("AWAY :tea", "306"),
            ("PONG x", "ACK"),
            ("NOTICE nobody :x", "ACK"),
            ("JOIN #tea", "ACK"),
            ("FOO", "421"),
            ("JOIN", "461"),
            ("PRIVMSG nobody :x", "401"),
            ("PART #tea", "PART"),
            ("PRIVMSG #tea :\x1b", "FAIL"),
            ("JOIN #tea", "BATCH"),
            ("WHOIS jane", "BATCH"),
        ):
            lines = self.zak.ask(f"@label=a;x=y {line}")
            self.assertTrue(lines[0].startswith("@label=a"), lines)
            self.assertEqual(self.numbers(lines)[0], command)
            self.assertEqual(sum("label=a" in line for line in lines), 1)
            if command == "BATCH":
                self.assertTrue(all(line.startswith("@batch=") for line in lines[1:-1]))
                self.assertEqual(self.numbers(lines)[-1], "BATCH")
            else:
                self.assertEqual(len(lines), 1)

    def test_a_label_with_several_targets_has_one_batch_with_all_answers(self) -> None:
        self.jane.ask("AWAY :at lunch")
        for line, inner in (
            ("PRIVMSG jane,nobody,#tea :x", ["301", "PRIVMSG", "PRIVMSG", "401"]),
            ("NOTICE jane,#tea,nobody :x", ["NOTICE", "NOTICE"]),
            ("JOIN #a,#b,a*b", ["JOIN", "353", "366", "JOIN", "353", "366", "476"]),
            ("PART #a,#b,#c", ["PART", "PART", "403"]),
        ):
            lines = [parse(line.encode()) for line in self.zak.ask(f"@label=a {line}")]
            self.assertEqual([one.command for one in lines], ["BATCH", *inner, "BATCH"], line)
            self.assertEqual([one.tags.get("label") for one in lines], ["a", *[None] * (len(lines) - 1)])
            self.assertEqual(lines[0].params[1:], ("labeled-response",))
            self.assertTrue(all(one.tags["batch"] == lines[0].params[0][1:] for one in lines[1:-1]))
        self.assertEqual(self.zak.ask("@label=b JOIN #tea,#tea"), ["@label=b :chat.local ACK"])
        [one] = self.zak.ask("@label=b NOTICE jane,nobody :x")
        self.assertTrue(one.startswith("@label=b;"), "one line needs no batch")

    def test_a_label_has_the_absence_too(self) -> None:
        self.jane.ask("AWAY :at lunch")
        lines = [parse(line.encode()) for line in self.zak.ask("@label=a PRIVMSG jane :x")]
        self.assertEqual([line.command for line in lines], ["BATCH", "301", "PRIVMSG", "BATCH"])
        self.assertEqual(lines[0].tags, {"label": "a"})
        self.assertTrue(self.zak.ask("@label=b PRIVMSG jane :y")[0].startswith("@label=b;"), "told once")
        kim = self.server.irc("kim", capabilities="labeled-response batch")
        self.assertEqual(kim.ask("@label=c PRIVMSG jane :x"), ["@label=c :chat.local 301 kim jane :at lunch"])
        self.assertEqual(kim.ask("@label=d PRIVMSG jane :x"), ["@label=d :chat.local ACK"])

    def test_a_notice_has_no_automatic_answer(self) -> None:
        self.jane.ask("AWAY :at lunch")
        kim = self.server.irc("kim")
        self.assertEqual(kim.ask("NOTICE jane :x") + kim.ask("NOTICE jane :y"), [])
        self.assertEqual(kim.ask("PRIVMSG jane :z"), [":chat.local 301 kim jane :at lunch"])

    def test_several_targets_without_the_echo_are_acknowledged_once(self) -> None:
        kim = self.server.irc("kim", capabilities="labeled-response batch")
        self.assertEqual(kim.ask("@label=1 PRIVMSG jane,zak :x"), ["@label=1 :chat.local ACK"])
        self.assertEqual(len(self.jane.lines()), 1)

    def test_a_label_without_the_echo_is_acknowledged(self) -> None:
        kim = self.server.irc("kim", capabilities="labeled-response batch")
        self.assertEqual(kim.ask("@label=1 PRIVMSG jane :x"), ["@label=1 :chat.local ACK"])

    def test_a_label_without_the_capability_or_too_long_is_ignored(self) -> None:
        self.assertEqual(self.jane.ask("@label=1 PING x"), [":chat.local PONG chat.local x"])
        self.assertEqual(self.zak.ask(f"@label={'x' * 65} PING x"), [":chat.local PONG chat.local x"])

    def test_join_shows_topic_and_names(self) -> None:
        self.jane.ask("TOPIC #tea :Assam")
        kim = self.server.irc("kim")
        self.assertEqual(
            kim.ask("JOIN #TEA,#ops"),
            [
                ":kim!u@guest JOIN #tea",
                ":chat.local 332 kim #tea :Assam",
                ":chat.local 353 kim = #tea :jane kim zak",
                ":chat.local 366 kim #tea :End of /NAMES list",
                ":kim!u@guest JOIN #ops",
                ":chat.local 353 kim = #ops :kim",
                ":chat.local 366 kim #ops :End of /NAMES list",
            ],
        )
        self.assertEqual(kim.ask("JOIN #tea"), [])
        self.assertEqual(self.zak.lines()[-1], f"@time={at(4)};msgid=4 :kim!u@guest JOIN #tea * kim")
        self.assertEqual(kim.ask("JOIN 0"), [":kim!u@guest PART #ops", ":kim!u@guest PART #tea"])

    def test_a_new_nick_is_told_before_what_is_said_under_it(self) -> None:
        self.assertEqual(self.jane.ask("NICK Joan"), [":jane!u@guest NICK Joan"])
        self.jane.ask("PRIVMSG #tea :me")
        self.assertEqual(
            self.zak.lines(), [":jane!u@guest NICK Joan", f"@time={at(3)};msgid=3 :Joan!u@guest PRIVMSG #tea :me"]
        )
        self.assertEqual(self.jane.ask("NICK Joan"), [])
        self.assertEqual(self.numbers(self.jane.ask("NICK ZAK") + self.jane.ask("NICK a*b")), ["433", "432"])

    def test_a_guest_that_quits_is_seen_to_quit(self) -> None:
        self.assertEqual(self.jane.ask("QUIT :bye"), ["ERROR :Closing link: you have quit"])
        self.assertTrue(self.jane.closed)
        self.assertEqual(self.zak.lines(), [f"@time={at(3)};msgid=3 :jane!u@guest QUIT :Quit: bye"])

    def test_away(self) -> None:
        self.assertEqual(self.numbers(self.zak.ask("AWAY :out for lunch")), ["306"])
        self.assertEqual(self.jane.ask("PRIVMSG zak :there?"), [":chat.local 301 jane zak :out for lunch"])
        self.assertEqual(self.jane.ask("USERHOST zak")[0].split(" :")[-1], "zak=-u@guest")
        self.zak.read()
        self.assertEqual(self.numbers(self.zak.ask("AWAY")), ["305"])
        self.assertEqual(self.jane.ask("PRIVMSG zak :and now?"), [])

    def test_each_error_has_its_numeric(self) -> None:
        for line, number in (
            ("PRIVMSG", "411"),
            ("PRIVMSG zak", "412"),
            ("PRIVMSG zak :", "412"),
            ("PRIVMSG zak :\x01ACTION \x01", "400"),
            ("PRIVMSG nobody :x", "401"),
            ("PRIVMSG a*b :x", "401"),
            ("PRIVMSG #no :x", "403"),
            ("PRIVMSG a,b,c,d,e :x", "407"),
            ("PRIVMSG #ops :x", "404"),
            ("JOIN #a*b", "476"),
            ("JOIN tea", "476"),
            ("PART #ops", "442"),
            ("PART #no", "403"),
            ("TOPIC #ops", "442"),
            ("TOPIC #no :x", "403"),
            ("KICK #tea zak", "482"),
            ("INVITE zak #tea", "482"),
            ("OPER a b", "464"),
            ("MODE #tea +o jane", "482"),
            ("MODE zak +i", "502"),
            ("MODE jane +x", "501"),
            ("PING", "409"),
            ("WHOIS", "461"),
            ("FOO", "421"),
            ("PRIVMSG zak :" + "x" * 600, "417"),
            ("@x=" + "y" * 5000 + " PING x", "417"),
            ("123 x", "421"),
        ):
            self.server.hub.join(self.zak.irc.session, "#ops")
            self.server.hub.flush()
            lines = self.jane.ask(line)
            self.assertEqual(self.numbers(lines), [number], line)
            self.assertTrue(lines[0].startswith(f":chat.local {number} jane "))
            self.assertLessEqual(len(lines[0].encode()), 510)
        self.assertEqual(self.jane.ask("NOTICE nobody :x"), [])

    def test_too_many_channels(self) -> None:
        self.jane.ask("JOIN " + ",".join(f"#{number}" for number in range(MAX_ROOMS_PER_USER - 1)))
        self.assertEqual(self.numbers(self.jane.ask("JOIN #one-more")), ["405"])

    def test_a_line_that_is_not_utf8_has_its_own_error(self) -> None:
        for who, begin in ((self.zak, ":chat.local FAIL * INVALID_UTF8 :"), (self.jane, ":chat.local NOTICE jane :")):
            who.say(b"PRIVMSG #tea :\xff\r\n")
            self.assertTrue(who.lines()[0].startswith(begin))

    def test_lines_that_are_no_messages_are_refused(self) -> None:
        self.jane.say(b"\r\n  \r\n:only-a-source\r\n@tag\r\n123x y\r\n\0\r\n")
        self.assertEqual(self.numbers(self.jane.lines()), ["421", "421", "421", "421", "400"])
        self.assertEqual(self.jane.ask("PING x"), [":chat.local PONG chat.local x"])


class MessagesOfOneReadTests(IrcTestCase):
    """Jane sends several messages in one read, as a busy program does; zak and kim are friends of hers."""

    def setUp(self) -> None:
        super().setUp()
        self.jane = self.server.irc("jane", "#tea", capabilities="labeled-response echo-message message-tags batch")
        self.zak, self.kim = self.server.irc("zak", "#tea", capabilities="message-tags"), self.server.irc("kim", "#tea")
        for line in ("PRIVMSG zak,kim,#tea :first", "PRIVMSG zak :second"):
            self.jane.ask(line)
        for client in (self.zak, self.kim):
            client.read()
        self.first = self.server.log.last + 1

    def test_each_reader_gets_its_own_in_order_with_their_ids(self) -> None:
        self.jane.say(b"PRIVMSG zak :a\r\nPRIVMSG kim :b\r\nPRIVMSG zak :c\r\n")
        self.assertEqual(
            self.zak.lines(),
            [f"@msgid={self.first + at} :jane!u@guest PRIVMSG zak :{text}" for at, text in ((0, "a"), (2, "c"))],
        )
        self.assertEqual(self.kim.lines(), [":jane!u@guest PRIVMSG kim :b"])

    def test_the_echo_keeps_the_order_and_the_labels(self) -> None:
        self.jane.say(b"@label=1 PRIVMSG zak :a\r\nPRIVMSG kim :b\r\n@label=2 PRIVMSG zak :c\r\n")
        source = ":jane!u@guest PRIVMSG"
        self.assertEqual(
            self.jane.lines(),
            [
                f"@label=1;msgid={self.first} {source} zak :a",
                f"@msgid={self.first + 1} {source} kim :b",
                f"@label=2;msgid={self.first + 2} {source} zak :c",
            ],
        )

    def test_without_the_echo_only_labels_are_acknowledged(self) -> None:
        self.jane.ask("CAP REQ -echo-message")
        self.jane.say(b"@label=1 PRIVMSG #tea :a\r\nPRIVMSG #tea :b\r\n@label=2 PRIVMSG #tea :c\r\n")
        self.assertEqual(self.jane.lines(), [f"@label={label} :chat.local ACK" for label in (1, 2)])
        self.assertEqual(len(self.kim.lines()), 3)

    def test_labels_without_the_capability_are_ignored(self) -> None:
        self.jane.ask("CAP REQ :-labeled-response -echo-message")
        self.jane.say(b"@label=1 PRIVMSG zak :a\r\n@label=2 PRIVMSG zak :b\r\n")
        self.assertEqual((self.jane.lines(), len(self.zak.lines())), ([], 2))

    def test_an_unknown_name_among_them_stops_only_its_own_message(self) -> None:
        self.jane.say(b"PRIVMSG zak :a\r\nPRIVMSG nobody :b\r\nPRIVMSG zak :c\r\n")
        self.assertEqual(self.numbers(self.jane.lines()), ["PRIVMSG", "401", "PRIVMSG"])
        self.assertEqual([line[-1] for line in self.zak.lines()], ["a", "c"])

    def test_a_client_that_has_not_registered_may_not_send_them_even_if_signed_in(self) -> None:
        client = self.server.irc_stranger()
        client.say(b"CAP REQ :sasl\r\nAUTHENTICATE PLAIN\r\nAUTHENTICATE AGpvYW4Ac2VjcmV0\r\n")
        self.assertEqual(self.numbers(client.lines())[-1], "903")
        client.say(b"PRIVMSG zak :a\r\nPRIVMSG zak :b\r\n")
        self.assertEqual(self.numbers(client.lines()), ["451", "451"])
        self.assertEqual(self.zak.lines(), [])

    def test_a_subclass_that_looks_at_the_lines_gets_each_of_them(self) -> None:
        seen = []

        class Looking(IrcProtocol):
            def lineReceived(self, line: bytes) -> None:
                seen.append(line)
                super().lineReceived(line)

        class Changed(IrcProtocol):
            commands = {**COMMANDS, "PRIVMSG": COMMANDS["TAGMSG"]}  # noqa: RUF012

        for protocol in (Looking, Changed):
            self.server.irc_factory.protocol = protocol
            client = self.server.irc(protocol.__name__)
            for _ in range(2):
                client.say(b"PRIVMSG zak :a\r\nPRIVMSG zak :b\r\n")
            client.read()
        self.assertEqual(seen[-2:], [b"PRIVMSG zak :a", b"PRIVMSG zak :b"])
        self.assertEqual(len(self.zak.lines()), 4)


class QueryTests(IrcTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.kim = self.server.irc("kim", "#tea", "#ops", password="secret")
        self.jane = self.server.irc("jane", "#tea")

    def test_members_that_are_not_connected_are_listed_and_marked_as_gone(self) -> None:
        self.kim.drop()
        self.assertEqual(self.jane.ask("NAMES #tea")[0], ":chat.local 353 jane = #tea :jane kim")
        self.assertEqual(
            self.jane.ask("WHO #tea"),
            [
                ":chat.local 352 jane #tea u guest chat.local jane H :0 jane",
                ":chat.local 352 jane #tea u account chat.local kim G :0 kim",
                ":chat.local 315 jane #tea :End of /WHO list",
            ],
        )
        self.assertEqual(self.jane.ask("WHO #tea %tnfa,42")[1], ":chat.local 354 jane 42 kim G kim")
        self.assertEqual(self.jane.ask("ISON jane kim nobody"), [":chat.local 303 jane :jane"])
        self.assertEqual(
            self.jane.ask("PRIVMSG kim :hi"), [":chat.local 301 jane kim :not connected now; the message is kept"]
        )

    def test_whois(self) -> None:
        self.assertEqual(
            self.jane.ask("WHOIS kim kim"),
            [
                ":chat.local 311 jane kim u account * :kim",
                ":chat.local 319 jane kim :#ops #tea",
                ":chat.local 312 jane kim chat.local twisted_chat",
                ":chat.local 330 jane kim kim :is logged in as",
                ":chat.local 318 jane kim :End of /WHOIS list",
            ],
        )
        self.assertEqual(self.numbers(self.jane.ask("WHOIS nobody")), ["401", "318"])
        self.assertEqual(self.numbers(self.jane.ask("WHOIS a*b")), ["401", "318"])
        self.kim.drop()
        self.assertIn(":chat.local 301 jane kim :not connected now", self.jane.ask("WHOIS kim"))

    def test_rooms_are_listed_with_the_topics_of_the_clients_own(self) -> None:
        self.kim.ask("TOPIC #tea :Assam")
        self.kim.ask("TOPIC #ops :secret")
        self.jane.read()
        self.assertEqual(
            self.jane.ask("LIST")[1:-1], [":chat.local 322 jane #ops 1 : ", ":chat.local 322 jane #tea 2 :Assam"]
        )
        self.assertEqual(self.numbers(self.jane.ask("LIST #tea,#no")), ["321", "322", "323"])

    def test_a_long_list_is_several_lines(self) -> None:
        for number in range(100):
            self.server.plain(f"someone-with-a-long-name-{number}", "#tea")
        self.jane.read()
        lines = self.jane.ask("NAMES #tea")
        self.assertGreater(len(lines), 5)
        self.assertLessEqual(max(map(len, lines)), 510)
        self.assertEqual(sum(len(line.split(" :")[1].split()) for line in lines[:-1]), 102)

    def test_queries_that_clients_send_on_their_own(self) -> None:
        for line, numbers in (
            ("MODE jane", ["221"]),
            ("MODE jane +i", ["MODE"]),
            ("MODE #tea", ["324"]),
            ("MODE #tea b", ["368"]),
            ("MODE #tea +b a!*@*", ["482"]),
            ("NAMES", ["366"]),
            ("NAMES #no", ["366"]),
            ("WHO 0", ["315"]),
            ("WHO nobody", ["315"]),
            ("WHOWAS nobody", ["406", "369"]),
            ("MOTD", ["422"]),
            ("LUSERS", ["251", "252", "254", "255", "265", "266"]),
            ("VERSION", ["351"]),
            ("TIME", ["391"]),
        ):
            self.assertEqual(self.numbers(self.jane.ask(line)), numbers, line)

    def test_lusers_counts_users_and_rooms(self) -> None:
        self.server.irc("lok").ask("QUIT")
        self.assertEqual(
            self.jane.ask("LUSERS"),
            [
                ":chat.local 251 jane :There are 2 users and 0 invisible on 1 servers",
                ":chat.local 252 jane 0 :operator(s) online",
                ":chat.local 254 jane 2 :channels formed",
                ":chat.local 255 jane :I have 2 clients and 0 servers",
                ":chat.local 265 jane 2 3 :Current local users 2, max 3",
                ":chat.local 266 jane 2 3 :Current global users 2, max 3",
            ],
        )

    def test_the_factory_names_the_network_and_the_message_of_the_day(self) -> None:
        self.server.irc_factory.network, self.server.irc_factory.motd = "TeaNet", ["have some tea"]
        client = self.server.irc_stranger()
        client.say(b"NICK zak\r\nUSER z 0 * :Z\r\n")
        lines = client.lines()
        self.assertIn("Welcome to TeaNet, zak", lines[0])
        self.assertIn(" NETWORK=TeaNet ", lines[4])
        self.assertEqual(self.numbers(lines)[-3:], ["375", "372", "376"])

    def test_a_message_of_the_day(self) -> None:
        self.jane.irc.motd = ["have some tea"]
        self.assertEqual(self.numbers(self.jane.ask("MOTD")), ["375", "372", "376"])
