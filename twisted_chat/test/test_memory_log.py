"""Test the log in memory: the contract, and its limits."""

from twisted.trial.unittest import SynchronousTestCase, TestCase

from twisted_chat.core.interfaces import Page
from twisted_chat.core.messages import Record
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.ring import SLACK_RECORDS
from twisted_chat.test.contract_labels import LabelsContract, RestoreContract
from twisted_chat.test.contract_reading import ReadingContract
from twisted_chat.test.contract_search import SearchContract
from twisted_chat.test.contract_store import NOW, LogContract, LogFixture
from twisted_chat.test.support import entry


class MemoryFixture(LogFixture):
    def make_log(self) -> MemoryLog:
        return MemoryLog(now=lambda: self.now)


class MemoryLogContractTests(MemoryFixture, LogContract, TestCase):
    pass


class MemoryLogReadingTests(MemoryFixture, ReadingContract, TestCase):
    pass


class MemoryLogSearchTests(MemoryFixture, SearchContract, TestCase):
    pass


class MemoryLogLabelsTests(MemoryFixture, LabelsContract, TestCase):
    pass


class MemoryLogRestoreTests(MemoryFixture, RestoreContract, TestCase):
    pass


class RingTests(SynchronousTestCase):
    """The log in memory drops the oldest records."""

    def log(self, most: int = 10_000, size: int = 10**9) -> MemoryLog:
        log = MemoryLog(most, size, now=lambda: NOW)
        log.subscribe(lambda entries: None, lambda entries: None)
        return log

    def keep(self, log: MemoryLog, *texts: str) -> None:
        for text in texts:
            log.append(entry(text))
            log.flush()

    def read(self, log: MemoryLog, after: int = 0) -> list[Record]:
        page: Page = self.successResultOf(log.read(1, (), after, 10**9))
        return page.records

    def test_the_log_keeps_about_as_many_records_as_its_limit(self) -> None:
        log = self.log(most=10)
        for number in range(5000):
            self.keep(log, str(number))
            kept = log.last - log.first + 1
            self.assertLessEqual(kept, 10 + SLACK_RECORDS + 1)
            self.assertGreaterEqual(kept, min(number + 1, 10))
        records = self.read(log)
        self.assertEqual([records[0].id, records[-1].id], [log.first, log.last])
        self.assertEqual(records[-1].text, "4999")

    def test_a_dropped_record_is_in_no_history(self) -> None:
        log = self.log(most=10)
        log.append(entry("first words", conversation="#ops"))
        self.keep(log, *map(str, range(1000)))
        self.assertEqual(self.successResultOf(log.history("#ops", 0, 0, 50)), [])
        page = self.successResultOf(log.history("#tea", 0, 1, 5))
        self.assertEqual(page[0].id, log.first)

    def test_long_texts_count_by_their_size(self) -> None:
        log = self.log(size=1100)
        for _ in range(4 * SLACK_RECORDS):
            self.keep(log, "x" * 300)
        kept = self.read(log)
        self.assertEqual(len(kept), 3)
        self.assertEqual((kept[0].id, kept[-1].id), (log.first, 4 * SLACK_RECORDS))

    def test_one_very_long_text_goes_and_what_fits_stays(self) -> None:
        log = self.log(size=100_000)
        self.keep(log, "x" * 100_001, *"y" * 2 * SLACK_RECORDS)
        self.assertEqual(log.first, 2)
        self.assertEqual(len(self.read(log)), 2 * SLACK_RECORDS)

    def test_texts_that_are_all_too_long_leave_an_empty_log(self) -> None:
        log = self.log(size=1000)
        self.keep(log, *["x" * 1001] * (SLACK_RECORDS + 1))
        self.assertEqual(log.first, log.last + 1)
        self.assertEqual(self.read(log), [])
        self.keep(log, "short")
        self.assertEqual([record.text for record in self.read(log)], ["short"])

    def test_several_texts_in_one_entry_go_together(self) -> None:
        log = self.log(most=2)
        log.append(entry("a", "b", "c"))
        self.keep(log, *"y" * SLACK_RECORDS)
        self.assertGreater(log.first, 3)

    def test_a_failing_delivery_does_not_stop_the_log(self) -> None:
        log = self.log()

        def fail(entries: object) -> None:
            raise ValueError

        log.subscribe(fail, fail)
        self.assertRaises(ValueError, self.keep, log, "one")
        log.subscribe(lambda entries: None, lambda entries: None)
        self.keep(log, "two")
        self.assertEqual(log.last, 2)
