"""The Hub: sign-in, messages, rooms, history, and what happens when the log is slow or fails."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.archive import CATCH_UP_PAGE_RECORDS
from twisted_chat.core.cursor import Cursor
from twisted_chat.core.errors import (
    ALREADY_REGISTERED,
    BAD_NAME,
    BAD_TEXT,
    NAME_TAKEN,
    NO_SUCH_ROOM,
    NO_SUCH_USER,
    NOT_A_MEMBER,
    NOT_ALLOWED,
    NOT_REGISTERED,
    UNAVAILABLE,
    ChatError,
)
from twisted_chat.core.hub import Hub
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, TOPIC, Record
from twisted_chat.core.participants import Absence
from twisted_chat.core.rooms import MAX_ROOMS_PER_USER
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import DelayedLog, Recorder


class HubTestCase(SynchronousTestCase):
    """A hub with three guests: jane, Zak and kim."""

    def setUp(self) -> None:
        self.log = MemoryLog(most=1000, now=lambda: 0.0)
        self.begin(self.log)

    def begin(self, log: MemoryLog) -> None:
        self.hub = Hub(log)
        self.jane, self.zak, self.kim = (self.guest(name) for name in ("jane", "Zak", "kim"))

    def guest(self, name: str) -> Recorder:
        participant = Recorder()
        self.successResultOf(self.hub.sign_in(participant, name))
        return participant

    def mean(self, who: Recorder, to: str, text: str, kind: str = MESSAGE, label: str | None = None) -> None:
        """Say a text without a flush."""
        self.hub.say(who, to, [text], kind, label)

    def say(self, who: Recorder, to: str, *texts: str) -> None:
        for text in texts:
            self.mean(who, to, text)
        self.hub.flush()

    def join(self, room: str, *people: Recorder) -> None:
        for participant in people:
            self.hub.join(participant, room)
        self.hub.flush()
        for participant in people:
            participant.seen.clear()
            participant.acknowledged.clear()

    def code(self, call: object, *arguments: object) -> str:
        """Return the code of the error that a call raises."""
        assert callable(call)
        problem: ChatError = self.assertRaises(ChatError, call, *arguments)
        return problem.code

    def history(self, who: Recorder, name: str, before: int = 0, after: int = 0, limit: int = 50) -> list[Record]:
        page: list[Record] = self.successResultOf(self.hub.archive.history(who, name, before, after, limit))
        return page


class SignInTests(HubTestCase):
    def refused(self, who: Recorder, name: str, password: str | None = None) -> ChatError:
        failure = self.failureResultOf(self.hub.sign_in(who, name, password), ChatError)
        assert isinstance(failure.value, ChatError)
        return failure.value

    def test_a_guest_gets_a_user_of_that_name(self) -> None:
        assert self.jane.user is not None
        self.assertEqual(self.jane.user.name, "jane")
        self.assertIs(self.hub.registry.get("jane"), self.jane.user)

    def test_a_registered_participant_cannot_sign_in_again(self) -> None:
        problem = self.refused(self.jane, "joan")
        self.assertEqual(problem.code, ALREADY_REGISTERED)
        self.assertEqual(problem.facts["name"], "jane")
        self.assertEqual(self.hub.registry.online_names(), ["jane", "kim", "Zak"])

    def test_taken_and_invalid_names_are_refused_and_nothing_changes(self) -> None:
        stranger = Recorder()
        self.assertEqual(self.refused(stranger, "JANE").code, NAME_TAKEN)
        self.assertEqual(self.refused(stranger, "a b").code, BAD_NAME)
        self.assertIsNone(stranger.user)

    def test_a_password_without_accounts_is_refused(self) -> None:
        stranger = Recorder()
        self.assertEqual(self.refused(stranger, "max", "secret").code, UNAVAILABLE)
        self.assertIsNone(stranger.user)
        self.assertNotIn("max", self.hub.registry)

    def test_sign_out_frees_the_name_and_leaves_every_room(self) -> None:
        self.join("#tea", self.jane, self.zak)
        self.join("#alone", self.jane)
        self.hub.sign_out(self.jane)
        self.hub.flush()
        self.assertNotIn("jane", self.hub.registry)
        self.assertEqual(self.hub.rooms.names(), ["#tea"])
        self.assertEqual([(record.kind, record.sender) for record in self.zak.seen], [(LEFT, "jane")])
        self.assertEqual(self.zak.news, [("jane", None)])

    def test_sign_out_twice_or_without_a_name_does_nothing(self) -> None:
        self.hub.sign_out(Recorder())
        self.hub.sign_out(self.jane)
        again = self.guest("jane")
        self.hub.sign_out(self.jane)
        self.assertIs(self.hub.registry.get("jane"), again.user)


class SayTests(HubTestCase):
    def test_a_direct_message_reaches_the_friend_alone(self) -> None:
        self.say(self.jane, "zak", "hello")
        self.assertEqual(self.zak.texts, ["hello"])
        record = self.zak.seen[0]
        self.assertEqual((record.id, record.kind, record.sender, record.to), (1, MESSAGE, "jane", "Zak"))
        self.assertEqual((self.jane.seen, self.kim.seen), ([], []))

    def test_the_sender_is_acknowledged(self) -> None:
        self.mean(self.jane, "zak", "one", label="a")
        self.mean(self.jane, "zak", "two")
        self.mean(self.jane, "zak", "three", label="b")
        self.mean(self.jane, "kim", "four", label="c")
        self.hub.flush()
        self.assertEqual(self.jane.acknowledged, [("a", 1), (None, 2), ("b", 3), ("c", 4)])

    def test_nothing_is_stored_or_delivered_before_the_flush(self) -> None:
        self.mean(self.jane, "zak", "hello")
        self.assertEqual((self.zak.seen, self.jane.acknowledged, self.log.last), ([], [], 0))

    def test_a_room_message_reaches_every_other_member(self) -> None:
        self.join("#tea", self.jane, self.zak)
        self.say(self.jane, "#TEA", "hello")
        self.assertEqual([(record.to, record.text) for record in self.zak.seen], [("#tea", "hello")])
        self.assertEqual((self.jane.seen, self.kim.seen), ([], []))

    def test_a_user_may_talk_to_itself(self) -> None:
        self.say(self.jane, "jane", "a note")
        self.assertEqual(self.jane.texts, ["a note"])

    def test_an_action_is_another_kind(self) -> None:
        self.mean(self.jane, "zak", "hello")
        self.mean(self.jane, "zak", "waves", ACTION)
        self.hub.flush()
        self.assertEqual([record.kind for record in self.zak.seen], [MESSAGE, ACTION])

    def test_what_two_people_say_in_turn_keeps_its_order(self) -> None:
        self.join("#tea", self.jane, self.zak, self.kim)
        for who, text in ((self.jane, "1"), (self.zak, "2"), (self.jane, "3"), (self.jane, "4"), (self.zak, "5")):
            self.mean(who, "#tea", text)
        self.hub.flush()
        self.assertEqual(self.kim.texts, ["1", "2", "3", "4", "5"])
        self.assertEqual(self.zak.texts, ["1", "3", "4"])

    def test_each_client_is_flushed_once_a_batch(self) -> None:
        self.join("#tea", self.jane, self.zak)
        before = self.zak.flushes
        self.mean(self.jane, "#tea", "1")
        self.mean(self.jane, "zak", "2")
        self.mean(self.jane, "#tea", "3")
        self.hub.flush()
        self.assertEqual(self.zak.texts, ["1", "2", "3"])
        self.assertEqual(self.zak.flushes, before + 1)

    def test_messages_that_are_not_allowed_are_refused_and_not_stored(self) -> None:
        self.join("#tea", self.zak)
        last = self.log.last
        self.assertEqual(self.code(self.mean, Recorder(), "zak", "x"), NOT_REGISTERED)
        self.assertEqual(self.code(self.mean, self.jane, "nobody", "x"), NO_SUCH_USER)
        self.assertEqual(self.code(self.mean, self.jane, "a b", "x"), BAD_NAME)
        self.assertEqual(self.code(self.mean, self.jane, "#", "x"), BAD_NAME)
        self.assertEqual(self.code(self.mean, self.jane, "#ops", "x"), NO_SUCH_ROOM)
        self.assertEqual(self.code(self.mean, self.jane, "#tea", "x"), NOT_A_MEMBER)
        self.assertEqual(self.code(self.mean, self.jane, "zak", ""), BAD_TEXT)
        self.hub.flush()
        self.assertEqual(self.log.last, last)
        self.assertEqual(self.zak.seen, [])

    def test_an_empty_text_is_refused_after_other_texts_to_the_same_user(self) -> None:
        self.mean(self.jane, "zak", "one")
        self.assertEqual(self.code(self.mean, self.jane, "zak", ""), BAD_TEXT)

    def test_after_a_rename_the_old_name_is_unknown(self) -> None:
        self.mean(self.jane, "zak", "one")
        self.hub.rename(self.zak, "max")
        self.assertEqual(self.code(self.mean, self.jane, "zak", "two"), NO_SUCH_USER)

    def test_after_a_sender_is_renamed_the_next_text_has_the_new_name(self) -> None:
        self.mean(self.jane, "zak", "one")
        self.hub.rename(self.jane, "joan")
        self.mean(self.jane, "zak", "two")
        self.hub.flush()
        self.assertEqual([record.sender for record in self.zak.seen], ["jane", "joan"])

    def test_a_later_guest_of_the_same_name_gets_nothing_that_was_said_before(self) -> None:
        self.begin(DelayedLog())
        log = self.hub.log
        assert isinstance(log, DelayedLog)
        self.say(self.jane, "zak", "for this very zak")
        self.hub.sign_out(self.zak)
        later = self.guest("zak")
        log.keep()
        self.assertEqual(later.seen, [])
        self.say(self.jane, "zak", "for the new one")
        log.keep()
        self.assertEqual(later.texts, ["for the new one"])

    def test_a_new_member_gets_nothing_that_was_said_before(self) -> None:
        self.join("#tea", self.jane, self.zak)
        self.mean(self.jane, "#tea", "before")
        self.hub.join(self.kim, "#tea")
        self.mean(self.jane, "#tea", "after")
        self.hub.flush()
        self.assertEqual(self.kim.texts, ["after"])
        self.assertEqual([record.kind for record in self.zak.seen], [MESSAGE, JOINED, MESSAGE])

    def test_a_former_member_gets_nothing_that_is_said_later(self) -> None:
        self.join("#tea", self.jane, self.zak, self.kim)
        self.mean(self.jane, "#tea", "before")
        self.hub.leave(self.kim, "#tea")
        self.mean(self.jane, "#tea", "after")
        self.hub.flush()
        self.assertEqual(self.kim.texts, ["before"])

    def test_a_sender_is_told_once_that_the_recipient_is_away(self) -> None:
        self.hub.away(self.zak, "at lunch")
        self.assertEqual(self.hub.say(self.jane, "zak", ["hello"]), Absence("Zak", "at lunch"))
        self.assertIsNone(self.hub.say(self.jane, "zak", ["once is enough"]))
        self.hub.away(self.zak, None)
        self.assertIsNone(self.hub.say(self.jane, "zak", ["hello again"]))
        self.hub.flush()
        self.assertEqual(self.zak.texts, ["hello", "once is enough", "hello again"])

    def test_a_user_is_away_while_all_connections_are(self) -> None:
        phone, desk = Recorder(), Recorder()
        user = self.zak.user
        assert user is not None
        phone.user = desk.user = user
        self.hub.away(self.zak, "at lunch")
        self.hub.registry.add_connection(user, phone)
        self.assertIsNone(user.away, "another connection has come")
        self.hub.away(phone, "asleep")
        self.assertEqual(user.away, "asleep")
        self.hub.away(self.zak, "at tea")
        self.assertEqual(user.away, "at tea", "the newest text")
        self.hub.away(self.zak, None)
        self.assertIsNone(user.away, "one is back")
        self.hub.registry.remove_connection(user, self.zak)
        self.assertEqual(user.away, "asleep", "the one that was back is gone")
        self.hub.registry.add_connection(user, desk)
        self.hub.registry.remove_connection(user, phone)
        self.assertIsNone(user.away, "the one that was away is gone")


class RoomTests(HubTestCase):
    def test_members_see_the_joins_and_leaves_of_others(self) -> None:
        self.join("#tea", self.jane)
        self.assertTrue(self.hub.join(self.zak, "#tea", "a"))
        self.hub.flush()
        self.assertTrue(self.hub.leave(self.zak, "#tea", "b"))
        self.hub.flush()
        self.assertEqual([(record.kind, record.sender) for record in self.jane.seen], [(JOINED, "Zak"), (LEFT, "Zak")])
        self.assertEqual(self.zak.seen, [])
        self.assertEqual(self.zak.acknowledged, [("a", 2), ("b", 3)])

    def test_joining_and_leaving_twice_changes_nothing(self) -> None:
        self.assertTrue(self.hub.join(self.jane, "#tea"))
        self.assertFalse(self.hub.join(self.jane, "#Tea"))
        self.assertTrue(self.hub.leave(self.jane, "#tea"))
        self.assertFalse(self.hub.leave(self.jane, "#tea"))
        self.hub.flush()
        self.assertEqual(self.log.last, 2)

    def test_join_needs_a_room_name_a_user_and_a_free_membership(self) -> None:
        self.assertEqual(self.code(self.hub.join, Recorder(), "#tea"), NOT_REGISTERED)
        self.assertEqual(self.code(self.hub.leave, Recorder(), "#tea"), NOT_REGISTERED)
        self.assertEqual(self.code(self.hub.join, self.jane, "tea"), BAD_NAME)
        self.assertEqual(self.code(self.hub.leave, self.jane, "tea"), BAD_NAME)
        for number in range(MAX_ROOMS_PER_USER):
            self.hub.join(self.jane, f"#{number}")
        self.assertEqual(self.code(self.hub.join, self.jane, "#one-more"), NOT_ALLOWED)

    def test_members_set_and_read_the_topic(self) -> None:
        self.join("#tea", self.jane, self.zak)
        self.hub.set_topic(self.jane, "#tea", "Assam")
        self.hub.flush()
        self.assertEqual(self.hub.topic(self.zak, "#tea"), "Assam")
        self.assertEqual([(record.kind, record.text) for record in self.zak.seen], [(TOPIC, "Assam")])
        self.assertEqual(self.code(self.hub.topic, self.kim, "#tea"), NOT_A_MEMBER)
        self.assertEqual(self.code(self.hub.set_topic, self.kim, "#tea", "x"), NOT_A_MEMBER)
        self.assertEqual(self.code(self.hub.topic, self.kim, "#ops"), NO_SUCH_ROOM)
        self.assertEqual(self.code(self.hub.topic, Recorder(), "#tea"), NOT_REGISTERED)

    def test_neighbours_are_told_of_a_rename_and_others_are_not(self) -> None:
        self.join("#tea", self.jane, self.zak)
        self.hub.rename(self.jane, "joan")
        self.assertEqual(self.zak.news, [("jane", "joan")])
        self.assertEqual((self.jane.news, self.kim.news), ([], []))

    def test_a_rename_to_the_same_name_is_not_told(self) -> None:
        self.join("#tea", self.jane, self.zak)
        self.hub.rename(self.jane, "jane")
        self.assertEqual(self.zak.news, [])

    def test_a_rename_that_is_refused_changes_nothing(self) -> None:
        self.assertEqual(self.code(self.hub.rename, self.jane, "ZAK"), NAME_TAKEN)
        self.assertEqual(self.code(self.hub.rename, self.jane, "a b"), BAD_NAME)
        self.assertEqual(self.code(self.hub.rename, Recorder(), "max"), NOT_REGISTERED)
        self.assertEqual(self.code(self.hub.away, Recorder(), "x"), NOT_REGISTERED)
        self.assertEqual(self.hub.registry.online_names(), ["jane", "kim", "Zak"])


class HistoryTests(HubTestCase):
    def test_only_the_two_sides_see_a_direct_conversation(self) -> None:
        self.say(self.jane, "zak", "one")
        self.say(self.zak, "jane", "two")
        self.assertEqual([record.text for record in self.history(self.jane, "zak")], ["one", "two"])
        self.assertEqual(self.history(self.zak, "jane"), self.history(self.jane, "zak"))
        self.assertEqual(self.history(self.kim, "jane"), [])

    def test_the_history_with_an_unknown_name_is_empty(self) -> None:
        self.assertEqual(self.history(self.jane, "nobody"), [])

    def test_a_member_sees_a_rooms_whole_history(self) -> None:
        self.join("#tea", self.jane)
        self.say(self.jane, "#tea", "before zak came")
        self.join("#tea", self.zak)
        self.assertEqual([record.kind for record in self.history(self.zak, "#tea")], [JOINED, MESSAGE, JOINED])

    def test_an_unknown_room_and_a_room_of_others_get_the_same_answer(self) -> None:
        self.join("#tea", self.jane)
        there = self.failureResultOf(self.hub.archive.history(self.zak, "#tea", 0, 0, 5), ChatError).value
        nowhere = self.failureResultOf(self.hub.archive.history(self.zak, "#ops", 0, 0, 5), ChatError).value
        assert isinstance(there, ChatError)
        assert isinstance(nowhere, ChatError)
        self.assertEqual((there.code, nowhere.code), (NO_SUCH_ROOM, NO_SUCH_ROOM))
        self.assertEqual((there.reason, there.facts), (nowhere.reason, {"room": "#tea"}))

    def test_history_comes_in_pages(self) -> None:
        self.say(self.jane, "zak", "1", "2", "3", "4")
        self.assertEqual([record.text for record in self.history(self.jane, "zak", before=4, limit=2)], ["2", "3"])
        self.assertEqual([record.text for record in self.history(self.jane, "zak", after=1, limit=2)], ["2", "3"])

    def test_history_needs_a_name(self) -> None:
        failure = self.failureResultOf(self.hub.archive.history(Recorder(), "#tea", 0, 0, 5), ChatError)
        assert isinstance(failure.value, ChatError)
        self.assertEqual(failure.value.code, NOT_REGISTERED)


class ReadOnTests(HubTestCase):
    """A reader who is behind reads the log from its own position."""

    def read_on(self, cursor: Cursor, who: Recorder) -> tuple[list[str], bool]:
        records, done = self.successResultOf(self.hub.archive.read_on(cursor, who))
        return [record.text for record in records], done

    def cursor(self, who: Recorder, position: int) -> Cursor:
        assert who.user is not None
        return Cursor(who.user.identity, who.user.delivered_rooms, who.sender_number, position)

    def test_it_sees_its_messages_and_is_done_at_the_logs_end(self) -> None:
        cursor = self.cursor(self.zak, 0)
        self.say(self.jane, "zak", "one")
        self.say(self.jane, "kim", "not for zak")
        self.say(self.jane, "zak", "two")
        self.assertEqual(self.read_on(cursor, self.zak), (["one", "two"], True))

    def test_it_reads_a_page_at_a_time(self) -> None:
        cursor = self.cursor(self.zak, 0)
        texts = [str(number) for number in range(CATCH_UP_PAGE_RECORDS + 1)]
        self.say(self.jane, "zak", *texts)
        self.assertEqual(self.read_on(cursor, self.zak), (texts[:CATCH_UP_PAGE_RECORDS], False))
        self.assertEqual(self.read_on(cursor, self.zak), (texts[CATCH_UP_PAGE_RECORDS:], True))

    def test_what_the_log_no_longer_holds_is_a_gap(self) -> None:
        self.begin(MemoryLog(most=10, now=lambda: 0.0))
        cursor = self.cursor(self.zak, 0)
        for number in range(1000):
            self.say(self.jane, "zak", str(number))
        first = self.hub.log.first
        seen, done = self.read_on(cursor, self.zak)
        while not done:
            more, done = self.read_on(cursor, self.zak)
            seen += more
        self.assertEqual(seen, [str(number) for number in range(first - 1, 1000)])
        self.assertEqual(self.zak.words, ["gap"])

    def test_an_empty_log_has_no_gap(self) -> None:
        self.assertEqual(self.read_on(self.cursor(self.zak, 0), self.zak), ([], True))
        self.assertEqual(self.zak.words, [])


class BehindTheLogTests(HubTestCase):
    def setUp(self) -> None:
        self.delayed = DelayedLog()
        self.begin(self.delayed)

    def test_acknowledgement_and_delivery_wait_for_the_log(self) -> None:
        self.say(self.jane, "zak", "one")
        self.say(self.jane, "kim", "two")
        self.assertEqual((self.zak.seen, self.jane.acknowledged), ([], []))
        self.delayed.keep(1)
        self.assertEqual((self.zak.texts, self.jane.acknowledged), (["one"], [(None, 1)]))
        self.assertEqual(self.kim.seen, [])
        self.delayed.keep()
        self.assertEqual((self.kim.texts, self.jane.acknowledged), (["two"], [(None, 1), (None, 2)]))

    def test_a_delivered_entry_forgets_its_participants(self) -> None:
        self.say(self.jane, "zak", "one")
        said = self.delayed._flushed[0]
        self.delayed.keep()
        self.assertIsNone(said.connection)
        self.assertEqual(said.recipients, ())

    def test_delivered_rooms_follow_the_log(self) -> None:
        assert self.jane.user is not None
        self.hub.join(self.jane, "#tea")
        self.hub.flush()
        self.assertEqual((self.jane.user.rooms, self.jane.user.delivered_rooms), ({"#tea"}, {}))
        self.delayed.keep()
        self.assertEqual(self.jane.user.delivered_rooms, {"#tea": 1})
        self.hub.leave(self.jane, "#tea")
        self.hub.flush()
        self.assertEqual((self.jane.user.rooms, self.jane.user.delivered_rooms), (set(), {"#tea": 1}))
        self.delayed.keep()
        self.assertEqual(self.jane.user.delivered_rooms, {})

    def test_a_sign_out_before_the_join_is_stored(self) -> None:
        self.hub.join(self.jane, "#tea")
        self.hub.flush()
        self.hub.sign_out(self.jane)
        self.hub.flush()
        self.delayed.keep()
        self.assertEqual(self.hub.rooms.names(), [])

    def test_a_message_that_cannot_be_stored_is_refused_and_not_delivered(self) -> None:
        self.say(self.jane, "zak", "one")
        self.delayed.fail()
        self.say(self.jane, "zak", "two")
        self.delayed.keep()
        self.assertEqual(self.jane.refusals, [UNAVAILABLE])
        self.assertEqual((self.zak.texts, self.jane.acknowledged), (["two"], [(None, 1)]))

    def test_a_join_or_leave_that_cannot_be_stored_is_undone(self) -> None:
        assert self.jane.user is not None
        self.hub.join(self.jane, "#tea")
        self.hub.flush()
        self.delayed.fail()
        self.assertEqual((self.jane.user.rooms, self.hub.rooms.names()), (set(), []))
        self.hub.join(self.jane, "#tea")
        self.hub.flush()
        self.delayed.keep()
        self.hub.leave(self.jane, "#tea")
        self.hub.flush()
        self.delayed.fail()
        self.assertEqual((self.jane.user.rooms, self.jane.user.delivered_rooms), ({"#tea"}, {"#tea": 1}))
        self.assertEqual(self.jane.refusals, [UNAVAILABLE] * 2)

    def test_a_leave_and_a_join_that_cannot_be_stored_are_undone_together(self) -> None:
        assert self.jane.user is not None
        self.hub.join(self.jane, "#tea")
        self.hub.set_topic(self.jane, "#tea", "Assam")
        self.hub.flush()
        self.delayed.keep()
        self.hub.leave(self.jane, "#tea")
        self.hub.join(self.jane, "#tea")
        self.hub.flush()
        self.delayed.fail()
        self.assertEqual((self.jane.user.rooms, self.jane.user.delivered_rooms), ({"#tea"}, {"#tea": 1}))
        self.assertEqual(self.hub.topic(self.jane, "#tea"), "Assam")
        self.hub.leave(self.jane, "#tea")
        self.hub.flush()
        self.delayed.keep()
        for request in (self.hub.join, self.hub.leave):
            request(self.jane, "#tea")
        self.hub.flush()
        self.delayed.fail()
        self.assertEqual((self.jane.user.rooms, self.jane.user.delivered_rooms), (set(), {}))
        self.assertEqual(self.hub.rooms.names(), [])

    def test_two_connections_changes_that_the_log_gets_in_another_order_leave_what_it_has(self) -> None:
        assert self.jane.user is not None
        self.hub.join(self.jane, "#tea")
        self.hub.flush()
        self.delayed.keep()
        for text in ("Assam", "Sencha"):
            self.hub.set_topic(self.jane, "#tea", text)
        self.hub.leave(self.jane, "#tea")
        self.hub.join(self.jane, "#tea")
        self.hub.flush()
        self.delayed._flushed.reverse()
        self.delayed.keep()
        self.assertEqual((self.jane.user.rooms, self.jane.user.delivered_rooms), (set(), {}))

    def test_a_topic_that_cannot_be_stored_is_undone(self) -> None:
        self.hub.join(self.jane, "#tea")
        for text, keep in (("Assam", True), ("Sencha", False)):
            self.hub.set_topic(self.jane, "#tea", text)
            self.assertEqual(self.hub.topic(self.jane, "#tea"), text)
            self.hub.flush()
            (self.delayed.keep if keep else self.delayed.fail)()
        self.assertEqual(self.hub.topic(self.jane, "#tea"), "Assam")

    def test_a_leave_that_cannot_be_undone_does_not_stop_other_refusals(self) -> None:
        rooms = [f"#room{number}" for number in range(MAX_ROOMS_PER_USER)]
        for room in rooms:
            self.hub.join(self.jane, room)
        self.hub.flush()
        self.delayed.keep()
        self.hub.leave(self.jane, rooms[0])
        self.say(self.zak, "kim", "one")
        self.hub.rooms.join(self.jane.user, "#another")  # type: ignore[arg-type]  # she is signed in
        self.delayed.fail()
        self.assertEqual((self.jane.refusals, self.zak.refusals), ([UNAVAILABLE], [UNAVAILABLE]))

    def test_a_participant_that_has_signed_out_is_told_nothing(self) -> None:
        self.say(self.jane, "zak", "one")
        self.hub.sign_out(self.jane)
        self.delayed.fail()
        self.assertEqual(self.jane.refusals, [])
