"""Texts that change the direction of writing are closed when they come in, at every door."""

import unicodedata

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import Server
from twisted_chat.wire.bidi import closed
from twisted_chat.wire.irc.text import plain_text

LRE, RLE, PDF, LRI, RLI, FSI, PDI = "\u202a\u202b\u202c\u2066\u2067\u2068\u2069"


class ClosedTests(SynchronousTestCase):
    def test_ordinary_texts_are_unchanged(self) -> None:
        closed_texts = (f"{FSI}tea{PDI}", f"{RLE}tea{PDF} {LRI}{RLE}x{PDF}{PDI}")
        for text in ("tea", "\u05e9\u05dc\u05d5\u05dd", "a\u200fb", *closed_texts):
            self.assertEqual(closed(text), text)

    def test_what_is_open_is_closed_from_the_inside(self) -> None:
        self.assertEqual(closed(f"a{RLE}b"), f"a{RLE}b{PDF}")
        self.assertEqual(closed(f"{RLI}a{LRE}b{FSI}c"), f"{RLI}a{LRE}b{FSI}c{PDI}{PDF}{PDI}")

    def test_the_end_of_an_isolate_closes_what_is_within(self) -> None:
        self.assertEqual(closed(f"{RLI}a{LRE}b{PDI}c"), f"{RLI}a{LRE}b{PDI}c")

    def test_what_closes_nothing_is_removed(self) -> None:
        self.assertEqual(closed(f"a{PDI}b{PDF}c"), "abc")
        self.assertEqual(closed(f"{RLE}a{LRI}{PDF}b"), f"{RLE}a{LRI}b{PDI}{PDF}")

    def test_each_line_is_closed(self) -> None:
        self.assertEqual(closed(f"{RLE}a\nb{PDF}"), f"{RLE}a{PDF}\nb")

    def test_irc_texts_are_closed(self) -> None:
        self.assertEqual(plain_text(f"\x02{RLI}a"), f"{RLI}a{PDI}")

    def test_every_control_of_unicode_is_dealt_with(self) -> None:
        kinds = {"LRE", "RLE", "PDF", "LRI", "RLI", "FSI", "PDI", "LRO", "RLO"}
        found = {chr(code) for code in range(0x11_0000) if unicodedata.bidirectional(chr(code)) in kinds}
        self.assertEqual(found, {LRE, RLE, PDF, LRI, RLI, FSI, PDI, "\u202d", "\u202e"})


class DoorTests(SynchronousTestCase):
    def test_no_text_leaves_anything_open_for_a_reader(self) -> None:
        server = Server()
        jane, zak = server.plain("jane", "#tea"), server.plain("zak", "#tea")
        jane.ask("chat,zak")
        zak.read()
        for request in (f"chat,zak,{RLE}a", f"chat,#tea,{RLE}a", f"me,zak,{RLE}a", f"topic,#tea,{RLE}a"):
            jane.ask(request)
            [line] = zak.lines()
            self.assertIn(f"{RLE}a{PDF}", line)
        jane.ask(f"away,{RLE}a")
        [line] = zak.ask("chat,jane")
        self.assertEqual(line, f'*** jane is away: "{RLE}a{PDF}"')

    def test_not_even_in_a_read_of_many_messages(self) -> None:
        server = Server()
        jane, zak = server.plain("jane"), server.plain("zak")
        jane.ask("chat,zak")
        zak.read()
        jane.say(f"chat,zak,{RLI}a\nchat,zak,b\n".encode() * 2)
        self.assertEqual(zak.lines(), [f"jane says {RLI}a{PDI}", "jane says b"] * 2)
        irc = server.irc("bob")
        irc.say(b"PRIVMSG zak :a\r\n")
        zak.read()
        irc.say(f"PRIVMSG zak :{RLI}a\r\nPRIVMSG zak :b\r\n".encode())
        self.assertEqual(zak.lines(), [f"bob says {RLI}a{PDI}", "bob says b"])
