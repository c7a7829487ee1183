"""The line door: reads to requests, requests to answers, in order and within bounds."""

from __future__ import annotations

import gc
import weakref

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import NOT_ALLOWED, ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Participant
from twisted_chat.core.registry import User
from twisted_chat.doors.commands import COMMANDS, Command
from twisted_chat.doors.dialects import Answer
from twisted_chat.doors.line import CLOSING, SLICE, UNSTORED, ChatProtocol
from twisted_chat.doors.session import Session
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, DelayedLog, Server
from twisted_chat.wire.line import LONGEST


class LineDoorTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def error(self, connection: Connection, line: bytes) -> str:
        """The code of the one error that a line is answered with."""
        connection.say(line + b"\n")
        [answer] = connection.lines()
        self.assertTrue(answer.startswith("error,"), answer)
        return answer.split(",")[1]


class ReadingTests(LineDoorTestCase):
    """TCP has no message borders."""

    def test_a_line_may_come_in_any_pieces(self) -> None:
        line = "register,Zoë\r\nlist,friends\r\n".encode()
        for cut in range(1, len(line)):
            person = self.server.connect()
            person.say(line[:cut])
            person.say(line[cut:])
            self.assertEqual(person.read(), "ack\r\nZoë\r\n".encode(), line[:cut])
            person.drop()

    def test_a_line_may_come_byte_by_byte(self) -> None:
        person = self.server.connect()
        for byte in "register,Zoë\nlist,friends\n".encode():
            person.say(bytes([byte]))
        self.assertEqual(person.lines(), ["ack", "Zoë"])

    def test_many_lines_may_come_at_once(self) -> None:
        person = self.server.connect()
        person.say(b"register,jane\nlist,friends\nping,1\nping,")
        self.assertEqual(person.lines(), ["ack", "jane", "pong,1"])
        person.say(b"2\n")
        self.assertEqual(person.lines(), ["pong,2"])

    def test_what_one_read_causes_is_one_write_for_each(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        jane.say(b"chat,zak,1\nping,x\nchat,zak,2\nping,y\nchat,zak,3\n")
        self.assertEqual(jane.writes(), [b"pong,x\npong,y\n"])
        self.assertEqual(b"".join(zak.writes()), b"jane says 1\njane says 2\njane says 3\n")

    def test_answers_have_the_ending_that_the_client_uses(self) -> None:
        unix, dos = self.server.plain("unix"), self.server.connect()
        dos.say(b"register,dos\r\n")
        self.assertEqual(dos.read(), b"ack\r\n")
        unix.say(b"chat,dos,hello\n")
        dos.say(b"chat,unix,hello\r\nnonsense\r\n")
        self.assertTrue(dos.read().startswith(b"unix says hello\r\nerror,bad-command,"))
        self.assertEqual(unix.read(), b"dos says hello\n")

    def test_empty_lines_are_nothing(self) -> None:
        person = self.server.plain("jane")
        person.say(b"\n\r\n\n")
        self.assertEqual(person.lines(), [])

    def test_texts_keep_commas_spaces_tabs_and_every_script(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        jane.say("chat,zak, a,,b \t 小明 🍵 \\n ,\n".encode())
        self.assertEqual(zak.lines(), ["jane says  a,,b \t 小明 🍵 \\n ,"])


class BadInputTests(LineDoorTestCase):
    """A clear error line, and nothing else changed."""

    def setUp(self) -> None:
        super().setUp()
        self.zak = self.server.plain("zak")
        self.jane = self.server.plain("jane")

    def tearDown(self) -> None:
        self.assertEqual(self.zak.lines(), [], "nothing reached anybody else")
        self.assertEqual(self.jane.ask("list,friends"), ["jane,zak"])

    def test_what_is_not_utf8(self) -> None:
        for junk in (b"\xff", b"\xc3", b"chat,zak,\xed\xa0\x80"):
            self.assertEqual(self.error(self.jane, junk), "not-utf8")

    def test_control_characters(self) -> None:
        for control in ("\x1b[2J", "\r", "\x00", "\x07", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"):
            self.assertEqual(self.error(self.jane, f"chat,zak,a{control}b".encode()), "bad-text", repr(control))

    def test_a_carriage_return_within_a_line(self) -> None:
        self.assertEqual(self.error(self.jane, b"chat,zak,a\rjane says b"), "bad-text")
        self.jane.say(b"chat,zak,a\r\r\n")
        self.assertTrue(self.jane.lines()[0].startswith("error,bad-text,"))

    def test_control_characters_after_a_plain_chat_to_the_same(self) -> None:
        self.jane.say(b"chat,zak,fine\nchat,zak,not\x1b[2J\n")
        self.assertEqual(self.zak.lines(), ["jane says fine"])
        self.assertTrue(self.jane.lines()[0].startswith("error,bad-text,"))

    def test_a_line_that_is_too_long_in_one_read(self) -> None:
        self.assertEqual(self.error(self.jane, b"chat,zak," + b"x" * LONGEST), "too-long")

    def test_a_line_that_is_too_long_in_a_thousand_reads_is_refused_once(self) -> None:
        self.jane.say(b"chat,zak,")
        for _ in range(1000):
            self.jane.say(b"x" * 50)
        self.jane.say(b"\nping,still here\n")
        lines = self.jane.lines()
        self.assertEqual([line.split(",")[1] for line in lines], ["too-long", "still here"])

    def test_a_line_that_never_ends_is_refused_once_and_not_gathered(self) -> None:
        for _ in range(100):
            self.jane.say(b"x" * 10_000)
            self.assertLessEqual(len(self.jane.chat._tail), LONGEST + 1)
        [refusal] = self.jane.lines()
        self.assertTrue(refusal.startswith("error,too-long,"))
        self.jane.say(b"\n")

    def test_the_longest_line_is_just_right_in_every_form(self) -> None:
        line = b"ping," + b"x" * (LONGEST - 5)
        for ending in (b"\n", b"\r\n"):
            for reads in ([line + ending], [line, ending], [line + ending[:-1], b"\n"]):
                person = self.server.connect()
                for read in reads:
                    person.say(read)
                [answer] = person.lines()
                self.assertEqual(answer, "pong," + "x" * (LONGEST - 5))
                person.drop()

    def test_a_byte_more_is_too_long_in_every_form(self) -> None:
        line = b"ping," + b"x" * (LONGEST - 4)
        for ending in (b"\n", b"\r\n"):
            for reads in ([line + ending], [line, ending], [line + ending[:-1], b"\n"]):
                person = self.server.connect()
                for read in reads:
                    person.say(read)
                [answer] = person.lines()
                self.assertTrue(answer.startswith("error,too-long,"))
                person.drop()

    def test_a_long_line_to_the_same_as_the_one_before_is_too_long_as_well(self) -> None:
        self.jane.say(b"chat,zak,fine\nchat,zak," + b"x" * LONGEST + b"\n")
        self.assertEqual(self.zak.lines(), ["jane says fine"])
        self.assertTrue(self.jane.lines()[0].startswith("error,too-long,"))

    def test_a_label_survives_in_the_refusal(self) -> None:
        for line, code in (
            (b"@7 chat,zak,\xff", "not-utf8"),
            (b"@7 chat,zak,\x1b", "bad-text"),
            (b"@7 " + b"x" * LONGEST, "too-long"),
            (b"@7 nonsense", "bad-command"),
            (b"@7 chat,nobody", "no-such-user"),
        ):
            self.jane.say(line + b"\n")
            self.assertTrue(self.jane.lines()[0].startswith(f"@7 error,{code},"), line)

    def test_the_first_line_that_is_no_command_is_answered_with_a_hint(self) -> None:
        stranger = self.server.connect()
        first, hint = stranger.ask("hello there")
        self.assertTrue(first.startswith("error,bad-command,"))
        self.assertIn("register,<name>", hint)
        self.assertIn("help", hint)
        self.assertEqual(len(stranger.ask("hello again")), 1)

    def test_what_follows_bad_input_in_the_same_read_is_carried_out(self) -> None:
        self.jane.say(b"\xff\nchat,zak,\x00\nping,1\n")
        self.assertEqual([line.split(",")[1] for line in self.jane.lines()], ["not-utf8", "bad-text", "1"])


class TurnsTests(LineDoorTestCase):
    """Who sends a lot at once lets the others have their turn."""

    def test_ten_thousand_lines_in_one_read(self) -> None:
        jane, zak, kim = (self.server.plain(name) for name in ("jane", "zak", "kim"))
        jane.say(b"".join(b"chat,zak,%d\n" % number for number in range(10_000)))
        self.assertTrue(jane.paused, "it is not read from while it has had too much")
        kim.say(b"chat,zak,in between\n")
        lines = zak.lines()
        self.assertLessEqual(lines.index("kim says in between"), SLICE)
        lines.remove("kim says in between")
        self.assertEqual(lines, [f"jane says {number}" for number in range(10_000)])
        self.assertFalse(jane.paused)

    def test_what_is_read_later_comes_after_what_waits(self) -> None:
        jane = self.server.plain("jane")
        jane.say(b"".join(b"ping,%d\n" % number for number in range(2 * SLICE)) + b"ping,la")
        jane.say(b"st\n")
        self.server.turn()
        expected = [f"pong,{number}" for number in range(2 * SLICE)]
        self.assertEqual(jane.lines(), [*expected, "pong,last"])

    def test_who_is_gone_meanwhile_does_no_more(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        jane.say(b"".join(b"chat,zak,%d\n" % number for number in range(4 * SLICE)))
        jane.drop()
        self.assertEqual(zak.lines(), [f"jane says {number}" for number in range(SLICE)])


class LogThatTakesItsTimeTests(LineDoorTestCase):
    """Acknowledgements and deliveries wait for the log; everything else waits behind them."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.jane, self.zak = self.server.program("jane"), self.server.plain("zak")

    def keep(self) -> None:
        self.server.turn()
        self.log.keep()
        self.server.turn()

    def test_answers_keep_the_order_of_the_requests(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 ping,a\n@3 nonsense\n@4 chat,zak,y\n@5 list,friends\n@6 history,zak\n")
        self.assertEqual(self.jane.lines(), [])
        self.keep()
        self.keep()
        lines = self.jane.lines()
        self.assertEqual([line.split()[0] for line in lines], ["@1", "@2", "@3", "@4", "@5", "@6", "@6", "@6"])
        self.assertEqual(self.zak.lines(), ["jane says x", "jane says y"])

    def test_unlabelled_too(self) -> None:
        self.jane.say(b"chat,zak,x\nping,a\nchat,zak,y\n")
        self.keep()
        self.keep()
        self.assertEqual(self.jane.lines(), ["ok,1", "ok,a", "ok,2"])

    def test_who_waits_is_not_read_from_and_then_is_again(self) -> None:
        self.jane.say(b"chat,zak,x\nping,a\n")
        self.assertTrue(self.jane.paused)
        self.keep()
        self.assertFalse(self.jane.paused)
        self.jane.say(b"ping,b\n")
        self.assertEqual(self.jane.lines(), ["ok,1", "ok,a", "ok,b"])

    def test_a_flood_that_the_log_does_not_have_yet_pauses_its_sender(self) -> None:
        said = 0
        while not self.jane.paused and said < 100 * UNSTORED:
            self.jane.say(b"".join(b"chat,zak,%d\n" % number for number in range(said, said + 100)))
            self.server.turn()
            said += 100
        self.assertTrue(self.jane.paused)
        self.assertLessEqual(said, UNSTORED + 2 * SLICE + 100)
        for _ in range(20):
            self.keep()
        self.assertFalse(self.jane.paused)
        self.assertEqual(self.zak.lines(), [f"jane says {number}" for number in range(said)])
        self.assertEqual(self.jane.lines(), [f"ok,{number}" for number in range(1, said + 1)])

    def test_quit_says_everything_first(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 quit\n@3 chat,zak,never\n")
        self.assertFalse(self.jane.closed)
        self.keep()
        self.assertEqual(self.jane.lines(), ["@1 ok,1", "@2 ok"])
        self.assertTrue(self.jane.closed)
        self.keep()
        self.assertEqual(self.zak.lines(), ["jane says x"])

    def test_at_the_end_of_input_everything_is_still_answered(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 ping,a\n@3 chat,zak,y\n")
        self.jane.end_input()
        for _ in range(3):
            self.assertFalse(self.jane.transport.disconnecting and "@3" not in "".join(self.jane.lines()))
            self.keep()
        self.assertTrue(self.jane.closed)
        self.assertEqual(self.zak.lines(), ["jane says x", "jane says y"])

    def test_at_the_end_of_input_every_answer_is_there(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 ping,a\n@3 chat,zak,y\n")
        self.jane.end_input()
        for _ in range(3):
            self.keep()
        self.assertEqual(self.jane.lines(), ["@1 ok,1", "@2 ok,a", "@3 ok,2"])

    def test_a_page_of_history_that_takes_its_time_holds_what_follows(self) -> None:
        self.log.slow = True
        self.jane.say(b"@1 history,zak\n@2 ping,a\n")
        self.assertEqual(self.jane.lines(), [])
        self.assertTrue(self.jane.paused)
        self.log.read_now()
        self.assertEqual(self.jane.lines(), ["@1 ok,0", "@2 ok,a"])
        self.assertFalse(self.jane.paused)

    def test_who_is_gone_before_the_history_comes_is_no_trouble(self) -> None:
        self.log.slow = True
        self.jane.say(b"history,zak\nping,a\n")
        self.jane.drop()
        self.log.read_now()
        self.assertEqual(self.jane.lines(), [])

    def test_who_is_gone_before_the_log_has_it_has_still_said_it(self) -> None:
        self.jane.say(b"chat,zak,my last words\nping,x\n")
        self.jane.drop()
        self.keep()
        self.assertEqual(self.zak.lines(), ["jane says my last words"])

    def test_a_message_for_who_is_gone_meanwhile_is_no_trouble(self) -> None:
        self.jane.say(b"chat,zak,too late\n")
        self.zak.drop()
        self.keep()
        self.assertEqual(self.jane.lines(), ["ok,1"])


class EndTests(LineDoorTestCase):
    """Connections end in every way, and leave nothing behind."""

    def setUp(self) -> None:
        super().setUp()
        self.jane, self.zak = self.server.plain("jane", "#tea"), self.server.program("zak", "#tea")

    def gone(self) -> None:
        """Jane's name and place in the room are free."""
        self.assertEqual(self.server.names(), ["zak"])
        self.assertEqual(self.server.hub.rooms.find("#tea").names(), ["zak"])
        self.server.clock.advance(1)
        self.assertEqual([line.split(",")[0] for line in self.zak.lines()], ["left", "offline"])

    def test_a_dropped_connection_frees_the_name_and_the_rooms(self) -> None:
        self.jane.drop()
        self.gone()
        self.assertEqual(self.server.connect().ask("register,JANE"), ["ack"])

    def test_a_drop_in_mid_line_says_nothing_of_it(self) -> None:
        self.jane.say(b"chat,zak,half a li")
        self.jane.drop()
        self.gone()

    def test_quit_says_bye_and_closes(self) -> None:
        self.jane.say(b"quit\nchat,zak,never\n")
        self.assertEqual(self.jane.lines(), ["bye"])
        self.assertTrue(self.jane.closed)
        self.gone()

    def test_quit_before_a_name(self) -> None:
        stranger = self.server.connect()
        self.assertEqual(stranger.ask("quit"), ["bye"])
        self.assertTrue(stranger.closed)

    def test_a_half_close_is_answered_to_the_last_line(self) -> None:
        self.jane.say(b"".join(b"ping,%d\n" % number for number in range(3 * SLICE)))
        self.jane.end_input()
        self.server.turn()
        self.assertEqual(self.jane.lines(), [f"pong,{number}" for number in range(3 * SLICE)])
        self.assertTrue(self.jane.closed)
        self.gone()

    def test_an_unended_last_line_is_refused_and_not_carried_out(self) -> None:
        self.jane.say(b"ping,1\n@7 chat,zak,half a li")
        self.jane.end_input()
        answer, refusal, *_ = self.jane.lines()
        self.assertEqual(answer, "pong,1")
        self.assertTrue(refusal.startswith("@7 error,bad-command,"))
        self.assertTrue(self.jane.closed)
        self.gone()

    def test_input_may_end_after_quit(self) -> None:
        self.jane.say(b"quit\n")
        self.jane.end_input()
        self.assertTrue(self.jane.closed)

    def test_a_stranger_may_end_the_input_at_once(self) -> None:
        stranger = self.server.connect()
        stranger.end_input()
        self.assertTrue(stranger.closed)
        self.assertEqual(stranger.lines(), [])

    def test_who_does_not_read_the_last_words_is_cut_off(self) -> None:
        self.jane.stop_reading()
        self.jane.say(b"help\nquit\n")
        self.assertFalse(self.jane.closed)
        self.assertEqual(self.server.names(), ["zak"], "the name is free at once")
        self.server.clock.advance(CLOSING)
        self.assertTrue(self.jane.closed)

    def test_a_close_that_is_read_needs_no_cutting_off(self) -> None:
        self.jane.stop_reading()
        self.jane.say(b"quit\n")
        self.jane.read_again()
        self.assertTrue(self.jane.closed)
        self.server.clock.advance(CLOSING)
        self.assertEqual(self.jane.lines(), ["bye"])

    def test_closing_twice_is_closing(self) -> None:
        self.jane.chat.close()
        self.jane.chat.close()
        self.assertTrue(self.jane.closed)

    def test_the_factory_forgets_it(self) -> None:
        self.jane.drop()
        self.assertEqual(self.server.factory.connections, {self.zak.chat})

    def test_lost_connections_are_freed_without_the_cyclic_collector(self) -> None:
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        ways = {
            "a silent stranger": b"",
            "one that is refused": b"register,a b\nnonsense\nlist,friends\n",
            "a plain person": b"register,kim\nchat,zak,x\nchat,kim,note\nhistory,zak\n",
            "a member": b"register,kim\njoin,#tea\nchat,#tea,x\nleave,#tea\njoin,#tea\nchat,#tea,y\n",
            "a program": b"hello,events\nregister,kim\njoin,#tea\nchat,#tea,x\n",
            "the lesson's client": b"register,kim",
            "one who quits": b"register,kim\nquit\n",
            "one in mid-line": b"register,kim\nchat,zak,half a li",
            "one who says a lot": b"register,kim\n" + b"chat,zak,x\n" * 1000,
        }
        before = sessions()
        for who, said in ways.items():
            connection = self.server.connect()
            if said:
                connection.say(said)
            self.server.clock.advance(20)
            self.zak.read()
            door = weakref.ref(connection.chat)
            connection.drop()
            del connection
            self.server.clock.advance(20)
            self.assertIsNone(door(), who)
            self.assertEqual(sessions(), before, who)


def sessions() -> int:
    """How many Sessions there are in this process."""
    return sum(type(one) is Session for one in gc.get_objects())


class SubclassTests(LineDoorTestCase):
    """A Twisted programmer's own ChatProtocol."""

    def use(self, protocol: type[ChatProtocol]) -> Connection:
        self.server.factory.protocol = protocol
        return self.server.plain("jane")

    def test_a_verb_is_a_row_of_the_table(self) -> None:
        def shout(connection: ChatProtocol, label: str | None, text: str) -> Answer:
            return Answer(lines=(text.upper(),), fields=(text.upper(),))

        class Loud(ChatProtocol):
            commands = COMMANDS | {"shout": Command(shout, "shout,<text>", "the same, louder", 1, 1)}

        jane = self.use(Loud)
        self.assertEqual(jane.ask("shout,hello, you"), ["HELLO, YOU"])
        self.assertEqual(jane.ask("@1 shout,hello"), ["@1 ok,HELLO"])
        self.assertTrue(jane.ask("shout")[0].endswith("shout,<text>"))
        self.assertIn("louder", "".join(jane.ask("help,shout")))
        self.assertTrue(self.server.connect().ask("shout,x")[0].startswith("error,not-registered,"))

    def test_lineReceived_sees_every_line(self) -> None:
        seen = []

        class Watching(ChatProtocol):
            def lineReceived(self, line: bytes) -> None:
                seen.append(line)
                super().lineReceived(line)

        jane, zak = self.use(Watching), self.server.plain("zak")
        seen.clear()
        lines = [b"chat,zak,1", b"chat,zak,2", b"chat,zak,3", b"ping,x", b"chat,zak,4"]
        jane.say(b"\n".join(lines) + b"\n")
        self.assertEqual(seen, lines)
        self.assertEqual(len(zak.lines()), 4)

    def test_lineReceived_may_keep_a_line_from_being_carried_out(self) -> None:
        class Polite(ChatProtocol):
            def lineReceived(self, line: bytes) -> None:
                if b"rude" in line:
                    self.sendLine(b"* be kind")
                else:
                    super().lineReceived(line)

        jane, zak = self.use(Polite), self.server.plain("zak")
        jane.say(b"chat,zak,1\nchat,zak,something rude\nchat,zak,2\n")
        self.assertEqual(zak.lines(), ["jane says 1", "jane says 2"])
        self.assertEqual(jane.lines(), ["* be kind"])

    def test_sendLine_sends_at_once_outside_of_a_read(self) -> None:
        jane = self.server.plain("jane")
        jane.chat.sendLine(b"* tea is ready")
        self.assertEqual(jane.lines(), ["* tea is ready"])

    def test_a_verb_that_goes_wrong_is_answered_and_noted(self) -> None:
        def fail(connection: ChatProtocol, label: str | None) -> Answer:
            raise ValueError("a secret of the server's")

        async def fail_later(connection: ChatProtocol, label: str | None) -> Answer:
            return fail(connection, label)

        class Failing(ChatProtocol):
            commands = COMMANDS | {"now": Command(fail, "now", ""), "later": Command(fail_later, "later", "")}

        jane = self.use(Failing)
        for verb in ("now", "later"):
            [answer] = jane.ask(f"@1 {verb}")
            self.assertTrue(answer.startswith("@1 error,unavailable,"))
            self.assertNotIn("secret", answer)
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(jane.ask("ping,x"), ["pong,x"])

    def test_a_verb_may_return_a_Deferred(self) -> None:
        answers: list[Deferred[Answer]] = []

        def slow(connection: ChatProtocol, label: str | None) -> Deferred[Answer]:
            answers.append(Deferred())
            return answers[-1]

        class Slow(ChatProtocol):
            commands = COMMANDS | {"slow": Command(slow, "slow", "")}

        jane = self.use(Slow)
        self.assertEqual(jane.ask("slow\nping,x"), [])
        answers.pop().callback(Answer(lines=("done",)))
        self.assertEqual(jane.lines(), ["done", "pong,x"])
        self.assertEqual(jane.ask("@2 slow"), [])
        answers.pop().errback(ChatError(NOT_ALLOWED, "not today"))
        self.assertEqual(jane.lines(), ["@2 error,not-allowed,not today"])


class SlowHub(Hub):
    """A hub whose sign-in takes its time, as one that asks for a password does."""

    def __init__(self) -> None:
        super().__init__(MemoryLog(now=lambda: 0.0))
        self.door: Deferred[None] = Deferred()

    async def sign_in(self, participant: Participant, name: str, password: str | None = None) -> User:
        await self.door
        return await super().sign_in(participant, name, password)


class SlowSignInTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.hub = SlowHub()
        self.server = Server(hub=self.hub)
        self.jane = self.server.connect()
        self.jane.say(b"register,jane\nlist,friends\n")

    def test_it_holds_the_rest_of_the_connection(self) -> None:
        self.assertEqual(self.jane.lines(), [])
        self.assertEqual(self.server.connect().ask("ping,others go on"), ["pong,others go on"])
        self.hub.door.callback(None)
        self.assertEqual(self.jane.lines(), ["ack", "jane"])

    def test_at_the_end_of_input_it_is_still_answered(self) -> None:
        self.jane.end_input()
        self.assertFalse(self.jane.closed)
        self.hub.door.callback(None)
        self.assertEqual(self.jane.lines(), ["ack", "jane"])
        self.assertTrue(self.jane.closed)

    def test_a_sign_in_that_comes_true_too_late_leaves_no_ghost(self) -> None:
        self.jane.drop()
        self.hub.door.callback(None)
        self.assertEqual(self.server.names(), [])
