"""The contract of logs for a reader: what it may see, what is unread, and with whom it talked."""

from __future__ import annotations

from twisted_chat.core.cursor import Cursor
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED, UNREAD_WINDOW_RECORDS, Page, Span, Unread
from twisted_chat.core.messages import ACTION, GUESTS, JOINED, LEFT, MESSAGE, NOTICE, TOPIC, Conversation, Record
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import Entry
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import entry

ZAK, JANE, KIM, GUEST = 1, 2, 3, GUESTS + 5
SOMEWHERE: list[Conversation] = ["#tea", "#ops", "#den", (ZAK, JANE), (ZAK, GUEST), (JANE, KIM), (ZAK, ZAK), (KIM, KIM)]


class ReadingContract(LogFixture):
    """Zak reads: he is in #tea from the start, joins and leaves #ops, and is never in #den."""

    def said(self, conversation: Conversation, author: int = JANE, kind: str = MESSAGE, count: int = 1) -> Entry:
        return entry(*"x" * count, conversation=conversation, author=author, kind=kind)

    async def keep_a_day(self) -> list[Record]:
        """Store a day's records, with zak's membership changes in #ops among them; return them."""
        day = [self.said("#tea", ZAK, JOINED)]
        for kind in (JOINED, LEFT, JOINED, LEFT):
            day += [self.said(conversation, count=1 + number % 3) for number, conversation in enumerate(SOMEWHERE)]
            day += [self.said("#ops", ZAK, kind), self.said("#ops", KIM, JOINED), self.said("#den", KIM, kind)]
            day += [self.said("#ops", ZAK), self.said("#tea", ZAK, TOPIC), self.said((ZAK, JANE), ZAK, ACTION)]
        await self.keep(*day)
        return [record for one in day for record in one.records()]

    def rooms(self, records: list[Record], position: int) -> set[str]:
        """Return the rooms that zak is in at a position, by the records."""
        rooms: set[str] = set()
        for record in records[:position]:
            if record.author == ZAK and isinstance(record.conversation, str):
                if record.kind == JOINED:
                    rooms.add(record.conversation)
                elif record.kind == LEFT:
                    rooms.remove(record.conversation)
        return rooms

    async def pages(self, rooms: set[str], position: int, size: int) -> list[int]:
        """Return the ids that zak sees from a position on, reading `size` records at a time."""
        cursor = Cursor(ZAK, rooms, 0, position)
        seen: list[int] = []
        while cursor.position < self.log.last:
            page = await self.log.read(ZAK, cursor.rooms, cursor.position, size)
            self.assertLessEqual(len(page.records), size)
            self.assertLessEqual(page.up_to, self.log.last)
            before = cursor.position
            seen += [record.id for record in cursor.take(page, 10**9)]
            self.assertGreater(cursor.position, before)
        return seen

    async def test_no_record_is_lost_or_doubled_between_pages(self) -> None:
        records = await self.keep_a_day()
        for position in range(0, len(records), 3):
            rooms = self.rooms(records, position)
            everything = Cursor(ZAK, rooms, 0, position).take(self.page(records[position:]), 10**9)
            for size in (1, 2, 3, 7, 1000):
                seen = await self.pages(rooms, position, size)
                self.assertEqual(seen, [record.id for record in everything], (position, size))

    def page(self, records: list[Record]) -> Page:
        return Page(records, self.log.last)

    async def test_the_direct_conversations_of_others_are_not_read(self) -> None:
        records = await self.keep_a_day()
        seen = await self.pages(set(), 0, 10)
        foreign = {record.id for record in records if record.conversation in ((JANE, KIM), (KIM, KIM), "#den")}
        self.assertFalse(foreign & set(seen))
        mine = {r.id for r in records if not isinstance(r.conversation, str) and ZAK in r.conversation}
        self.assertLessEqual(mine, set(seen))

    async def test_there_is_nothing_after_the_end(self) -> None:
        await self.keep_a_day()
        for position in (self.log.last, self.log.last + 1, 10**15):
            self.assertEqual((await self.log.read(ZAK, {"#tea"}, position, 10)).records, [])
        self.assertEqual((await self.log.read(ZAK, {"#tea"}, self.log.last, 10)).up_to, self.log.last)

    async def test_a_page_ends_with_the_last_delivered_record(self) -> None:
        await self.keep(self.said("#tea"))
        self.log.append(self.said("#tea"))
        page = await self.log.read(ZAK, {"#tea"}, 0, 10)
        self.assertEqual(([record.id for record in page.records], page.up_to), ([1], 1))

    async def test_the_first_membership_change_of_each_room(self) -> None:
        records = await self.keep_a_day()
        changes = [record for record in records if record.author == ZAK and record.kind in (JOINED, LEFT)]
        for position in range(len(records) + 1):
            expected: dict[Conversation, str] = {}
            for record in changes:
                if record.id > position:
                    expected.setdefault(record.conversation, record.kind)
            self.assertEqual(await self.log.first_membership_changes(ZAK, position), expected)

    async def partners(self, identity: int, limit: int = 10, before: int = 10**9) -> list[int]:
        return [contact.partner for contact in await self.log.contacts(identity, before, limit)]

    async def test_contacts_are_listed_latest_first(self) -> None:
        self.assertEqual(await self.partners(ZAK), [])
        await self.keep_a_day()
        self.assertEqual(await self.partners(ZAK), [JANE, ZAK, GUEST])
        await self.keep(self.said((ZAK, GUEST), GUEST))
        self.assertEqual(await self.partners(ZAK), [GUEST, JANE, ZAK])
        self.assertEqual(await self.partners(ZAK, 1), [GUEST])
        self.assertEqual(await self.partners(GUEST), [ZAK])

    async def test_contacts_go_on_before_an_id_and_may_leave_guests_out(self) -> None:
        await self.keep_a_day()
        [jane, zak, guest] = await self.log.contacts(ZAK, 10**9, 10)
        self.assertEqual(await self.log.contacts(ZAK, jane.last, 10), [zak, guest])
        self.assertEqual(await self.log.contacts(ZAK, zak.last, 1), [guest])
        self.assertEqual(await self.log.contacts(ZAK, 10**9, 10, []), [jane, zak])
        self.assertEqual(await self.log.contacts(ZAK, 10**9, 10, [GUEST]), [jane, zak, guest])
        [newest] = await self.log.history(guest.conversation, 0, 0, 1)
        self.assertEqual((guest.last, guest.time), (newest.id, newest.time))

    def from_guest(self, identity: int, name: str, *texts: str) -> Entry:
        return entry(*texts, conversation=(ZAK, identity), author=identity, sender=name, to="zak")

    async def test_a_contact_has_the_name_of_its_newest_record(self) -> None:
        await self.keep(self.from_guest(GUEST, "lok", "hi"), self.from_guest(GUEST + 1, "mia", "hi"))
        await self.keep(self.from_guest(GUEST, "Lokesh", "again"))
        await self.keep(entry("to you", conversation=(ZAK, GUEST + 1), author=ZAK, sender="zak", to="Mia"))
        names = [contact.name for contact in await self.log.contacts(ZAK, 10**9, 10)]
        self.assertEqual(names, ["Mia", "Lokesh"])

    async def test_a_conversation_is_found_by_the_name_in_its_records(self) -> None:
        for identity in (GUEST, GUEST + 1):
            await self.keep(self.from_guest(identity, "Lok", "hi", "zak"))
        await self.keep(self.from_guest(GUEST, "lok", "later"))
        await self.keep(entry("x", conversation=(JANE, GUEST + 2), author=GUEST + 2, sender="lok", to="jane"))
        first, second = Span((ZAK, GUEST), 1, 5), Span((ZAK, GUEST + 1), 3, 4)
        for asked, spans in (("LOK", [first, second]), ("jane", [])):
            self.assertEqual(await self.log.spans(ZAK, None, user_name(asked)), spans)
        self.assertEqual(await self.log.spans(ZAK, GUEST + 1, user_name("lok")), [second])
        self.assertEqual(await self.log.spans(ZAK, GUEST + 9, user_name("lok")), [first, second])
        await self.keep(self.from_guest(GUEST, "renamed", "x"))
        self.assertEqual(await self.log.spans(ZAK, None, user_name("lok")), [second])

    async def test_a_page_looks_at_no_more_conversations_than_records(self) -> None:
        for number in range(30):
            await self.keep(self.from_guest(GUEST + number, f"lok{number}", "hi"), self.said("#tea"))
        await self.keep(self.from_guest(GUEST + 3, "lok3", "again"), self.from_guest(GUEST, "lok0", "and I"))
        for size in (1, 3, 7, 100):
            self.assertEqual(await self.pages({"#tea"}, 0, size), list(range(1, 63)))
            direct = [*range(1, 60, 2), 61, 62]
            self.assertEqual(await self.pages(set(), 0, size), direct)

    async def test_unread_texts_are_counted_for_each_conversation(self) -> None:
        await self.keep(
            entry("hi zak", "zaki?", "Zak: come", "xzak zak_", author=JANE),
            entry("mine, zak", author=ZAK),
            self.said("#tea", kind=JOINED),
            self.said("#ops", count=3),
            self.from_guest(GUEST, "lok", "hi"),
        )
        asked: list[tuple[Conversation, int]] = [("#tea", 0), ("#ops", 8), ((ZAK, GUEST), 0), ("#none", 0)]
        unread = await self.log.unread_in(ZAK, user_name("Zak"), asked)
        self.assertEqual(unread, {"#tea": Unread(4, 2, 1), "#ops": Unread(1, 0, 9), (ZAK, GUEST): Unread(1, 0, 10)})
        self.assertEqual(await self.log.unread_in(ZAK, user_name("zak"), [("#tea", 4), ("#ops", 9)]), {})
        self.assertEqual(await self.log.unread_in(ZAK, user_name("zak"), [("#tea", 2)]), {"#tea": Unread(2, 1, 3)})

    async def test_a_name_is_mentioned_in_any_case_and_beside_other_scripts(self) -> None:
        for name, texts in (
            ("жук", ["Жук, где ты?", "ЖУК!", "привет жук"]),
            ("kim[1]", ["so kim[1] says", "KIM[1]"]),
            ("jane", ["喝茶jane吗", "(jane)"]),
        ):
            after = self.log.last
            await self.keep(entry(*texts, "somebody else", author=JANE))
            unread = await self.log.unread_in(ZAK, user_name(name), [("#tea", after)])
            self.assertEqual(unread, {"#tea": Unread(len(texts) + 1, len(texts), after + 1)}, name)

    async def test_what_is_unread_is_looked_for_in_a_bounded_number_of_records(self) -> None:
        def said_by_zak(count: int) -> list[Entry]:
            return [self.said("#tea", ZAK, TOPIC) for _ in range(count)]

        async def unread() -> dict[Conversation, Unread]:
            return await self.log.unread_in(ZAK, user_name("zak"), [("#tea", 0)])

        await self.keep(*said_by_zak(UNREAD_WINDOW_RECORDS - 1), entry("zak: oldest", author=JANE))
        await self.keep(*said_by_zak(UNREAD_WINDOW_RECORDS - 1))
        found = Unread(1, 1, UNREAD_WINDOW_RECORDS)
        self.assertEqual(await unread(), {"#tea": found})
        await self.keep(entry("newest", author=JANE))
        self.assertEqual(await unread(), {"#tea": found._replace(total=2)})
        await self.keep(*said_by_zak(2))
        self.assertEqual(await unread(), {"#tea": found._replace(total=2, more=True)}, "nothing hides the oldest one")
        await self.keep(*said_by_zak(UNREAD_WINDOW_RECORDS))
        self.assertEqual(await unread(), {"#tea": found._replace(more=True)})

    async def test_what_was_not_looked_at_is_said_to_be_there(self) -> None:
        flood = [self.said("#tea", ZAK, TOPIC) for _ in range(UNREAD_WINDOW_RECORDS)]
        await self.keep(*flood, entry("between", author=JANE))
        await self.keep(*(self.said("#tea", ZAK, TOPIC) for _ in range(UNREAD_WINDOW_RECORDS)))
        first = UNREAD_WINDOW_RECORDS + 1
        self.assertEqual(
            await self.log.unread_in(ZAK, user_name("zak"), [("#tea", 0)]), {"#tea": Unread(0, 0, first, more=True)}
        )

    async def test_unread_is_what_others_sent_to_the_user(self) -> None:
        records = await self.keep_a_day()
        expected_ids = [
            record.id
            for record in records
            if record.kind == MESSAGE
            and record.author != ZAK
            and record.conversation in ("#tea", (ZAK, JANE), (ZAK, GUEST), (ZAK, ZAK))
        ]
        for after in (0, 9, 40, self.log.last):
            for up_to in (0, 10, 60, self.log.last):
                expected = [id for id in expected_ids if after < id <= up_to]
                for limit in (1, 3, 1000):
                    unread, count = await self.log.unread(ZAK, {"#tea": 0}, after, up_to, limit)
                    self.assertEqual([record.id for record in unread], expected[-limit:], (after, up_to, limit))
                    self.assertEqual(count, len(expected))

    async def test_what_was_said_in_a_room_before_the_join_is_not_unread(self) -> None:
        await self.keep(*(self.said("#tea") for _ in range(5)), *(self.said("#ops") for _ in range(5)))
        for joined, after, expected in ((0, 0, [1, 2, 3, 4, 5]), (3, 0, [4, 5]), (3, 4, [5]), (5, 0, [])):
            rooms = {"#tea": joined, "#ops": 9}
            unread, count = await self.log.unread(ZAK, rooms, after, 10, 50)
            self.assertEqual(([record.id for record in unread], count), ([*expected, 10], len(expected) + 1), joined)

    async def test_messages_actions_and_notices_are_unread(self) -> None:
        kinds = (MESSAGE, JOINED, ACTION, TOPIC, NOTICE, LEFT)
        await self.keep(*(self.said("#tea", kind=kind) for kind in kinds))
        unread, count = await self.log.unread(ZAK, {"#tea": 0}, 0, 6, 10)
        self.assertEqual(([record.kind for record in unread], count), ([MESSAGE, ACTION, NOTICE], 3))

    async def test_unread_records_are_counted_up_to_a_bound(self) -> None:
        await self.keep(self.said((ZAK, JANE), count=MAX_UNREAD_COUNTED - 1))
        for expected in (MAX_UNREAD_COUNTED - 1, MAX_UNREAD_COUNTED, MAX_UNREAD_COUNTED + 1, MAX_UNREAD_COUNTED + 1):
            unread, count = await self.log.unread(ZAK, {}, 0, self.log.last, 2)
            self.assertEqual(([record.id for record in unread], count), ([self.log.last - 1, self.log.last], expected))
            await self.keep(self.said((ZAK, JANE)))
