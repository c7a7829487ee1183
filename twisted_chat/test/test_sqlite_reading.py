"""Test what a reader sees of the log in a SQLite file: from memory, and from the file after a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import MessageLog
from twisted_chat.stores.sqlite import indexer
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.test.contract_labels import LabelsContract, RestoreContract
from twisted_chat.test.contract_reading import GUEST, JANE, ZAK, ReadingContract
from twisted_chat.test.contract_search import SearchContract
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import entry
from twisted_chat.test.support_sqlite import SqliteFixture


class ReadingTests(SqliteFixture, ReadingContract, TestCase):
    async def test_a_long_conversation_that_goes_on_is_read(self) -> None:
        long, short = (ZAK, JANE), (ZAK, GUEST)
        await self.keep(self.said(long), self.said(short), *(self.said("#den", count=3000) for _ in range(4)))
        await self.keep(self.said(long), self.said(short), self.said(long))
        await self.reopened()
        for position in (0, 1, 2, 500, 11_000, 12_002, 12_004):
            seen = await self.pages(set(), position, 2)
            self.assertEqual(seen, [id for id in (1, 2, 12_003, 12_004, 12_005) if id > position], position)


class SearchTests(SqliteFixture, SearchContract, TestCase):
    async def test_a_search_ends_although_others_go_on_talking(self) -> None:
        self.patch(indexer, "MAX_STEP_RECORDS", 3)
        await self.keep(*(entry(f"word {number}") for number in range(9)))
        transact = self.database.transact

        def talk_and_transact(work: Callable[[sqlite3.Connection], object]) -> Deferred[object]:
            if self.log.last > 200:
                raise AssertionError("the search runs after the others")
            self.log.append(entry(*["word"] * 5))
            self.log.flush()
            return transact(work)

        self.patch(self.database, "transact", talk_and_transact)
        self.assertEqual(len(await self.log.search("#tea", "word", 50)), 9)

    async def test_a_search_of_what_is_indexed_writes_nothing(self) -> None:
        await self.keep(entry("word"))
        self.assertEqual(await self.found("word"), ["word"])
        self.patch(self.database, "transact", None)
        self.assertEqual(await self.found("word"), ["word"])

    async def test_long_texts_are_indexed_in_shorter_steps(self) -> None:
        assert isinstance(self.log, SqliteLog)
        await self.keep(*(entry("喝茶" * 3000) for _ in range(3)), entry("short"))
        steps = self.log._indexer
        indexed = []
        while steps.step(self.log.last):
            indexed.append(steps.indexed)
        self.assertEqual([*indexed, steps.indexed], [1, 2, 3, 4])


class LabelsTests(SqliteFixture, LabelsContract, TestCase):
    DAY = 24 * 60 * 60

    async def again_after(self, seconds: float) -> int:
        """Send a text twice, so many seconds apart; return how many records there are then."""
        await self.keep(self.said("one", labels=("a",)))
        self.now += seconds
        await self.keep(self.said("one", labels=("a",)))
        return self.log.last

    async def test_labels_are_remembered_for_a_day(self) -> None:
        self.assertEqual(await self.again_after(self.DAY), 1)

    async def test_labels_are_remembered_across_the_start_of_a_day(self) -> None:
        self.now -= self.now % self.DAY
        await self.keep(self.said("b", labels=("b",)))
        self.now += self.DAY - 1
        self.assertEqual(await self.again_after(self.DAY), 2)

    async def test_labels_are_forgotten_after_two_days(self) -> None:
        self.assertEqual(await self.again_after(2 * self.DAY), 2)
        self.assertEqual(await self.again_after(100 * self.DAY), 3)

    async def test_a_clock_that_goes_back_does_no_harm(self) -> None:
        self.assertEqual(await self.again_after(-5 * self.DAY), 1)
        await self.keep(self.said("two", labels=("b",)))
        self.assertEqual(await self.again_after(5 * self.DAY), 2)

    async def test_a_label_whose_record_is_gone_is_new(self) -> None:
        await self.keep(self.said("one", labels=("a",)))
        await self.database.transact(lambda db: db.execute("DELETE FROM records"))
        await self.keep(self.said("one", labels=("a",)))
        self.assertEqual((self.log.last, self.refused), (2, []))


class FromTheFile(SqliteFixture, LogFixture):
    """Restarts the log each time that entries were stored."""

    async def flush(self, log: MessageLog) -> None:
        await super().flush(log)
        batches = self.batches
        await self.reopened()
        self.batches = batches


class ReadingFromTheFileTests(FromTheFile, ReadingContract, TestCase):
    pass


class LabelsFromTheFileTests(FromTheFile, LabelsContract, TestCase):
    pass


class RestoreTests(SqliteFixture, RestoreContract, TestCase):
    pass
