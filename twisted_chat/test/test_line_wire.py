"""The line protocol's requests and answers: parsing and rendering."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.wire.errors import BAD_COMMAND, BAD_TEXT, NOT_UTF8, TOO_LONG, ParseError
from twisted_chat.wire.line import (
    MAX_LINE_BYTES,
    error,
    escape,
    label_of,
    ok,
    parse,
    parse_chats,
    request,
    unescape,
)
from twisted_chat.wire.stream import Messages


class ParseTests(SynchronousTestCase):
    def refused(self, line: bytes) -> tuple[str, str | None]:
        """Return the code of the error that a line causes, and the label that the error carries."""
        problem: ParseError = self.assertRaises(ParseError, parse, line)
        return problem.code, problem.label

    def test_a_request_is_a_verb_and_the_rest(self) -> None:
        self.assertEqual(parse(b"quit"), (None, "quit", None))
        self.assertEqual(parse(b"chat,zak,one, two"), (None, "chat", "zak,one, two"))
        self.assertEqual(parse(b"chat,"), (None, "chat", ""))
        self.assertEqual(parse(b""), (None, "", None))

    def test_a_label_stands_in_front(self) -> None:
        self.assertEqual(parse(b"@7 chat,zak"), ("7", "chat", "zak"))
        longest = "aZ09._-".ljust(64, "x")
        self.assertEqual(parse(f"@{longest} quit".encode()), (longest, "quit", None))

    def test_an_invalid_label_is_refused(self) -> None:
        for line in (b"@ quit", b"@", b"@a/b quit", "@ä quit".encode(), b"@" + b"x" * 65 + b" quit", b"@a,b"):
            self.assertEqual(self.refused(line), (BAD_COMMAND, None))

    def test_a_label_without_a_verb_is_a_label(self) -> None:
        self.assertEqual(parse(b"@7"), ("7", "", None))
        self.assertEqual(parse(b"@7  quit"), ("7", " quit", None))

    def test_a_line_may_be_16_KiB_and_no_longer(self) -> None:
        self.assertEqual(parse(b"x" * MAX_LINE_BYTES)[1], "x" * MAX_LINE_BYTES)
        self.assertEqual(self.refused(b"x" * (MAX_LINE_BYTES + 1)), (TOO_LONG, None))
        self.assertEqual(self.refused(b"@7 " + b"x" * MAX_LINE_BYTES), (TOO_LONG, "7"))

    def test_a_line_that_is_not_utf8_is_refused(self) -> None:
        for junk in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"):
            self.assertEqual(self.refused(b"@7 chat,zak," + junk), (NOT_UTF8, "7"))
        self.assertEqual(self.refused(b"\xff\xfe"), (NOT_UTF8, None))

    def test_control_characters_except_tab_are_refused(self) -> None:
        self.assertEqual(parse(b"chat,zak,a\tb")[2], "zak,a\tb")
        controls = [chr(number) for number in (*range(9), *range(10, 32), *range(127, 160), 0x2028, 0x2029)]
        for control in controls:
            self.assertEqual(self.refused(f"@7 chat,zak,a{control}b".encode()), (BAD_TEXT, "7"), repr(control))

    def test_other_characters_pass(self) -> None:
        text = "zak,häß 小明 🍵 \u200d\u00a0\u202b"
        self.assertEqual(parse(f"chat,{text}".encode())[2], text)

    def test_the_label_of_an_invalid_line(self) -> None:
        self.assertEqual(label_of(b"@7 \xff"), "7")
        for line in (b"7 \xff", b"@7", b"@\xff x", b""):
            self.assertIsNone(label_of(line))


class ParseChatsTests(SynchronousTestCase):
    def test_messages_are_parsed_together(self) -> None:
        lines = "chat,zak,a\tb\n@7 chat,#tea,one, two\nchat,zak,häß 小明 🍵\n".encode()
        expected = Messages(("zak", "#tea", "zak"), ["a\tb", "one, two", "häß 小明 🍵"], {1: "7"})
        self.assertEqual(parse_chats(lines), expected)

    def test_a_run_of_messages_to_the_same_target_is_split(self) -> None:
        expected = Messages(("zak", "zak", "zak"), ["a,b", "chat,zak,c", "d"], {})
        self.assertEqual(parse_chats(b"chat,zak,a,b\nchat,zak,chat,zak,c\nchat,zak,d\n"), expected)

    def test_each_line_gives_the_same_as_when_it_is_parsed_alone(self) -> None:
        lines = b"@a.b-c_9 chat,zak,,,\nchat, zak , \nchat,chat,chat,zak,x\n"
        chats = parse_chats(lines)
        assert chats is not None
        for index, line in enumerate(lines.split(b"\n")[:-1]):
            request = (chats.labels.get(index), "chat", f"{chats.targets[index]},{chats.texts[index]}")
            self.assertEqual(request, parse(line))

    def test_any_other_line_is_left_to_parse(self) -> None:
        for line in (
            b"chat,zak", b"chat,zak,", b"chat,,x", b"me,zak,x", b"xchat,zak,x", b" chat,zak,x", b"", b"quit",
            b"@ chat,zak,x", b"@a,b chat,zak,x", b"@" + b"x" * 65 + b" chat,zak,x", b"@7  chat,zak,x", b"Chat,zak,x",
            b"chat,zak,\xff", b"chat,zak,a\rb", b"chat,zak,\x1b[2J", b"chat,zak,\x7f", "chat,zak,ä\x85".encode(),
            "chat,zak,\u2028".encode(), b"chat,zak," + b"x" * MAX_LINE_BYTES,
        ):  # fmt: skip
            for lines in (line + b"\n", b"chat,zak,x\n" + line + b"\n", line + b"\nchat,zak,x\n"):
                self.assertIsNone(parse_chats(lines), lines[:40])

    def test_the_longest_line_passes(self) -> None:
        line = b"chat,zak," + b"x" * (MAX_LINE_BYTES - 9) + b"\n"
        chats = parse_chats(line * 3)
        self.assertEqual([len(text) for text in chats.texts] if chats else [], [MAX_LINE_BYTES - 9] * 3)


class RenderTests(SynchronousTestCase):
    def test_a_request_reads_back(self) -> None:
        self.assertEqual(request("quit"), "quit")
        line = request("chat", "zak", "one, two", label="7")
        self.assertEqual(line, "@7 chat,zak,one, two")
        self.assertEqual(parse(line.encode()), ("7", "chat", "zak,one, two"))

    def test_closing_lines(self) -> None:
        self.assertEqual(ok(None), "ok")
        self.assertEqual(ok("7", ("jane", "guest")), "@7 ok,jane,guest")
        self.assertEqual(error(None, "bad-name", "too long"), "error,bad-name,too long")
        self.assertEqual(error("7", "bad-name", "too long"), "@7 error,bad-name,too long")


class EscapeTests(SynchronousTestCase):
    def test_line_breaks_and_backslashes_are_sent_as_two_characters(self) -> None:
        for text, escaped in (("a\nb", r"a\nb"), ("a\\nb", r"a\\nb"), ("\\", r"\\"), ("plain, ä", "plain, ä")):
            self.assertEqual(escape(text), escaped)
            self.assertEqual(unescape(escaped), text)

    def test_anything_else_after_a_backslash_is_refused(self) -> None:
        for text in ("\\", "a\\", r"\t", r"\N", r"\\\ ", r"\ä"):
            self.assertEqual(self.assertRaises(ParseError, unescape, text).code, BAD_TEXT)
