"""Conversations: their order, what is unread, and which conversation is next. Completion of a begun word."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.talk import completion
from twisted_chat.talk.conversation import (
    MAX_CONVERSATIONS,
    MAX_UNREAD,
    Conversation,
    Conversations,
    about,
    contains_name,
)
from twisted_chat.wire.events import Event


def said(id: int, sender: str = "zak", to: str = "#tea", text: str = "hi", kind: str = "message") -> Event:
    return Event(kind, sender, to, text, id, 1000 * id)


class NameTests(SynchronousTestCase):
    def test_a_name_counts_only_as_a_word(self) -> None:
        for text in ("Ann?", "hi ann", "(ANN)", "planned, ann", "ann's", "@ann: tea", "ann"):
            self.assertTrue(contains_name(text, "ann"), text)
        for text in ("planned", "annie", "ann_2", "ann7", "jo-anna", "", "änn"):
            self.assertFalse(contains_name(text, "ann"), text)
        self.assertTrue(contains_name("STRASSE ist da", "straße"))


class ConversationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.tea = Conversation("#tea")

    def test_messages_count_as_unread_and_joins_and_leaves_do_not(self) -> None:
        self.tea.arrived(said(3), own=False, mentions=False)
        self.tea.arrived(said(4, kind="joined"), own=False, mentions=False)
        self.assertEqual((list(self.tea.unread), self.tea.last), ([3], 4))

    def test_an_own_message_from_elsewhere_means_that_all_before_it_was_read(self) -> None:
        self.tea.arrived(said(3), own=False, mentions=True)
        self.tea.arrived(said(4), own=True, mentions=False)
        self.assertEqual((list(self.tea.unread), self.tea.highlighted), ([], False))

    def test_it_is_read_up_to_an_id(self) -> None:
        for id in (3, 5, 8):
            self.tea.arrived(said(id), own=False, mentions=id == 3)
        self.tea.read(5)
        self.assertEqual((list(self.tea.unread), self.tea.highlighted), ([8], True))

    def test_direct_messages_and_mentions_are_highlighted(self) -> None:
        self.tea.arrived(said(1), own=False, mentions=False)
        self.assertFalse(self.tea.highlighted)
        self.tea.arrived(said(2), own=False, mentions=True)
        self.assertTrue(self.tea.highlighted)
        zak = Conversation("zak")
        zak.arrived(said(3, to="jane"), own=False, mentions=False)
        self.assertTrue(zak.highlighted)

    def test_unread_messages_are_counted_up_to_a_bound(self) -> None:
        for id in range(1, MAX_UNREAD + 10):
            self.tea.arrived(said(id), own=False, mentions=False)
        self.assertEqual(len(self.tea.unread), MAX_UNREAD)


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

    def test_the_conversation_before_a_closed_one_becomes_current(self) -> None:
        self.all.current = self.ops
        for closed, then in ((self.ops, self.zak), (self.zak, self.tea), (self.tea, None)):
            self.all.close(closed)
            self.assertIs(self.all.current, then)

    def test_highlighted_conversations_are_next(self) -> None:
        self.assertIsNone(self.all.next_unread())
        self.ops.arrived(said(1, to="#ops"), own=False, mentions=False)
        self.assertIs(self.all.next_unread(), self.ops)
        self.zak.arrived(said(2, to="jane"), own=False, mentions=False)
        self.assertIs(self.all.next_unread(), self.zak)

    def test_a_renamed_user_keeps_its_number(self) -> None:
        self.all.rename("zak", "Zakary")
        self.assertIs(self.all.find("zakary"), self.zak)
        self.assertIs(self.all.numbered(2), self.zak)
        self.assertIsNone(self.all.find("zak"))

    def test_a_name_that_another_conversation_has_stays_with_it(self) -> None:
        jo = self.all.open("jo")
        self.all.rename("zak", "jo")
        self.assertIs(self.all.find("jo"), jo)
        self.assertIs(self.all.find("zak"), self.zak)

    def test_there_is_a_bound_and_rooms_and_the_current_conversation_stay(self) -> None:
        self.all.current = self.zak
        for number in range(2 * MAX_CONVERSATIONS):
            self.all.open(f"stranger{number}")
        self.assertEqual(len(self.all), MAX_CONVERSATIONS)
        for kept in (self.tea, self.zak, self.ops):
            self.assertIs(self.all.find(kept.name), kept)

    def test_the_conversation_of_a_record(self) -> None:
        self.assertEqual(about(said(1), "jane"), "#tea")
        self.assertEqual(about(said(1, to="jane"), "jane"), "zak")
        self.assertEqual(about(said(1, sender="Jane", to="zak"), "jane"), "zak")


class CompletionTests(SynchronousTestCase):
    def complete(self, before: str) -> list[str]:
        """Return the lines that each suggestion makes."""
        kinds = {"/to": "both", "/msg": "name", "/join": "room", "/me": ""}
        length, found = completion.complete(before, kinds, kinds.__getitem__, ["zak", "Zoe", "kim"], ["#tea", "#zoo"])
        return [before[: len(before) - length] + text for text in found]

    def test_a_user_at_the_start(self) -> None:
        self.assertEqual(self.complete("z"), ["zak: ", "Zoe: "])

    def test_a_user_behind_an_at_sign(self) -> None:
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
