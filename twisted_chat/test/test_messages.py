"""Test conversations, the kinds of records, and the records of entries."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.messages import KINDS, MESSAGE, SPOKEN, Record, direct
from twisted_chat.test.support import Recorder, entry, kept
from twisted_chat.wire import events


class ConversationTests(SynchronousTestCase):
    def test_both_users_have_the_same_direct_conversation(self) -> None:
        self.assertEqual(direct(7, 3), direct(3, 7))

    def test_a_user_may_talk_to_itself(self) -> None:
        self.assertEqual(direct(3, 3), (3, 3))


class KindTests(SynchronousTestCase):
    def test_the_wire_knows_the_same_kinds_of_texts(self) -> None:
        self.assertEqual(SPOKEN, events.SPOKEN)

    def test_each_kind_is_a_text_or_changes_a_room(self) -> None:
        for name, kind in KINDS.items():
            facts = (kind.is_text, kind.changes_membership, kind.sets_topic)
            self.assertEqual(facts.count(True), 1, name)


class EntryTests(SynchronousTestCase):
    def test_each_text_becomes_a_record_with_the_next_id(self) -> None:
        origin = Recorder()
        stored = kept(41, 1000, entry("one", "two", connection=origin, author=7))
        one, two = stored.records()
        self.assertEqual(one, Record(41, 1000, MESSAGE, "jane", "#tea", "one", "#tea", 7, origin.sender_number))
        self.assertEqual(two, one._replace(id=42, time=1001, text="two"))
