"""The contract of core.interfaces.MessageLog, as mixins for the tests of each log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import MessageLog
from twisted_chat.core.messages import ACTION, Conversation, Record
from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import Entry, Envelope, Route, User
from twisted_chat.test.support import Recorder, entry

if TYPE_CHECKING:
    Base = TestCase
else:
    Base = object

ZAK_AND_JANE: Conversation = (1, 2)
SEVERAL: dict[str, Conversation] = {"zak": (1, 2), "kim": (1, 3)}
NOW = 1_700_000_000.25
"""The time at which the tests begin, in seconds since 1970."""


class LogFixture(Base):
    """Makes a log, and notes what it delivers and refuses. The TestCase makes a log whose clock shows `now`."""

    now = NOW

    def make_log(self) -> MessageLog:
        """Return an empty log."""
        raise NotImplementedError

    async def flush(self, log: MessageLog) -> None:
        """Flush the log, and wait until everything is stored and delivered."""
        log.flush()

    def setUp(self) -> None:
        self.log = self.make_log()
        self.batches: list[list[Entry]] = []
        self.refused: list[str] = []
        self.log.subscribe(self.deliver, self.refuse)

    def deliver(self, entries: Sequence[Entry]) -> None:
        self.batches.append(list(entries))

    def refuse(self, entries: Sequence[Entry]) -> None:
        self.refused += [text for entry in entries for text in entry.texts]

    @property
    def delivered(self) -> list[str]:
        """Return the delivered texts, in order."""
        return [text for batch in self.batches for one in batch for text in one.texts]

    async def keep(self, *entries: Entry) -> None:
        for one in entries:
            self.log.append(one)
        await self.flush(self.log)


class LogContract(LogFixture):
    """A log stores entries in order, and readers can read them."""

    async def read(self, after: int, limit: int) -> list[Record]:
        """Read as the author of all records in these tests, who is in all rooms."""
        return (await self.log.read(1, ("#tea", "#ops"), after, limit)).records

    async def test_an_entry_to_several_people_has_each_text_in_its_conversation(self) -> None:
        zak, kim = (Route(Envelope("jane", to, pair, 1, 7), User(user_name(to), 9)) for to, pair in SEVERAL.items())
        for count in (1, 50):  # rows for one statement, and for several
            routes, texts = [zak, kim, zak] * count, [f"{count}-{index}" for index in range(3 * count)]
            await self.keep(MixedEntry("message", routes, texts, Recorder(), {}))
            to_zak = [text for text, route in zip(texts, routes, strict=True) if route is zak]
            for route, expected in ((zak, to_zak), (kim, texts[1::3])):
                records = await self.log.history(route.envelope.conversation, 0, 0, 100)
                self.assertEqual([record.text for record in records][-len(expected) :], expected)
                self.assertEqual({record.to for record in records}, {route.envelope.to})

    async def test_an_empty_log(self) -> None:
        self.assertEqual((self.log.first, self.log.last), (1, 0))
        self.assertEqual(await self.read(0, 10), [])
        self.assertEqual(await self.log.history("#tea", 0, 0, 10), [])
        self.log.flush()
        self.assertEqual(self.batches, [])

    async def test_an_entry_is_neither_stored_nor_delivered_before_the_flush(self) -> None:
        self.log.append(entry("one"))
        self.assertEqual((self.batches, self.log.last), ([], 0))
        self.assertEqual(await self.read(0, 10), [])

    async def test_stored_entries_are_delivered_in_order_with_their_ids_and_time(self) -> None:
        one, two, three = entry("one"), entry("two", "three"), entry("four")
        await self.keep(one, two, three)
        self.assertEqual(self.delivered, ["one", "two", "three", "four"])
        self.assertEqual([one.first, two.first, three.first], [1, 2, 4])
        self.assertEqual([stored.time - 1_700_000_000_250 for stored in (one, two, three)], [0, 1, 3])
        self.assertEqual((self.log.first, self.log.last), (1, 4))

    async def test_every_record_has_a_millisecond_of_its_own_even_when_the_clock_goes_back(self) -> None:
        zak, kim = (Route(Envelope("jane", to, pair, 1, 7), User(user_name(to), 9)) for to, pair in SEVERAL.items())
        await self.keep(entry("one", "two"), MixedEntry("message", [zak, kim, zak], ["a", "b", "c"], Recorder(), {}))
        for seconds in (-7200.0, 0.0, 0.001, 7300.0, 0.0):
            self.now += seconds
            await self.keep(entry("x"), entry("y", "z"))
        times = [record.time for record in await self.read(0, 100)]
        self.assertEqual(times, sorted(set(times)))
        self.assertEqual(times[:3], [1_700_000_000_250, 1_700_000_000_251, 1_700_000_000_252])
        self.assertEqual(times[14], int(self.now * 1000), "the clock is followed when it is ahead")
        for entries in self.batches:
            for one in entries:
                self.assertEqual([record.time for record in one.records()], list(one.times))

    async def test_ids_only_grow(self) -> None:
        await self.keep(entry("one"))
        later = entry("two")
        await self.keep(later)
        self.assertEqual(later.first, 2)
        self.assertEqual(self.delivered, ["one", "two"])

    async def test_a_record_can_be_read_when_it_is_delivered(self) -> None:
        lasts: list[int] = []
        self.log.subscribe(lambda entries: lasts.append(self.log.last), self.refuse)
        await self.keep(entry("one"))
        self.assertEqual(lasts, [1])

    async def test_entries_that_a_delivery_causes_come_after_it(self) -> None:
        def deliver(entries: Sequence[Entry]) -> None:
            if not self.batches:
                self.log.append(entry("three"))
                self.log.flush()
            self.deliver(entries)

        self.log.subscribe(deliver, self.refuse)
        await self.keep(entry("one"), entry("two"))
        await self.flush(self.log)
        self.assertEqual(self.delivered, ["one", "two", "three"])

    async def test_a_record_has_all_fields_of_its_entry(self) -> None:
        origin = Recorder()
        sent = entry(
            "waves, \\ ä\n🍵",
            conversation=ZAK_AND_JANE,
            sender="Jane",
            to="Zak",
            kind=ACTION,
            connection=origin,
            author=2,
        )
        await self.keep(sent)
        expected = Record(
            1, 1_700_000_000_250, ACTION, "Jane", "Zak", "waves, \\ ä\n🍵", ZAK_AND_JANE, 2, origin.sender_number
        )
        self.assertEqual(await self.read(0, 1), [expected])
        self.assertEqual(await self.log.history(ZAK_AND_JANE, 0, 0, 1), [expected])

    async def test_a_stored_record_does_not_depend_on_its_entrys_connection(self) -> None:
        sent = entry("one")
        await self.keep(sent)
        sent.connection, sent.recipients = None, ()
        [record] = await self.read(0, 1)
        self.assertEqual((record.text, record.author), ("one", 1))

    async def keep_two_conversations(self) -> None:
        """Store 1 to 6 in #tea, of which 2 to 4 are one entry, then 7 to 9 in another conversation, then 10 in #tea."""
        await self.keep(
            entry("1"),
            entry("2", "3", "4"),
            entry("5"),
            entry("6"),
            entry("7", "8", conversation=ZAK_AND_JANE),
            entry("9", conversation=ZAK_AND_JANE),
            entry("10"),
        )

    async def texts(self, conversation: Conversation, before: int = 0, after: int = 0, limit: int = 50) -> list[str]:
        """Return the texts of a page of history; they must be equal to the ids."""
        page = await self.log.history(conversation, before, after, limit)
        self.assertEqual([record.id for record in page], [int(record.text) for record in page])
        return [record.text for record in page]

    async def test_history_has_one_conversation_oldest_first(self) -> None:
        await self.keep_two_conversations()
        self.assertEqual(await self.texts("#tea"), ["1", "2", "3", "4", "5", "6", "10"])
        self.assertEqual(await self.texts(ZAK_AND_JANE), ["7", "8", "9"])
        self.assertEqual(await self.texts("#ops"), [])

    async def test_history_has_the_newest_records_by_default(self) -> None:
        await self.keep_two_conversations()
        self.assertEqual(await self.texts("#tea", limit=2), ["6", "10"])
        self.assertEqual(await self.texts("#tea", limit=5), ["3", "4", "5", "6", "10"])

    async def test_history_before_an_id_pages_back(self) -> None:
        await self.keep_two_conversations()
        self.assertEqual(await self.texts("#tea", before=6, limit=2), ["4", "5"])
        self.assertEqual(await self.texts("#tea", before=4, limit=2), ["2", "3"])
        self.assertEqual(await self.texts("#tea", before=2, limit=2), ["1"])
        self.assertEqual(await self.texts("#tea", before=1), [])
        self.assertEqual(await self.texts("#tea", before=10**18, limit=1), ["10"])

    async def test_history_after_an_id_pages_on(self) -> None:
        await self.keep_two_conversations()
        self.assertEqual(await self.texts("#tea", after=1, limit=2), ["2", "3"])
        self.assertEqual(await self.texts("#tea", after=3, limit=2), ["4", "5"])
        self.assertEqual(await self.texts("#tea", after=6), ["10"])
        self.assertEqual(await self.texts("#tea", after=10), [])
        self.assertEqual(await self.texts("#tea", after=10**18), [])

    async def test_history_between_two_ids_has_the_newest_of_them(self) -> None:
        await self.keep_two_conversations()
        self.assertEqual(await self.texts("#tea", before=6, after=2), ["3", "4", "5"])
        self.assertEqual(await self.texts("#tea", before=6, after=2, limit=2), ["4", "5"])
        self.assertEqual(await self.texts("#tea", before=3, after=2), [])
        self.assertEqual(await self.texts("#tea", before=2, after=6), [])

    async def test_reading_page_by_page_has_all_records_in_order(self) -> None:
        await self.keep_two_conversations()
        everything = [str(number) for number in range(1, 11)]
        for position in range(12):
            for limit in (1, 2, 3, 50):
                page = await self.read(position, limit)
                self.assertEqual([record.text for record in page], everything[position : position + limit])
