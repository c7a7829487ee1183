"""Test the log in a SQLite file."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import StoreError
from twisted_chat.core.participants import Entry
from twisted_chat.stores.sqlite.log import MAX_RECENT_RECORDS, SqliteLog
from twisted_chat.test.contract_store import ZAK_AND_JANE, LogContract
from twisted_chat.test.support import Recorder, entry
from twisted_chat.test.support_sqlite import HeldWorker, SqliteFixture, sqlite_log


class SqliteLogTests(SqliteFixture, LogContract, TestCase):
    """The contract of logs; each write is done at once."""

    async def test_all_records_are_there_after_a_restart(self) -> None:
        await self.keep_two_conversations()
        before = await self.read(0, 100)
        log = await self.reopened()
        self.assertEqual((log.first, log.last), (1, 10))
        self.assertEqual(await self.read(0, 100), before)
        self.assertEqual(await self.texts("#tea", limit=2), ["6", "10"])
        self.assertEqual(await self.texts(ZAK_AND_JANE), ["7", "8", "9"])

    async def test_times_grow_across_a_restart_with_an_earlier_clock(self) -> None:
        await self.keep(entry("one", "two"))
        self.now -= 7200
        await self.reopened()
        await self.keep(entry("three"))
        times = [record.time for record in await self.read(0, 10)]
        self.assertEqual(times, [1_700_000_000_250, 1_700_000_000_251, 1_700_000_000_252])

    async def test_ids_grow_across_restarts_and_deletions(self) -> None:
        await self.keep(entry("1", "2"))
        with sqlite3.connect(self.path) as db:
            db.execute("DELETE FROM records")
        db.close()
        log = await self.reopened()
        self.assertEqual((log.first, log.last), (3, 2))
        await self.keep(later := entry("3"))
        self.assertEqual(later.first, 3)

    async def test_an_identity_is_never_given_twice(self) -> None:
        first = self.log.new_identity()
        self.assertLess(first, self.log.new_identity())
        self.assertLess(self.log.new_identity(), (await self.reopened()).new_identity())

    async def test_a_reader_far_behind_reads_from_the_file(self) -> None:
        for number in range(1, 10):
            await self.keep(entry(*(str(number * 1000 + i) for i in range(MAX_RECENT_RECORDS // 4))))
        page = await self.read(3, 2)
        self.assertEqual([(record.id, record.text) for record in page], [(4, "1003"), (5, "1004")])

    async def test_entries_flushed_during_a_commit_share_the_next_one(self) -> None:
        assert isinstance(self.log, SqliteLog)
        await self.log.close()
        worker: HeldWorker[Any] = HeldWorker()
        log = self.log = self.opened(worker)
        for text in ("one", "two"):
            log.append(entry(text))
            log.flush()
        self.assertEqual((self.delivered, log.last), ([], 0))
        worker.work_off()
        log.append(entry("three"))
        log.flush()
        self.assertEqual((self.delivered, log.last), (["one", "two"], 2))
        worker.work_off()
        self.assertEqual([[e.texts for e in batch] for batch in self.batches], [[["one"], ["two"]], [["three"]]])

    async def test_an_entry_that_cannot_be_stored_is_refused_and_the_next_one_stored(self) -> None:
        assert isinstance(self.log, SqliteLog)
        log = self.log
        problems: list[Exception] = [sqlite3.OperationalError("database or disk is full")] * 2
        insert = log._appender._insert

        def broken(entries: list[Entry], time: int, labelled: bool = False) -> None:
            if problems:
                raise problems.pop()
            insert(entries, time, labelled)

        self.patch(log._appender, "_insert", broken)
        with capturedLogs() as logged:
            await self.keep(entry("lost"))
            await self.keep(entry("lost too"))
            self.assertEqual((self.refused, self.delivered, log.last), (["lost", "lost too"], [], 0))
            await self.keep(entry("kept"))
        self.assertEqual((self.delivered, log.last), (["kept"], 1))
        logged_lines = [formatEvent(event) for event in logged]
        self.assertEqual(
            logged_lines,
            [f"cannot write to {self.path}: database or disk is full", f"can write to {self.path} again"],
            "once each",
        )

    async def test_a_resend_beside_what_a_full_disk_refuses_gets_its_first_id(self) -> None:
        assert isinstance(self.log, SqliteLog)
        phone = Recorder()
        phone.sender_number = 7
        await self.keep(entry("one", labels=("a",), connection=phone))

        def broken(entries: list[Entry], sizes: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patched = self.patch(self.log._appender, "_insert_rows", broken)
        with capturedLogs() as logged:
            again = entry("one", "two", labels=("a", "b"), connection=phone)
            await self.keep(again, entry("new"), entry("other", labels=("a",), connection=phone))
            await self.keep(entry("one", labels=("a",), connection=phone))
        patched.restore()
        self.assertEqual([(one.texts, one.first) for batch in self.batches for one in batch], [(["one"], 1)] * 3)
        self.assertEqual(sorted(self.refused), ["new", "other", "two"])
        self.assertEqual(len(logged), 1, "a look-up says nothing of the disk")
        with capturedLogs():
            await self.keep(entry("three"))
        self.assertEqual(self.log.last, 2)

    async def test_a_commit_of_any_size_stores_each_text_once_and_in_order(self) -> None:
        texts = [str(number) for number in range(1, 2 * (1024 + 256 + 64) + 1)]
        for count in (1, 64, 65, 256, 1024, 1023, len(texts)):
            first = self.log.last
            await self.keep(entry(*texts[: count // 2]), entry(*texts[count // 2 : count], conversation="#ops"))
            rows = self.database.select_now("SELECT id, text FROM records WHERE id > ? ORDER BY id", (first,))
            self.assertEqual(rows, [(first + index, text) for index, text in enumerate(texts[:count], 1)])

    async def test_a_commit_that_fails_in_its_last_statement_stores_nothing_and_uses_no_id(self) -> None:
        await self.keep(entry("1"))
        self.database.select_now("INSERT INTO records SELECT 1402, time, kind, '', '', '', 1, 1, 1 FROM records")
        with capturedLogs():
            await self.keep(entry(*map(str, range(1024 + 256 + 64 + 57))))
        self.assertEqual((len(self.refused), self.log.last), (1401, 1))
        self.assertEqual(self.database.select_now("SELECT id FROM records"), [(1,), (1402,)])
        await self.keep(entry("2"))
        self.assertEqual((self.delivered, self.log.last), (["1", "2"], 2))

    def refused_file(self) -> str:
        log = sqlite_log(self.path, Clock(), lambda: self.now)
        with self.assertRaises(StoreError) as caught:
            log.open()
        return str(caught.exception)

    async def test_a_second_server_is_refused(self) -> None:
        self.assertIn("another server uses", self.refused_file())

    async def test_a_file_that_is_not_a_database_is_refused_and_unchanged(self) -> None:
        assert isinstance(self.log, SqliteLog)
        await self.log.close()
        for name in os.listdir(os.path.dirname(self.path)):
            os.remove(os.path.join(os.path.dirname(self.path), name))
        content = b"dear diary, " * 1000
        with open(self.path, "wb") as file:
            file.write(content)
        self.assertIn("file is not a database", self.refused_file())
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), content)
        os.remove(self.path)
        os.remove(f"{self.path}.lock")
        self.log = self.opened()

    async def test_a_file_of_a_newer_version_or_another_program_is_refused(self) -> None:
        assert isinstance(self.log, SqliteLog)
        await self.log.close()
        with sqlite3.connect(self.path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        self.assertIn("made by a newer twisted_chat", self.refused_file())
        self.path += "-other"
        with sqlite3.connect(self.path) as db:
            db.execute("CREATE TABLE recipes (name TEXT)")
        db.close()
        self.assertIn("a database of something else", self.refused_file())
        os.remove(self.path)
        os.remove(f"{self.path}.lock")
        self.log = self.opened()

    async def test_a_missing_folder_is_named_as_the_reason(self) -> None:
        self.path = os.path.join(os.path.dirname(self.path), "nowhere", "chat.sqlite3")
        self.assertIn("No such file or directory", self.refused_file())
