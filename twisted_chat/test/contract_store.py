"""What every log keeps its word about (core.interfaces.MessageLog), as a mixin for each one's tests."""

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
"""The time, in seconds since 1970, at which everything happens."""


class LogFixture(Base):
    """A log, and what it delivers and refuses. A TestCase says how to make one whose time is `now`, at first NOW."""

    now = NOW

    def make_log(self) -> MessageLog:
        """An empty log."""
        raise NotImplementedError

    async def kept(self, log: MessageLog) -> None:
        """Flush, and wait until everything is kept and delivered."""
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
        """The texts of everything that was delivered, in order."""
        return [text for batch in self.batches for one in batch for text in one.texts]

    async def keep(self, *entries: Entry) -> None:
        for one in entries:
            self.log.append(one)
        await self.kept(self.log)


class LogContract(LogFixture):
    """What is said is kept, in order, and can be read."""

    async def read(self, after: int, limit: int) -> list[Record]:
        """What the one who makes all the records of these tests may see, who is in all rooms."""
        return (await self.log.read(1, ("#tea", "#ops"), after, limit)).records

    async def test_an_entry_to_several_people_has_each_text_in_its_conversation(self) -> None:
        zak, kim = (Route(Envelope("jane", to, pair, 1, 7), User(user_name(to), 9)) for to, pair in SEVERAL.items())
        for count in (1, 50):  # few rows and many are written in two ways
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

    async def test_what_is_not_flushed_is_neither_kept_nor_delivered(self) -> None:
        self.log.append(entry("one"))
        self.assertEqual((self.batches, self.log.last), ([], 0))
        self.assertEqual(await self.read(0, 10), [])

    async def test_what_is_kept_is_delivered_in_order_with_its_place_and_time(self) -> None:
        one, two, three = entry("one"), entry("two", "three"), entry("four")
        await self.keep(one, two, three)
        self.assertEqual(self.delivered, ["one", "two", "three", "four"])
        self.assertEqual([one.first, two.first, three.first], [1, 2, 4])
        self.assertEqual({said.time for said in (one, two, three)}, {1_700_000_000_250})
        self.assertEqual((self.log.first, self.log.last), (1, 4))

    async def test_ids_only_grow(self) -> None:
        await self.keep(entry("one"))
        later = entry("two")
        await self.keep(later)
        self.assertEqual(later.first, 2)
        self.assertEqual(self.delivered, ["one", "two"])

    async def test_at_delivery_it_can_be_read_already(self) -> None:
        lasts: list[int] = []
        self.log.subscribe(lambda entries: lasts.append(self.log.last), self.refuse)
        await self.keep(entry("one"))
        self.assertEqual(lasts, [1])

    async def test_what_a_delivery_causes_comes_after_it(self) -> None:
        def deliver(entries: Sequence[Entry]) -> None:
            if not self.batches:
                self.log.append(entry("three"))
                self.log.flush()
            self.deliver(entries)

        self.log.subscribe(deliver, self.refuse)
        await self.keep(entry("one"), entry("two"))
        await self.kept(self.log)
        self.assertEqual(self.delivered, ["one", "two", "three"])

    async def test_a_record_has_everything_that_was_said(self) -> None:
        origin = Recorder()
        said = entry(
            "waves, \\ ä\n🍵",
            conversation=ZAK_AND_JANE,
            sender="Jane",
            to="Zak",
            kind=ACTION,
            connection=origin,
            author=2,
        )
        await self.keep(said)
        expected = Record(
            1, 1_700_000_000_250, ACTION, "Jane", "Zak", "waves, \\ ä\n🍵", ZAK_AND_JANE, 2, origin.sender_number
        )
        self.assertEqual(await self.read(0, 1), [expected])
        self.assertEqual(await self.log.history(ZAK_AND_JANE, 0, 0, 1), [expected])

    async def test_what_was_kept_no_longer_follows_its_entry(self) -> None:
        said = entry("one")
        await self.keep(said)
        said.connection, said.recipients = None, ()
        [record] = await self.read(0, 1)
        self.assertEqual((record.text, record.author), ("one", 1))

    async def keep_two_conversations(self) -> None:
        """1 to 6 in #tea, of which 2 to 4 are one entry, with 7 to 9 in another conversation, and 10 in #tea."""
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
        """A page of history; its ids must be the texts themselves."""
        page = await self.log.history(conversation, before, after, limit)
        self.assertEqual([record.id for record in page], [int(record.text) for record in page])
        return [record.text for record in page]

    async def test_history_is_one_conversation_oldest_first(self) -> None:
        await self.keep_two_conversations()
        self.assertEqual(await self.texts("#tea"), ["1", "2", "3", "4", "5", "6", "10"])
        self.assertEqual(await self.texts(ZAK_AND_JANE), ["7", "8", "9"])
        self.assertEqual(await self.texts("#ops"), [])

    async def test_history_has_the_newest_unless_asked_otherwise(self) -> None:
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

    async def test_reading_on_has_everything_in_order(self) -> None:
        await self.keep_two_conversations()
        everything = [str(number) for number in range(1, 11)]
        for place in range(12):
            for limit in (1, 2, 3, 50):
                page = await self.read(place, limit)
                self.assertEqual([record.text for record in page], everything[place : place + limit])
