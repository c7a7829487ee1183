"""Test what a reader sees of the log in a SQLite file: from memory, and from the file after a restart."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import MessageLog
from twisted_chat.test.contract_labels import LabelsContract, RestoreContract
from twisted_chat.test.contract_reading import ReadingContract, SearchContract
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support_sqlite import SqliteFixture


class ReadingTests(SqliteFixture, ReadingContract, TestCase):
    pass


class SearchTests(SqliteFixture, SearchContract, TestCase):
    pass


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
