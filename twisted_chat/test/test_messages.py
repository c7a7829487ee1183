"""What is said, and where it belongs; entries and their records."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.messages import MESSAGE, Record, direct
from twisted_chat.test.support import Recorder, entry, kept


class ConversationTests(SynchronousTestCase):
    def test_both_sides_mean_the_same_direct_conversation(self) -> None:
        self.assertEqual(direct(7, 3), direct(3, 7))

    def test_one_may_talk_to_oneself(self) -> None:
        self.assertEqual(direct(3, 3), (3, 3))


class EntryTests(SynchronousTestCase):
    def test_each_text_becomes_a_record_and_their_ids_follow_each_other(self) -> None:
        origin = Recorder()
        said = kept(41, 1000, entry("one", "two", connection=origin, author=7))
        one, two = said.records()
        self.assertEqual(one, Record(41, 1000, MESSAGE, "jane", "#tea", "one", "#tea", 7, origin.sender_number))
        self.assertEqual(two, one._replace(id=42, text="two"))
