"""The contract of logs for repeated texts, and for a server that restarts."""

from __future__ import annotations

from twisted_chat.core.errors import BAD_COMMAND
from twisted_chat.core.interfaces import Membership, MessageLog, Restored, RoomState
from twisted_chat.core.messages import ACTION, GUESTS, JOINED, LEFT, MESSAGE, NOTICE, TOPIC, Conversation
from twisted_chat.core.participants import Entry
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import Recorder, entry


class LabelsContract(LogFixture):
    """A log does not store a text again whose label the same client of an account has used before."""

    def setUp(self) -> None:
        super().setUp()
        self.phone = self.client(7)

    def client(self, number: int) -> Recorder:
        recorder = Recorder()
        recorder.sender_number = number
        return recorder

    def said(
        self,
        *texts: str,
        labels: tuple[str | None, ...] = (),
        kind: str = MESSAGE,
        conversation: Conversation = "#tea",
        client: Recorder | None = None,
    ) -> Entry:
        origin = client or self.phone
        return entry(
            *texts, labels=labels, kind=kind, conversation=conversation, connection=origin, recipients=(Recorder(),)
        )

    async def ids_of(self, *entries: Entry) -> list[tuple[str, int]]:
        """Store entries; return the delivered texts with their ids, in the order of the ids."""
        self.batches.clear()
        await self.keep(*entries)
        entries = tuple(one for batch in self.batches for one in batch)
        return sorted(
            ((text, one.first + i) for one in entries for i, text in enumerate(one.texts)), key=lambda x: x[1]
        )

    def delivered_to_recipients(self) -> list[str]:
        return [text for batch in self.batches for one in batch if one.recipients for text in one.texts]

    async def test_a_repeated_text_has_the_first_id_and_is_not_delivered(self) -> None:
        await self.keep(self.said("one", labels=("a",)))
        self.assertEqual(await self.ids_of(self.said("one", labels=("a",))), [("one", 1)])
        self.assertEqual((self.delivered_to_recipients(), self.refused, self.log.last), ([], [], 1))
        self.assertEqual([[one.labels for one in batch] for batch in self.batches if batch], [[{0: "a"}]])

    async def test_new_texts_beside_a_repeated_one_are_stored(self) -> None:
        await self.keep(self.said("one", "two", labels=(None, "b")))
        again = self.said("zero", "two", "three", "four", labels=(None, "b", "c"))
        self.assertEqual(await self.ids_of(again), [("two", 2), ("zero", 3), ("three", 4), ("four", 5)])
        self.assertEqual(self.delivered_to_recipients(), ["zero", "three", "four"])
        page = (await self.log.read(1, {"#tea"}, 0, 10)).records
        self.assertEqual([record.text for record in page], ["one", "two", "zero", "three", "four"])

    async def test_a_different_text_with_the_label_is_refused_and_not_stored(self) -> None:
        await self.keep(self.said("one", labels=("a",)))
        problems: list[str] = []
        self.log.subscribe(self.deliver, lambda entries: problems.extend(one.problem.code for one in entries))  # type: ignore[union-attr]
        await self.keep(
            self.said("other", labels=("a",)),
            self.said("one", labels=("a",), kind=ACTION),
            self.said("one", labels=("a",), conversation="#ops"),
            self.said("one", labels=("a",), conversation=(1, 2)),
            self.said("kept", labels=("b",)),
        )
        self.assertEqual(problems, [BAD_COMMAND] * 4)
        self.assertEqual((self.delivered, self.log.last), (["one", "kept"], 2))

    async def test_a_label_twice_in_one_entry_or_batch(self) -> None:
        await self.keep(
            self.said("one", "one", "two", labels=("a", "a", "b")),
            self.said("two", labels=("b",)),
            self.said("other", labels=("a",)),
            self.said("three"),
        )
        await self.flush(self.log)
        self.assertEqual(self.delivered_to_recipients(), ["one", "two", "three"])
        self.assertEqual((self.refused, self.log.last), (["other"], 3))
        repeats = [(one.texts, one.first) for batch in self.batches for one in batch if not one.recipients]
        self.assertEqual(sorted(repeats), [(["one"], 1), (["two"], 2)])

    async def test_each_request_gets_one_answer(self) -> None:
        labels = tuple(f"{number % 5}" for number in range(40))
        await self.keep(self.said(*(f"{number % 7}" for number in range(40)), labels=labels))
        await self.flush(self.log)
        self.assertEqual(len(self.delivered) + len(self.refused), 40)
        self.assertEqual(self.log.last, 5)

    async def test_a_label_belongs_to_one_client_and_guests_have_none(self) -> None:
        guest = self.client(GUESTS + 3)
        for client in (self.phone, self.client(8), guest, guest):
            await self.keep(self.said("one", labels=("a",), client=client))
        self.assertEqual((self.log.last, self.delivered_to_recipients()), (4, ["one"] * 4))

    async def test_joins_leaves_and_topics_are_stored_once(self) -> None:
        for kind in (JOINED, TOPIC, LEFT):
            for _ in range(2):
                await self.keep(self.said("", labels=(kind,), kind=kind))
            await self.keep(self.said("", labels=(kind,)))
        self.assertEqual((self.log.last, self.refused), (3, ["", "", ""]))
        self.assertEqual(await self.ids_of(self.said("", labels=(LEFT,), kind=LEFT)), [("", 3)])

    async def test_notices_may_use_a_label_again(self) -> None:
        for kind in (MESSAGE, NOTICE, NOTICE):
            await self.keep(self.said("", labels=("a",), kind=kind))
        self.assertEqual(self.log.last, 3)

    async def test_labels_that_look_alike_are_different(self) -> None:
        labels = ("1", "01", "1.0", "a", "A", "1e0", "-", "null")
        await self.keep(self.said(*labels, labels=labels))
        self.assertEqual(self.log.last, len(labels))
        self.assertEqual(await self.ids_of(self.said("A", labels=("A",))), [("A", 5)])

    async def test_a_label_is_found(self) -> None:
        await self.keep(self.said("one", "two", labels=(None, "b")))
        found = await self.log.find_label(7, "b")
        self.assertEqual((found and found.id, found and found.text), (2, "two"))
        self.assertEqual([await self.log.find_label(8, "b"), await self.log.find_label(7, "c")], [None, None])

    async def test_the_same_text_to_the_next_holder_of_a_name_is_a_repeat(self) -> None:
        for guest, text in ((GUESTS + 1, "hi"), (GUESTS + 2, "hi"), (GUESTS + 2, "other")):
            said = self.said(text, labels=("a",), conversation=(1, guest))
            said.envelope = said.envelope._replace(to="Zak" if guest > GUESTS + 1 else "zak")
            await self.keep(said)
        self.assertEqual((self.log.last, self.refused), (1, ["other"]))


class RestoreContract(LogFixture):
    """A log restores which accounts are in which rooms, and the topics."""

    async def reopened(self) -> MessageLog:
        """Return the log as a restarted server finds it."""
        return self.log

    def move(self, author: int, kind: str, room: str, shown: str | None = None) -> Entry:
        return entry("", conversation=room, kind=kind, author=author, to=shown or room)

    async def test_an_empty_log_restores_nothing(self) -> None:
        restored = (await self.reopened()).restore()
        self.assertEqual((list(restored.memberships), dict(restored.rooms)), ([], {}))

    async def test_accounts_memberships_and_topics(self) -> None:
        await self.keep(
            self.move(1, JOINED, "#tea", "#Tea"),
            self.move(2, JOINED, "#tea", "#Tea"),
            self.move(1, JOINED, "#ops"),
            entry("Assam", conversation="#tea", kind=TOPIC, to="#Tea"),
            self.move(1, LEFT, "#ops"),
            entry("Ceylon", conversation="#tea", kind=TOPIC, to="#Tea"),
            self.move(2, LEFT, "#tea", "#Tea"),
            entry("on call", conversation="#ops", kind=TOPIC),
            self.move(2, JOINED, "#tea", "#Tea"),
            entry("not a move"),
        )
        memberships, rooms = (await self.reopened()).restore()
        self.assertEqual(list(memberships), [Membership(1, "#Tea", 1), Membership(2, "#Tea", 9)])
        self.assertEqual(dict(rooms), {"#tea": RoomState(1, "Ceylon")})

    async def test_a_room_begins_with_its_first_member_and_ends_with_its_last(self) -> None:
        topic = entry("Assam", conversation="#tea", kind=TOPIC)
        await self.keep(self.move(GUESTS, JOINED, "#tea"), topic, self.move(1, JOINED, "#tea"))
        await self.keep(self.move(GUESTS, LEFT, "#tea"), self.move(2, JOINED, "#ops"), self.move(2, LEFT, "#ops"))
        await self.keep(self.move(GUESTS + 1, JOINED, "#ops"), self.move(1, LEFT, "#tea"), self.move(1, JOINED, "#tea"))
        await self.keep(self.move(2, JOINED, "#ops"), entry("Green", conversation="#ops", kind=TOPIC))
        memberships, rooms = (await self.reopened()).restore()
        self.assertEqual(list(memberships), [Membership(1, "#tea", 9), Membership(2, "#ops", 10)])
        self.assertEqual(dict(rooms), {"#tea": RoomState(9), "#ops": RoomState(7, "Green")})

    async def test_a_room_ends_when_only_guests_are_left_at_a_restart(self) -> None:
        await self.keep(self.move(1, JOINED, "#tea"), self.move(GUESTS, JOINED, "#tea"), self.move(1, LEFT, "#tea"))
        self.log = await self.reopened()
        self.assertEqual(self.log.restore(), Restored([], {}))
        await self.keep(self.move(1, JOINED, "#tea"))
        self.assertEqual(dict((await self.reopened()).restore().rooms), {"#tea": RoomState(4)})

    async def test_guests_are_in_no_room(self) -> None:
        await self.keep(self.move(GUESTS, JOINED, "#tea"), self.move(GUESTS - 1, JOINED, "#tea"))
        memberships, _ = (await self.reopened()).restore()
        self.assertEqual(list(memberships), [Membership(GUESTS - 1, "#tea", 2)])
