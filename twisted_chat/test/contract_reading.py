"""The contract of logs for a reader: what it may see, what is unread, and what a search finds."""

from __future__ import annotations

from twisted_chat.core.cursor import Cursor
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED, Page
from twisted_chat.core.messages import ACTION, GUESTS, JOINED, LEFT, MESSAGE, NOTICE, TOPIC, Conversation, Record
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

    async def test_partners_are_listed_latest_first(self) -> None:
        self.assertEqual(await self.log.partners(ZAK, 10), [])
        await self.keep_a_day()
        self.assertEqual(await self.log.partners(ZAK, 10), [JANE, ZAK, GUEST])
        await self.keep(self.said((ZAK, GUEST), GUEST))
        self.assertEqual(await self.log.partners(ZAK, 10), [GUEST, JANE, ZAK])
        self.assertEqual(await self.log.partners(ZAK, 1), [GUEST])
        self.assertEqual(await self.log.partners(GUEST, 10), [ZAK])

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
                    unread, count = await self.log.unread(ZAK, {"#tea"}, after, up_to, limit)
                    self.assertEqual([record.id for record in unread], expected[-limit:], (after, up_to, limit))
                    self.assertEqual(count, len(expected))

    async def test_messages_actions_and_notices_are_unread(self) -> None:
        kinds = (MESSAGE, JOINED, ACTION, TOPIC, NOTICE, LEFT)
        await self.keep(*(self.said("#tea", kind=kind) for kind in kinds))
        unread, count = await self.log.unread(ZAK, {"#tea"}, 0, 6, 10)
        self.assertEqual(([record.kind for record in unread], count), ([MESSAGE, ACTION, NOTICE], 3))

    async def test_unread_records_are_counted_up_to_a_bound(self) -> None:
        await self.keep(self.said((ZAK, JANE), count=MAX_UNREAD_COUNTED - 1))
        for expected in (MAX_UNREAD_COUNTED - 1, MAX_UNREAD_COUNTED, MAX_UNREAD_COUNTED + 1, MAX_UNREAD_COUNTED + 1):
            unread, count = await self.log.unread(ZAK, set(), 0, self.log.last, 2)
            self.assertEqual(([record.id for record in unread], count), ([self.log.last - 1, self.log.last], expected))
            await self.keep(self.said((ZAK, JANE)))


class SearchContract(LogFixture):
    """A search finds texts that have all the words, without regard to case and accents."""

    async def found(self, words: str, limit: int = 50, where: Conversation = "#tea") -> list[str]:
        return [record.text for record in await self.log.search(where, words, limit)]

    async def test_all_the_words_in_any_order(self) -> None:
        await self.keep(entry("one two three", "three two", "two"), entry("four", "one"))
        self.assertEqual(await self.found("two"), ["one two three", "three two", "two"])
        self.assertEqual(await self.found("two three"), ["one two three", "three two"])
        self.assertEqual(await self.found("two, one two!"), ["one two three"])
        self.assertEqual(await self.found("tw"), [], "whole words")
        self.assertEqual(await self.found("five"), [])

    async def test_case_and_accents_make_no_difference(self) -> None:
        texts = ["Café", "CAFE\u0301", "cafe", "Tiếng Việt", "ÅNGSTRÖM"]
        await self.keep(*map(entry, texts))
        for word in ("café", "CAFE", "cafe\u0301"):
            self.assertEqual(await self.found(word), texts[:3], word)
        self.assertEqual(await self.found("tieng viet"), ["Tiếng Việt"])
        self.assertEqual(await self.found("angstrom"), ["ÅNGSTRÖM"])

    async def test_a_word_finds_itself_in_any_script(self) -> None:
        words = [
            "Straße",
            "한국어",
            "がんばって",
            "привет",
            "你好",
            "हिन्दी",
            "ﬁn",
            "x²",
            "İstanbul",
            "١٢٣",
            "naïve",
            "ßß",
        ]
        await self.keep(*(entry(f"so {word}, here") for word in words))
        for word in words:
            self.assertEqual(await self.found(word), [f"so {word}, here"], word)

    async def test_punctuation_separates_words_and_has_no_meaning(self) -> None:
        await self.keep(entry("a fine-tuned col:umn", "fine", 'say "tuned" OR not', "near this"))
        self.assertEqual(await self.found("fine-tuned"), ["a fine-tuned col:umn"])
        for words in ("fine*", '"fine', "-fine", "^fine", "fine)", "(fine", "+fine", "{fine}", "'fine'", "fine;--"):
            self.assertEqual(await self.found(words), ["a fine-tuned col:umn", "fine"], words)
        self.assertEqual(await self.found("fin*"), [])
        self.assertEqual(await self.found("col:umn"), ["a fine-tuned col:umn"])
        self.assertEqual(await self.found("text:fine"), [])
        self.assertEqual(await self.found("NEAR(this, 2)"), [])
        self.assertEqual(await self.found("tuned OR nothing"), [])
        self.assertEqual(await self.found("tuned or NOT"), ['say "tuned" OR not'])
        self.assertEqual(await self.found("fine AND tuned"), [])

    async def test_a_search_without_words_finds_nothing(self) -> None:
        await self.keep(entry("one", "-", "*"))
        for words in ("", " ", "*", '"', '""', "''", "()", "-", "\u0301", "\N{HOT BEVERAGE}"):
            self.assertEqual(await self.found(words), [], repr(words))

    async def test_very_many_words(self) -> None:
        await self.keep(entry("word1 word2", "word1"))
        self.assertEqual(await self.found(" ".join(f"word{number}" for number in range(3000))), [])
        self.assertEqual(await self.found("word1 " * 3000 + "word2"), ["word1 word2"])

    async def test_only_texts_of_that_conversation_are_found(self) -> None:
        await self.keep(
            entry("word topic", kind=TOPIC),
            entry("word tea"),
            entry("word ops", conversation="#ops"),
            entry("word waves", kind=ACTION),
            entry("word direct", conversation=(1, 2)),
        )
        self.assertEqual(await self.found("word"), ["word tea", "word waves"])
        self.assertEqual(await self.found("word", where=(1, 2)), ["word direct"])
        self.assertEqual(await self.found("word", where="#none"), [])

    async def test_the_newest_of_many_oldest_first(self) -> None:
        await self.keep(entry(*(f"word {number}" for number in range(60))))
        self.assertEqual(await self.found("word"), [f"word {number}" for number in range(10, 60)])
        self.assertEqual(await self.found("word", 2), ["word 58", "word 59"])
