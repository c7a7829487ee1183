"""Conversations: their order, what is unread, and which one is next. Also what a begun word may become."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.talk import completion
from twisted_chat.talk.conversation import MOST, MOST_UNREAD, Conversation, Conversations, about
from twisted_chat.wire.events import Event


def said(id: int, sender: str = "zak", to: str = "#tea", text: str = "hi", kind: str = "message") -> Event:
    return Event(kind, sender, to, text, id, 1000 * id)


class ConversationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.tea = Conversation("#tea")

    def test_what_others_say_is_unread_and_who_comes_and_goes_is_not(self) -> None:
        self.tea.arrived(said(3), own=False, calls=False)
        self.tea.arrived(said(4, kind="joined"), own=False, calls=False)
        self.assertEqual((list(self.tea.unread), self.tea.last), ([3], 4))

    def test_what_one_says_oneself_elsewhere_means_that_all_before_it_was_read(self) -> None:
        self.tea.arrived(said(3), own=False, calls=True)
        self.tea.arrived(said(4), own=True, calls=False)
        self.assertEqual((list(self.tea.unread), self.tea.called), ([], False))

    def test_it_is_read_up_to_an_id(self) -> None:
        for id in (3, 5, 8):
            self.tea.arrived(said(id), own=False, calls=id == 3)
        self.tea.read(5)
        self.assertEqual((list(self.tea.unread), self.tea.called), ([8], True))

    def test_a_person_calls_with_every_message_and_a_room_when_one_is_named(self) -> None:
        self.tea.arrived(said(1), own=False, calls=False)
        self.assertFalse(self.tea.called)
        self.tea.arrived(said(2), own=False, calls=True)
        self.assertTrue(self.tea.called)
        zak = Conversation("zak")
        zak.arrived(said(3, to="jane"), own=False, calls=False)
        self.assertTrue(zak.called)

    def test_unread_messages_are_counted_up_to_a_bound(self) -> None:
        for id in range(1, MOST_UNREAD + 10):
            self.tea.arrived(said(id), own=False, calls=False)
        self.assertEqual(len(self.tea.unread), MOST_UNREAD)


class ConversationsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.all = Conversations()
        self.tea, self.zak, self.ops = (self.all.open(name) for name in ("#tea", "zak", "#ops"))
        self.all.current = self.tea

    def test_a_name_is_the_same_however_it_is_written(self) -> None:
        self.assertIs(self.all.open("ZAK"), self.zak)
        self.assertIs(self.all.find("#Tea"), self.tea)
        self.assertIsNone(self.all.find("tea"))

    def test_they_are_numbered_in_the_order_in_which_they_began(self) -> None:
        self.assertEqual([self.all.numbered(number) for number in range(5)], [None, self.tea, self.zak, self.ops, None])

    def test_when_the_current_one_is_closed_the_one_before_it_takes_its_place(self) -> None:
        self.all.current = self.ops
        for closed, then in ((self.ops, self.zak), (self.zak, self.tea), (self.tea, None)):
            self.all.close(closed)
            self.assertIs(self.all.current, then)

    def test_one_goes_first_to_where_one_was_called(self) -> None:
        self.assertIsNone(self.all.next_unread())
        self.ops.arrived(said(1, to="#ops"), own=False, calls=False)
        self.assertIs(self.all.next_unread(), self.ops)
        self.zak.arrived(said(2, to="jane"), own=False, calls=False)
        self.assertIs(self.all.next_unread(), self.zak)

    def test_a_person_who_is_called_something_else_stays_in_the_same_place(self) -> None:
        self.all.rename("zak", "Zakary")
        self.assertIs(self.all.find("zakary"), self.zak)
        self.assertIs(self.all.numbered(2), self.zak)
        self.assertIsNone(self.all.find("zak"))

    def test_a_name_that_another_conversation_has_is_left_to_it(self) -> None:
        jo = self.all.open("jo")
        self.all.rename("zak", "jo")
        self.assertIs(self.all.find("jo"), jo)
        self.assertIs(self.all.find("zak"), self.zak)

    def test_there_is_a_bound_and_rooms_and_the_current_one_stay(self) -> None:
        self.all.current = self.zak
        for number in range(2 * MOST):
            self.all.open(f"stranger{number}")
        self.assertEqual(len(self.all), MOST)
        for kept in (self.tea, self.zak, self.ops):
            self.assertIs(self.all.find(kept.name), kept)

    def test_where_a_record_belongs(self) -> None:
        self.assertEqual(about(said(1), "jane"), "#tea")
        self.assertEqual(about(said(1, to="jane"), "jane"), "zak")
        self.assertEqual(about(said(1, sender="Jane", to="zak"), "jane"), "zak")


class CompletionTests(SynchronousTestCase):
    def complete(self, before: str) -> list[str]:
        """What the line becomes."""
        kinds = {"/to": "both", "/msg": "name", "/join": "room", "/me": ""}
        length, found = completion.complete(before, kinds, kinds.__getitem__, ["zak", "Zoe", "kim"], ["#tea", "#zoo"])
        return [before[: len(before) - length] + text for text in found]

    def test_a_person_at_the_start(self) -> None:
        self.assertEqual(self.complete("z"), ["zak: ", "Zoe: "])

    def test_a_person_behind_an_at_sign(self) -> None:
        self.assertEqual(self.complete("ask @z"), ["ask @zak ", "ask @Zoe "])
        self.assertEqual(self.complete("@k"), ["@kim "])

    def test_a_room(self) -> None:
        self.assertEqual(self.complete("come to #"), ["come to #tea ", "come to #zoo "])

    def test_a_command(self) -> None:
        self.assertEqual(self.complete("/"), ["/join ", "/me ", "/msg ", "/to "])

    def test_a_commands_first_field(self) -> None:
        self.assertEqual(self.complete("/to z"), ["/to zak ", "/to Zoe "])
        self.assertEqual(self.complete("/to #z"), ["/to #zoo "])
        self.assertEqual(self.complete("/msg k"), ["/msg kim "])
        self.assertEqual(self.complete("/join t"), ["/join #tea "])

    def test_nothing_within_a_text(self) -> None:
        for before in ("", "say z", "/me z", "/msg kim z"):
            self.assertEqual(self.complete(before), [], before)
