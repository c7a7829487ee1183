"""Lines for a screen can be read without colours, and cannot control a terminal."""

from __future__ import annotations

from datetime import timezone

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.talk.conversation import Conversations
from twisted_chat.talk.format import MAX_WAITING_SHOWN, Line, bar, notice, problem, record, waiting
from twisted_chat.wire.events import Event
from twisted_chat.wire.terminal import printable

MORNING = 9 * 3_600_000 + 26 * 60_000


def text(line: Line) -> str:
    return "".join(piece for _, piece in line)


def shown(kind: str, said: str = "", to: str = "") -> str:
    return text(record(Event(kind, "zak", "#tea", said, 1, MORNING), "jane", to=to, zone=timezone.utc))


class RecordTests(SynchronousTestCase):
    def test_every_kind_of_record_can_be_read_without_colours(self) -> None:
        self.assertEqual(shown("message", "tea?"), "09:26 zak: tea?")
        self.assertEqual(shown("action", "nods"), "09:26 * zak nods")
        self.assertEqual(shown("notice", "beware"), "09:26 -zak- beware")
        self.assertEqual(shown("joined"), "09:26 *** zak has joined")
        self.assertEqual(shown("left"), "09:26 *** zak has left")
        self.assertEqual(shown("topic", "Assam"), "09:26 *** zak set the topic: Assam")
        self.assertEqual(shown("message", "psst", to="kim"), "09:26 zak to kim: psst")

    def test_a_text_of_several_lines_does_not_look_like_another_message(self) -> None:
        self.assertEqual(shown("message", "one\n09:27 kim: two"), "09:26 zak: one\n      09:27 kim: two")

    def test_characters_that_control_a_terminal_or_change_directions_are_replaced(self) -> None:
        bad = [*map(chr, range(9)), *map(chr, range(0xB, 0x20)), *map(chr, range(0x7F, 0xA0))]
        bad += ["\u2028", "\u2029", "\u202e", "\u2066", "\u2069"]
        for character in bad:
            self.assertEqual(printable(f"a{character}b"), "a\ufffdb", hex(ord(character)))
            for line in (notice(character), problem(character), waiting([character])):
                self.assertNotIn(character, text(line))
        self.assertEqual(printable("a\tb\nc é שלום 👩‍🚀"), "a    b\nc é שלום 👩‍🚀")

    def test_a_name_has_the_same_colour_however_it_is_written(self) -> None:
        first, second = (record(Event("message", name, "#tea", "hi", 1, 0), "jane")[1] for name in ("zak", "Zak"))
        self.assertEqual(first[0], second[0])

    def test_waiting_messages_take_a_few_lines_at_most(self) -> None:
        self.assertEqual(waiting([]), [])
        lines = text(waiting([str(number) for number in range(100)])).splitlines()
        self.assertEqual(lines[0], "   … and 95 earlier")
        self.assertEqual(len(lines), MAX_WAITING_SHOWN + 1)


class BarTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.all = Conversations()
        self.all.current = self.all.open("#tea")

    def unread(self, name: str, count: int, mentions: bool = False) -> None:
        for id in range(count):
            self.all.open(name).arrived(Event("message", "zak", name, "", id + 1), own=False, mentions=mentions)

    def test_unread_counts_and_highlights_can_be_read_without_colours(self) -> None:
        self.unread("#ops", 3)
        self.unread("#den", 2, mentions=True)
        self.unread("zak", 1)
        self.assertEqual(text(bar(self.all, 80)), " 1 #tea  2 #ops(3)  3 #den(2!)  4 zak(1!) ")

    def test_in_a_narrow_bar_unread_conversations_come_first(self) -> None:
        for number in range(20):
            self.all.open(f"#room{number}")
        self.unread("kim", 1)
        self.assertEqual(text(bar(self.all, 41)), " 1 #tea  2 #room0  3 #room1  22 kim(1!) ")
        self.assertEqual(text(bar(self.all, 4)), "")
