"""The line door: lines in any reads, the errors for bad input, and fair turns among clients."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.workload import UNITS_PER_TURN
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.line import MAX_LINE_BYTES


class LineDoorTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def error(self, connection: Connection, line: bytes) -> str:
        """Send a line, and return the code of its answer, which must be one error."""
        connection.say(line + b"\n")
        [answer] = connection.lines()
        self.assertTrue(answer.startswith("error,"), answer)
        return answer.split(",")[1]


class ReadingTests(LineDoorTestCase):
    """A read may hold any part of a line, or many lines."""

    def test_a_line_may_come_in_any_pieces(self) -> None:
        line = "register,Zoë\r\nlist,friends\r\n".encode()
        for cut in range(1, len(line)):
            person = self.server.connect()
            person.say(line[:cut])
            person.say(line[cut:])
            self.assertEqual(person.read(), "ack\r\nZoë\r\n".encode(), line[:cut])
            person.drop()

    def test_further_messages_to_the_same_target_are_checked_like_others(self) -> None:
        unusual = (
            b"chat,zak,a\x01b\nchat,zak,c\n",
            b"chat,zak,a\x01b\x02cXY\nchat,zak,d\r\n",
            b"chat,zak,a\nchat,zak,b\r\nquit\n",
            b"chat,zak,a\n\nchat,zak,\nchat,zak,b\n",
            b"chat,zak,back\\nslash\nchat,zak,half a li",
            b"chat,zak," + b"x" * MAX_LINE_BYTES + b"\nchat,zak,a\n",
            "chat,zak,ä\nchat,zak,\xff".encode("latin-1") + b"\n",
            b"chat,zak,a\nchat,tea,b\n@7 chat,zak,c\n",
        )
        for ending in (b"\n", b"\r\n"):
            for greeting in (b"", b"hello,events" + ending):
                for read in unusual:
                    more = self.talk(greeting, ("jane", "zak", "zak"), ending, read)
                    self.assertEqual(more, self.talk(greeting, ("zak", "zak", "jane"), ending, read))

    def talk(self, greeting: bytes, spoken_to: Sequence[str], ending: bytes, read: bytes) -> list[list[str]]:
        """Return zak's and jane's lines after jane, who has written to `spoken_to`, sends `read` in one read."""
        server = Server()
        zak, jane = server.plain("zak"), server.connect()
        jane.say(greeting + b"register,jane" + ending)
        for name in spoken_to:
            jane.say(f"chat,{name},hi".encode() + ending)
        jane.read()
        zak.read()
        jane.say(read)
        return [client.read().decode().splitlines() for client in (zak, jane)]

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

    def test_one_read_causes_one_write_for_each_client(self) -> None:
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

    def test_empty_lines_are_ignored(self) -> None:
        person = self.server.plain("jane")
        person.say(b"\n\r\n\n")
        self.assertEqual(person.lines(), [])

    def test_texts_keep_commas_spaces_tabs_and_every_script(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        jane.say("chat,zak, a,,b \t 小明 🍵 \\n ,\n".encode())
        self.assertEqual(zak.lines(), ["jane says  a,,b \t 小明 🍵 \\n ,"])


class BadInputTests(LineDoorTestCase):
    """Bad input gets one clear error line, and changes nothing else."""

    def setUp(self) -> None:
        super().setUp()
        self.zak = self.server.plain("zak")
        self.jane = self.server.plain("jane")

    def tearDown(self) -> None:
        self.assertEqual(self.zak.lines(), [], "nothing reached anybody else")
        self.assertEqual(self.jane.ask("list,friends"), ["jane,zak"])

    def test_a_line_that_is_not_utf8(self) -> None:
        for junk in (b"\xff", b"\xc3", b"chat,zak,\xed\xa0\x80"):
            self.assertEqual(self.error(self.jane, junk), "not-utf8")

    def test_control_characters(self) -> None:
        for control in ("\x1b[2J", "\r", "\x00", "\x07", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"):
            self.assertEqual(self.error(self.jane, f"chat,zak,a{control}b".encode()), "bad-text", repr(control))

    def test_a_carriage_return_within_a_line(self) -> None:
        self.assertEqual(self.error(self.jane, b"chat,zak,a\rjane says b"), "bad-text")
        self.jane.say(b"chat,zak,a\r\r\n")
        self.assertTrue(self.jane.lines()[0].startswith("error,bad-text,"))

    def test_control_characters_after_a_valid_message_to_the_same_target(self) -> None:
        self.jane.say(b"chat,zak,fine\nchat,zak,not\x1b[2J\n")
        self.assertEqual(self.zak.lines(), ["jane says fine"])
        self.assertTrue(self.jane.lines()[0].startswith("error,bad-text,"))

    def test_a_line_that_is_too_long_in_one_read(self) -> None:
        self.assertEqual(self.error(self.jane, b"chat,zak," + b"x" * MAX_LINE_BYTES), "too-long")

    def test_a_line_that_is_too_long_in_a_thousand_reads_is_refused_once(self) -> None:
        self.jane.say(b"chat,zak,")
        for _ in range(1000):
            self.jane.say(b"x" * 50)
        self.jane.say(b"\nping,still here\n")
        lines = self.jane.lines()
        self.assertEqual([line.split(",")[1] for line in lines], ["too-long", "still here"])

    def test_a_line_that_never_ends_is_refused_once_and_not_buffered(self) -> None:
        for _ in range(100):
            self.jane.say(b"x" * 10_000)
            self.assertLessEqual(len(self.jane.chat._splitter.tail), MAX_LINE_BYTES + 1)
        [refusal] = self.jane.lines()
        self.assertTrue(refusal.startswith("error,too-long,"))
        self.jane.say(b"\n")

    def test_an_http_request_ends_the_connection(self) -> None:
        browser = self.server.connect()
        browser.say(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nregister,mallory\r\nchat,jane,from a web page\r\n")
        self.assertTrue(browser.lines()[0].startswith("error,bad-command,"))
        self.assertTrue(browser.closed)
        self.assertEqual(self.jane.lines(), [])

    def test_a_text_direction_override_is_refused(self) -> None:
        for char in "\u202d\u202e":
            self.assertEqual(self.error(self.jane, f"chat,zak,a{char}b".encode()), "bad-text")

    def test_the_longest_line_is_accepted_in_every_form(self) -> None:
        line = b"ping," + b"x" * (MAX_LINE_BYTES - 5)
        for ending in (b"\n", b"\r\n"):
            for reads in ([line + ending], [line, ending], [line + ending[:-1], b"\n"]):
                person = self.server.connect()
                for read in reads:
                    person.say(read)
                [answer] = person.lines()
                self.assertEqual(answer, "pong," + "x" * (MAX_LINE_BYTES - 5))
                person.drop()

    def test_one_byte_more_is_too_long_in_every_form(self) -> None:
        line = b"ping," + b"x" * (MAX_LINE_BYTES - 4)
        for ending in (b"\n", b"\r\n"):
            for reads in ([line + ending], [line, ending], [line + ending[:-1], b"\n"]):
                person = self.server.connect()
                for read in reads:
                    person.say(read)
                [answer] = person.lines()
                self.assertTrue(answer.startswith("error,too-long,"))
                person.drop()

    def test_a_long_further_message_to_the_same_target_is_too_long(self) -> None:
        self.jane.say(b"chat,zak,fine\nchat,zak," + b"x" * MAX_LINE_BYTES + b"\n")
        self.assertEqual(self.zak.lines(), ["jane says fine"])
        self.assertTrue(self.jane.lines()[0].startswith("error,too-long,"))

    def test_an_empty_text_among_messages_to_the_same_target(self) -> None:
        self.jane.say(b"chat,zak,1\nchat,zak,2\nchat,zak,\nchat,zak,3\n")
        self.assertEqual(self.zak.lines(), ["jane says 1", "jane says 2", "jane says 3"])
        [refusal] = self.jane.lines()
        self.assertTrue(refusal.startswith("error,bad-text,"))

    def test_each_message_to_a_user_that_has_left_gets_its_error(self) -> None:
        kim = self.server.plain("kim")
        self.jane.say(b"chat,kim,1\n")
        kim.drop()
        self.jane.say(b"chat,kim,2\nchat,kim,3\n")
        self.assertEqual([line.split(",")[1] for line in self.jane.lines()], ["no-such-user"] * 2)

    def test_an_error_carries_the_requests_label(self) -> None:
        for line, code in (
            (b"@7 chat,zak,\xff", "not-utf8"),
            (b"@7 chat,zak,\x1b", "bad-text"),
            (b"@7 " + b"x" * MAX_LINE_BYTES, "too-long"),
            (b"@7 nonsense", "bad-command"),
            (b"@7 chat,nobody", "no-such-user"),
        ):
            self.jane.say(line + b"\n")
            self.assertTrue(self.jane.lines()[0].startswith(f"@7 error,{code},"), line)

    def test_the_first_unknown_command_is_answered_with_a_hint(self) -> None:
        stranger = self.server.connect()
        first, hint = stranger.ask("hello there")
        self.assertTrue(first.startswith("error,bad-command,"))
        self.assertIn("register,<name>", hint)
        self.assertIn("help", hint)
        self.assertEqual(len(stranger.ask("hello again")), 1)

    def test_requests_after_bad_input_in_the_same_read_are_carried_out(self) -> None:
        self.jane.say(b"\xff\nchat,zak,\x00\nping,1\n")
        self.assertEqual([line.split(",")[1] for line in self.jane.lines()], ["not-utf8", "bad-text", "1"])


class TurnsTests(LineDoorTestCase):
    """A client that sends many lines at once does not keep other clients from their turn."""

    def test_ten_thousand_lines_in_one_read(self) -> None:
        jane, zak, kim = (self.server.plain(name) for name in ("jane", "zak", "kim"))
        jane.say(b"".join(b"chat,zak,%d\n" % number for number in range(10_000)))
        self.assertTrue(jane.paused, "it is not read from while it has had too much")
        kim.say(b"chat,zak,in between\n")
        lines = zak.lines()
        self.assertLessEqual(lines.index("kim says in between"), 2 * UNITS_PER_TURN)
        lines.remove("kim says in between")
        self.assertEqual(lines, [f"jane says {number}" for number in range(10_000)])
        self.assertFalse(jane.paused)

    def test_later_reads_are_carried_out_after_waiting_lines(self) -> None:
        jane = self.server.plain("jane")
        jane.say(b"".join(b"ping,%d\n" % number for number in range(2 * UNITS_PER_TURN)) + b"ping,la")
        jane.say(b"st\n")
        self.server.turn()
        expected = [f"pong,{number}" for number in range(2 * UNITS_PER_TURN)]
        self.assertEqual(jane.lines(), [*expected, "pong,last"])

    def test_waiting_lines_of_a_lost_connection_are_dropped(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        jane.say(b"".join(b"chat,zak,%d\n" % number for number in range(4 * UNITS_PER_TURN)))
        jane.drop()
        self.assertEqual(zak.lines(), [f"jane says {number}" for number in range(UNITS_PER_TURN)])
