"""A newcomer at `nc` or PuTTY: what is typed wrongly is answered with what to type, and Telnet is understood."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.line.commands import COMMANDS
from twisted_chat.doors.line.dialects import Answer
from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.doors.line.requests import Command
from twisted_chat.doors.line.suggestions import suggestion
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.telnet import DO, DONT, IAC, SB, SE, WILL, WONT, TelnetFilter


class SuggestionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()
        self.stranger = self.server.connect()

    def meant(self, line: str, registered: bool = False) -> str | None:
        return suggestion(line, COMMANDS, registered)

    def test_a_verb_in_capitals_or_with_spaces(self) -> None:
        for line, meant in (
            ("Register,jane", "register,jane"),
            ("register jane", "register,jane"),
            ("chat zak hi", "chat,zak,hi"),
            ("CHAT,zak,hi, you", "chat,zak,hi, you"),
            ("list friends", "list,friends"),
            (" chat,zak,hi", "chat,zak,hi"),
            ("regster,jane", "register,jane"),
        ):
            self.assertEqual(self.meant(line), meant, line)

    def test_the_words_of_irc(self) -> None:
        for line, meant in (
            ("nick jane", "register,jane"),
            ("USER jane 0 * :Jane", "register,jane"),
            ("JOIN #tea", "join,#tea"),
            ("/join #tea", "join,#tea"),
            ("PART #tea :bye", "leave,#tea"),
            ("PRIVMSG zak :hello, you", "chat,zak,hello, you"),
            ("/msg zak hi", "chat,zak,hi"),
            ("NAMES #tea", "list,#tea"),
            ("WHO", "list,friends"),
            ("WHO zak", "list,friends"),
            ("WHOIS zak", "list,friends"),
            ("whois", "list,friends"),
            ("join tea", "join,#tea"),
            ("PART tea", "leave,#tea"),
            ("history zak 5", "history,zak,limit=5"),
            ("unread 3", "unread,limit=3"),
            ("AWAY :out for lunch", "away,out for lunch"),
            ("exit", "quit"),
        ):
            self.assertEqual(self.meant(line), meant, line)
        self.assertEqual(self.meant("NICK janet", registered=True), "rename,janet")

    def test_passwords_are_not_repeated(self) -> None:
        for line in (
            "Register,jane,secret",
            "register jane secret",
            "PASS secret",
            "login secret",
            "Password,a,secret",
            "/msg NickServ IDENTIFY secret",
            "PRIVMSG nickserv :IDENTIFY jane secret",
            "NickServ IDENTIFY secret",
            "/ns identify secret",
            "msg,NickServ,IDENTIFY secret",
        ):
            meant = self.meant(line)
            assert meant is not None
            self.assertNotIn("secret", meant)

    def test_what_is_like_nothing_gets_no_suggestion(self) -> None:
        for line in ("good morning", "hi", "/", ",", "42"):
            self.assertIsNone(self.meant(line), line)
        meant = self.meant("Chat,zak," + "x" * 10_000)
        self.assertEqual(meant, COMMANDS["chat"].usage)

    def test_the_line_door_answers_with_it(self) -> None:
        answer = self.stranger.ask("register jane")[0]
        self.assertEqual(answer, "error,bad-command,unknown command register jane; did you mean register,jane")
        self.assertIn("did you mean chat,zak,hi", self.server.plain("kim").ask("chat zak hi")[0])

    def test_programs_get_none(self) -> None:
        program = self.server.program("bot")
        self.assertEqual(program.ask("Chat,zak"), ["error,bad-command,unknown command Chat; help lists all commands"])

    def test_spaces_around_a_name_are_cut(self) -> None:
        jane = self.server.connect()
        self.assertEqual(jane.ask("register,jane "), ["ack"])
        zak = self.server.connect()
        self.assertEqual(zak.ask("register, zak"), ["ack"])
        self.assertEqual(zak.ask("join,#tea "), ["ack"])
        zak.ask("chat,jane , hello ")
        self.assertEqual(jane.lines(), ["zak says  hello "])
        self.assertEqual(jane.ask("register,x")[0][:24], "error,already-registered")

    def test_spaces_within_a_name_or_a_password_are_not(self) -> None:
        self.assertTrue(self.stranger.ask("register,jane doe")[0].startswith("error,bad-name,"))
        self.assertEqual(self.stranger.ask("register,kim, a b "), ["ack"])
        again = self.server.connect()
        self.assertTrue(again.ask("register,kim,a b")[0].startswith("error,wrong-password,"))


class TelnetTests(SynchronousTestCase):
    NEGOTIATION = bytes((IAC, WILL, 31, IAC, WILL, 32, IAC, DO, 1, IAC, SB, 24, 0, 1, 2, IAC, SE, IAC, DO, 3))

    def test_sequences_are_taken_out_wherever_reads_end(self) -> None:
        data = b"reg" + self.NEGOTIATION + b"ister,jane\r\0list,friends\r\n"
        for size in (1, 2, 3, 7, len(data)):
            telnet, text, answers = TelnetFilter(), b"", b""
            for start in range(0, len(data), size):
                read, answer = telnet.feed(data[start : start + size], text[-1:] == b"\r")
                text, answers = text + read, answers + answer
            self.assertEqual(text.replace(b"\r\n", b"\n"), b"register,jane\nlist,friends\n")
            self.assertEqual(answers, bytes((IAC, DONT, 31, IAC, DONT, 32, IAC, WONT, 1, IAC, WONT, 3)))

    def test_a_client_of_telnet_can_talk(self) -> None:
        server = Server()
        zak, jane = server.plain("zak"), server.connect()
        jane.say(self.NEGOTIATION)
        self.assertEqual(jane.read(), bytes((IAC, DONT, 31, IAC, DONT, 32, IAC, WONT, 1, IAC, WONT, 3)))
        jane.say(b"register,jane\r\0")
        self.assertEqual(jane.read(), b"ack\r\n")
        jane.say(b"chat,zak,hi\r")
        jane.say(b"\0chat,zak,caf\xc3\xa9\r\n")
        self.assertEqual(zak.lines(), ["jane says hi", "jane says caf\u00e9"])

    def test_however_the_reads_are_cut(self) -> None:
        data = b"regi" + self.NEGOTIATION + b"ster,jane\r\0chat,jane,one\r\0chat,jane,two\r\0"
        for size in (1, 2, 3, 5, 11, 50):
            jane = Server().connect()
            for start in range(0, len(data), size):
                jane.say(data[start : start + size])
            shown = jane.read().replace(bytes((IAC, WONT, 1)), b"").replace(bytes((IAC, WONT, 3)), b"")
            shown = shown.replace(bytes((IAC, DONT, 31)), b"").replace(bytes((IAC, DONT, 32)), b"")
            self.assertEqual(shown, b"ack\r\njane says one\r\njane says two\r\n", size)

    def test_a_client_that_only_asks_again_and_again_is_held_to_what_it_reads(self) -> None:
        telnet = TelnetFilter()
        telnet.feed(bytes((IAC, SB, 24)) + b"x" * 1_000_000, False)
        self.assertEqual(telnet._begun, b"", "the parameters of an option are not kept")

    def test_a_line_that_is_not_utf8_is_still_refused(self) -> None:
        jane = Server().plain("jane")
        self.assertTrue(jane.ask("x\0y")[0].startswith("error,bad-text,"))
        jane.say(bytes((IAC, IAC)) + b"\n")
        self.assertTrue(jane.lines()[-1].startswith("error,not-utf8,"))


class VerbWithoutAnswerTests(SynchronousTestCase):
    """A verb of a subclass that sends lines itself and returns no Answer."""

    def use(self, run: Any) -> Connection:
        class Own(ChatProtocol):
            commands = COMMANDS | {"own": Command(run, "own", "")}

        self.server = Server()
        self.server.factory.protocol = Own
        return self.server.plain("jane")

    def test_a_label_is_closed(self) -> None:
        def own(connection: ChatProtocol, label: str | None) -> None:
            connection.sendLine(b"tea is ready")

        jane = self.use(own)
        self.assertEqual(jane.ask("own"), ["tea is ready"])
        self.assertEqual(jane.ask("@1 own"), ["tea is ready", "@1 ok"])
        jane.ask("hello,events")
        self.assertEqual(jane.ask("own"), ["tea is ready", "ok"])

    def test_also_of_a_coroutine(self) -> None:
        async def own(connection: ChatProtocol, label: str | None) -> None:
            connection.sendLine(b"tea is ready")

        self.assertEqual(self.use(own).ask("@1 own"), ["tea is ready", "@1 ok"])

    def test_a_verb_that_says_something_is_closed_once_by_the_log(self) -> None:
        def own(connection: ChatProtocol, label: str | None) -> None:
            connection.hub.say(connection.session, "jane", ["tea"], label=label)

        def at_once(connection: ChatProtocol, label: str | None) -> None:
            own(connection, label)
            connection.hub.flush()

        for run in (own, at_once):
            lines = self.use(run).ask("@1 own")
            self.assertEqual(sorted(lines), ["@1 ok,1", "jane says tea"])

    def test_what_is_no_answer_is_logged_and_answered_and_the_connection_goes_on(self) -> None:
        for result in ("text", 42, Answer(lines=(42,))):  # type: ignore[arg-type]
            jane = self.use(lambda connection, label, result=result: result)
            [line] = jane.ask("own")
            self.assertTrue(line.startswith("error,unavailable,"), line)
            self.assertEqual(len(self.flushLoggedErrors()), 1)
            self.assertEqual(jane.ask("ping,x"), ["pong,x"])
