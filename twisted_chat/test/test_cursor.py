"""The records that a cursor takes from the log."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.cursor import Cursor
from twisted_chat.core.interfaces import Page
from twisted_chat.core.messages import JOINED, LEFT, MESSAGE, Conversation, Record, direct
from twisted_chat.core.names import user_name
from twisted_chat.core.registry import UserRegistry
from twisted_chat.test.support import Recorder

OTHER, OTHERS_CONNECTION, THIRD = 900, 90, 901
NO_LIMIT = 1_000_000


def page(records: list[Record]) -> Page:
    """Return a page of these records, up to the last of them."""
    return Page(records, records[-1].id if records else 0)


class CursorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.participant = Recorder()
        self.user = UserRegistry().add_guest(user_name("jane"), 1, self.participant)
        self.ids = 0

    def cursor(self, *rooms: str) -> Cursor:
        self.user.delivered_rooms = dict.fromkeys(rooms, 0)
        return Cursor(self.user.identity, self.user.delivered_rooms, self.participant.sender_number, 0)

    def record(self, where: Conversation, kind: str = MESSAGE, by: int = OTHER, via: int = OTHERS_CONNECTION) -> Record:
        self.ids += 1
        return Record(self.ids, 0, kind, "sender", "to", f"{self.ids}", where, by, via)

    def own(self, where: Conversation, kind: str = MESSAGE) -> Record:
        return self.record(where, kind, self.user.identity, self.participant.sender_number)

    def test_records_of_the_users_rooms_are_seen_and_no_others(self) -> None:
        tea, ops = self.record("#tea"), self.record("#ops")
        self.assertEqual(self.cursor("#tea").take(page([tea, ops]), NO_LIMIT), [tea])

    def test_direct_messages_are_seen_by_their_two_sides(self) -> None:
        mine, others = self.record(direct(OTHER, self.user.identity)), self.record(direct(OTHER, THIRD))
        self.assertEqual(self.cursor().take(page([mine, others]), NO_LIMIT), [mine])

    def test_what_this_connection_sent_is_not_seen_again(self) -> None:
        sent = [self.own("#tea"), self.own(direct(OTHER, self.user.identity))]
        self.assertEqual(self.cursor("#tea").take(page(sent), NO_LIMIT), [])

    def test_what_a_user_says_to_itself_is_seen(self) -> None:
        note = self.own(direct(self.user.identity, self.user.identity))
        self.assertEqual(self.cursor().take(page([note]), NO_LIMIT), [note])

    def test_what_the_users_other_connection_sent_is_seen(self) -> None:
        sent = self.record("#tea", by=self.user.identity, via=self.participant.sender_number + 1)
        self.assertEqual(self.cursor("#tea").take(page([sent]), NO_LIMIT), [sent])

    def test_a_room_is_seen_from_the_users_join_to_its_leave(self) -> None:
        said = [
            self.record("#tea"),
            self.own("#tea", JOINED),
            self.record("#tea"),
            self.record("#tea", JOINED),
            self.own("#tea", LEFT),
            self.record("#tea"),
        ]
        self.assertEqual(self.cursor().take(page(said), NO_LIMIT), said[2:4])

    def test_joins_and_leaves_of_the_users_other_connection_count_and_are_seen(self) -> None:
        said = [
            self.record("#tea", JOINED, self.user.identity, self.participant.sender_number + 1),
            self.record("#tea"),
            self.record("#tea", LEFT, self.user.identity, self.participant.sender_number + 1),
            self.record("#tea"),
        ]
        self.assertEqual(self.cursor().take(page(said), NO_LIMIT), said[:3])

    def test_membership_lasts_from_one_page_to_the_next(self) -> None:
        cursor = self.cursor()
        cursor.take(page([self.own("#tea", JOINED)]), NO_LIMIT)
        later = self.record("#tea")
        self.assertEqual(cursor.take(page([later]), NO_LIMIT), [later])

    def test_the_position_moves_behind_everything_that_was_read(self) -> None:
        cursor = self.cursor()
        cursor.take(page([self.record("#ops"), self.record("#ops")]), NO_LIMIT)
        self.assertEqual(cursor.position, 2)
        cursor.take(page([]), NO_LIMIT)
        self.assertEqual(cursor.position, 2)

    def test_a_page_ends_when_its_texts_reach_the_limit(self) -> None:
        cursor = self.cursor("#tea")
        said = [self.record("#ops"), self.record("#tea"), self.record("#ops"), self.record("#tea")]
        self.assertEqual(cursor.take(page(said), 1), [said[1]])
        self.assertEqual(cursor.position, 2)
        self.assertEqual(cursor.take(page(said[2:]), 1), [said[3]])

    def test_behind_a_gap_it_sees_the_rooms_that_the_user_joined_before(self) -> None:
        cursor = self.cursor("#left-in-the-gap", "#stayed")
        cursor.jump_to(50, ["#stayed", "#joined-in-the-gap"])
        self.ids = 50
        seen = [self.record("#stayed"), self.record("#joined-in-the-gap")]
        unseen = [self.record("#left-in-the-gap"), self.record("#joined-later")]
        self.assertEqual(cursor.take(page(seen + unseen), NO_LIMIT), seen)
