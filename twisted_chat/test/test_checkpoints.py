"""Checkpoints: by a thread of their own, one at a time, and never when everything is copied already."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.sqlite import checkpoints
from twisted_chat.stores.sqlite.checkpoints import CHECKPOINT, Checkpointer, WalIndex

PATIENCE = 20.0


class CheckpointTests(SynchronousTestCase):
    """A file with a writer, whose checkpoints are small in these tests."""

    def setUp(self) -> None:
        self.patch(checkpoints, "STEP_PAGES", 20)
        self.patch(checkpoints, "RESTART_PAGES", 60)
        self.patch(checkpoints, "RETRY_SECONDS", 0.01)
        self.path = self.mktemp()
        self.db = self.connect()
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, text TEXT)")
        self.index = WalIndex(self.path)
        self.addCleanup(self.index.close)
        self.addCleanup(self.db.close)

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    def started(self) -> Checkpointer:
        checkpointer = Checkpointer()
        checkpointer.start(self.path, self.db)
        self.addCleanup(checkpointer.close)
        self.addCleanup(checkpointer.stop)
        return checkpointer

    def write(self, checkpointer: Checkpointer, times: int = 1) -> None:
        for _ in range(times):
            self.db.execute("INSERT INTO records (text) VALUES (?)", ("x" * 10_000,))
            checkpointer.after_commit(self.db)

    def until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    def test_the_index_says_what_sqlite_says(self) -> None:
        self.db.execute("PRAGMA wal_autocheckpoint = 0")
        for _ in range(10):
            self.db.execute("INSERT INTO records (text) VALUES (?)", ("x" * 10_000,))
        pages, copied = self.index.read()
        self.assertGreater(pages, copied)
        self.assertEqual(self.db.execute(CHECKPOINT).fetchall(), [(0, pages, pages)])
        self.assertEqual(self.index.read(), (pages, pages))

    def test_the_thread_copies_what_the_writer_has_written(self) -> None:
        checkpointer = self.started()
        self.write(checkpointer, 20)
        self.until(lambda: self.index.read()[1] >= 20)
        self.assertEqual(self.db.execute("PRAGMA wal_autocheckpoint").fetchall(), [(0,)])

    def test_the_wal_begins_anew_under_a_writer_that_never_rests(self) -> None:
        checkpointer = self.started()
        most = 0

        def has_begun_anew() -> bool:
            nonlocal most
            self.write(checkpointer)
            pages, _ = self.index.read()
            most = max(most, pages)
            return pages < most

        self.until(has_begun_anew)

    def test_nothing_is_begun_when_everything_is_copied(self) -> None:
        checkpointer = self.started()
        self.write(checkpointer)
        checkpointer._copy(self.db)
        asked: list[str] = []
        self.db.set_trace_callback(asked.append)
        self.assertTrue(checkpointer._copy(self.db))
        self.assertEqual(asked, [], "the WAL-reset fault needs a checkpoint at this moment")

    def test_one_checkpoint_at_a_time(self) -> None:
        checkpointer = self.started()
        with checkpointer._one_at_a_time:
            self.write(checkpointer, 40)
            _, copied = self.index.read()
            self.assertLess(copied, 20, "neither the thread nor the writer has copied")
        self.until(lambda: self.index.read()[1] >= 40)

    def test_a_large_wal_is_logged_with_its_reason_and_its_end(self) -> None:
        self.patch(checkpoints, "LARGE_WAL_BYTES", 400_000)
        reader = self.connect()
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM records").fetchall()
        lines: list[str] = []
        with capturedLogs() as logged:
            checkpointer = self.started()
            self.write(checkpointer, 150)
            self.until(lambda: len(logged) > 0)
            reader.close()

            def is_small() -> bool:
                self.write(checkpointer)
                return len(logged) > 1 and "small again" in (formatEvent(logged[-1]) or "")

            self.until(is_small)
            lines = [formatEvent(event) or "" for event in logged]
        self.assertIn("-wal has grown to", lines[0])
        self.assertIn("keeps an old state of the file in use", lines[0])

    def test_everything_is_in_the_file_at_the_end(self) -> None:
        checkpointer = Checkpointer()
        checkpointer.start(self.path, self.db)
        self.write(checkpointer, 100)
        checkpointer.stop()
        self.db.close()
        checkpointer.close()
        self.assertFalse(os.path.exists(f"{self.path}-wal"))
        db = self.connect()
        self.assertEqual(db.execute("SELECT count(*) FROM records").fetchall(), [(100,)])
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        db.close()
