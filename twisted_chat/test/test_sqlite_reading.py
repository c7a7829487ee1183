"""Test what a reader sees of the log in a SQLite file: from memory, and from the file after a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import MessageLog
from twisted_chat.stores.sqlite import appender, indexer, statements
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
    async def test_labels_are_remembered_whatever_the_clock_says(self) -> None:
        day = 24 * 60 * 60
        await self.keep(self.said("one", labels=("a",)))
        for days in (2, 100, 30_000, -40_000, 1):
            self.now += days * day
            await self.keep(self.said("two", labels=("b",)))
            await self.keep(self.said("one", labels=("a",)))
        self.assertEqual((self.log.last, self.refused), (2, []))

    async def test_the_newest_labels_of_a_client_are_remembered(self) -> None:
        self.patch(appender, "MAX_LABELS_PER_CLIENT", 10)
        self.patch(appender, "LABELS_BETWEEN_CHECKS", 5)
        other = self.client(8)
        await self.keep(self.said("other", labels=("0",), client=other))
        for number in range(40):
            await self.keep(self.said(f"text {number}", labels=(str(number),)))
        await self.flush(self.log)
        [[count]] = await self.database.select("SELECT count(*) FROM labels WHERE client = 7")
        self.assertLessEqual(count, 10 + 5)
        last = self.log.last
        for number in range(30, 40):
            await self.keep(self.said(f"text {number}", labels=(str(number),)))
        await self.keep(self.said("other", labels=("0",), client=other))
        self.assertEqual(self.log.last, last)

    async def test_a_label_is_looked_up_by_an_index(self) -> None:
        plan = await self.database.select(f"EXPLAIN QUERY PLAN {statements.KNOWN}", ("[]",))
        steps = [str(row[3]) for row in plan]
        self.assertEqual(
            [step for step in steps if step.startswith("SCAN") and "VIRTUAL" not in step and "json" not in step], []
        )
        plain = [step.replace("SEARCH TABLE", "SEARCH") for step in steps]  # as SQLite before 3.36 has it
        self.assertTrue(any(step.startswith("SEARCH labels USING PRIMARY KEY") for step in plain), steps)

    async def test_a_label_whose_record_was_deleted_is_known(self) -> None:
        await self.keep(self.said("one", labels=("a",)))
        await self.database.transact(lambda db: db.execute("DELETE FROM records"))
        self.assertEqual(await self.ids_of(self.said("one", labels=("a",))), [("one", 1)])
        self.assertEqual((self.log.last, self.refused), (1, []))


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
