"""Test what a reader sees of the log in a SQLite file: from memory, and from the file after a restart."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import MessageLog
from twisted_chat.stores.sqlite import appender, statements
from twisted_chat.test.contract_labels import LabelsContract, RestoreContract
from twisted_chat.test.contract_reading import ReadingContract, SearchContract
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support_sqlite import SqliteFixture


class ReadingTests(SqliteFixture, ReadingContract, TestCase):
    pass


class SearchTests(SqliteFixture, SearchContract, TestCase):
    pass


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
        self.assertTrue(any(step.startswith("SEARCH labels USING PRIMARY KEY") for step in steps), steps)

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
