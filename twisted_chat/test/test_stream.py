"""Streams become lines of text, wherever their reads end."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.wire.stream import LineSplitter, decode_lines

LIMIT = 1000


class LineSplitterTests(SynchronousTestCase):
    def test_lines_come_out_the_same_at_every_cut(self) -> None:
        stream = b"register,jane\r\nchat,zak,a\nb\n\nlast"
        for cut in range(len(stream) + 1):
            splitter = LineSplitter(LIMIT)
            lines = splitter.feed(stream[:cut]) + splitter.feed(stream[cut:])
            self.assertEqual((lines, splitter.tail), (b"register,jane\nchat,zak,a\nb\n\n", b"last"), cut)
            self.assertTrue(splitter.crlf)

    def test_a_line_that_is_too_long_comes_once_and_takes_no_memory(self) -> None:
        splitter = LineSplitter(LIMIT)
        fed = b""
        for _ in range(100):
            fed += splitter.feed(b"x" * 100)
            self.assertLessEqual(len(splitter.tail), LIMIT + 1)
        fed += splitter.feed(b"\nquit\n")
        first, second, _ = fed.split(b"\n")
        self.assertGreater(len(first), LIMIT)
        self.assertLess(len(first), LIMIT + 200)
        self.assertEqual(second, b"quit")

    def test_the_longest_line_is_not_too_long(self) -> None:
        line = b"x" * LIMIT
        for ending in (b"\n", b"\r\n"):
            for cut in (LIMIT - 1, LIMIT, LIMIT + 1):
                splitter = LineSplitter(LIMIT)
                data = line + ending
                self.assertEqual(splitter.feed(data[:cut]) + splitter.feed(data[cut:]), line + b"\n")


class DecodeLinesTests(SynchronousTestCase):
    def test_lines_of_text_are_decoded(self) -> None:
        for lines in ("a\tb\n", "häß 小明 🍵\n\n", "x" * LIMIT + "\nä\n"):
            self.assertEqual(decode_lines(lines.encode(), LIMIT), lines)

    def test_anything_else_is_left_to_the_parser_of_one_line(self) -> None:
        for bad in (
            b"\xff",
            b"a\rb",
            b"\0",
            b"\x1b[2J",
            b"\x7f",
            "ä\x85".encode(),
            "\u2028".encode(),
            b"x" * (LIMIT + 1),
        ):
            for lines in (bad + b"\n", b"a\n" + bad + b"\n", bad + "\nä\n".encode()):
                self.assertIsNone(decode_lines(lines, LIMIT), lines[:40])
